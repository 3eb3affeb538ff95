"""Pools held for work that is done ahead of its op.

Belongs here: taking and giving back slots. Does not belong here: which assets have a pool.

Dagster takes an op's slot when it comes to the op. Where a job run does the work of later ops
too, their slots must be held while it does, or two runs would write at once what takes turns.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext

WAIT_SECONDS = 1.0


@contextmanager
def pools_held(context: dg.OpExecutionContext, ops: Sequence[str]) -> Iterator[None]:
    """Hold a slot of each pool of `ops`, which are later ops of the context's run.

    Pools are taken in the order of the ops, the context's own being the first, so that two runs
    can't wait for each other.
    """
    pools: dict[str, str] = {}
    for node in context.job_def.nodes_in_topological_order:
        if node.name in ops:
            for pool in sorted(node.definition.pools - context.op_def.pools):
                pools.setdefault(pool, node.name)
    storage = context.instance.event_log_storage
    with InstanceConcurrencyContext(context.instance, context.run) as slots:
        try:
            for pool, op in pools.items():
                told = False
                while not slots.claim(pool, op):
                    if not told:
                        context.log.info(f"waits for pool {pool}, which another run holds")
                        told = True
                    time.sleep(WAIT_SECONDS)
            yield
        finally:
            for op in pools.values():
                storage.free_concurrency_slot_for_step(context.run_id, op)
