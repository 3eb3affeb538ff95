"""The screen: which of Bronze's new items do not wait for the batch.

Belongs here: reading what no run has worked on yet with the local model, and taking what the rules
call urgent. Does not belong here: the rules (urgent_rules.py), the language model, and whose an
item is afterwards (pipeline/lanes.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from feedback_assets.contracts.ledgers import URGENT_ITEMS
from feedback_assets.fast_lane.urgent_rules import KNOWN_FACTS, UrgentRules, load_urgent_rules
from feedback_assets.gold import sentiment, topics
from feedback_assets.gold.findings import Stamp
from feedback_assets.gold.model_store import load, load_suspicion, version_in_force
from feedback_assets.gold.reading import read_safely, watched
from feedback_assets.gold.suspicion import FILE as SUSPICION
from feedback_assets.pipeline.arrow_map import frame_of, map_arrow
from feedback_assets.pipeline.lanes import taken
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import Step, StepContext
from feedback_assets.silver.canonical import CANONICAL, canonicaliser

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TAKEN = pa.schema([pa.field(field.name, field.type) for field in URGENT_ITEMS.schema])
RANKED = TAKEN.append(pa.field("_rank", pa.int32()))
MOST = 1000
"""Items a run takes at most, so that it ends in time; by the rules' order, then first come. What
is left is taken by the next run, or by the batch if that is there first."""


def screen(context: StepContext) -> DataFrame:
    """Rows of `urgent_items` for new urgent items of the partitions."""
    runtime = context.runtime
    session = runtime.engine.session()
    if context.lane != "fast":
        context.note("only a run of the fast lane takes items")
        return frame_of(session, TAKEN.empty_table())
    done = context.table("silver_feedback").select("feedback_id")
    new = context.table("bronze_feedback").join(done, "feedback_id", "left_anti")
    known = [i for items in taken(runtime.lakehouse, context.partitions).values() for i in items]
    if known:
        new = new.where(~F.col("feedback_id").isin(*known))
    new = new.dropDuplicates(["feedback_id"]).select(
        "day", "source", "feedback_id", "native_id", "payload", "payload_format",
        "payload_header", "received_at", "origin",
    )  # fmt: skip
    rows = map_arrow(new, canonicaliser(runtime.connectors, runtime.token_key), CANONICAL)
    readable = rows.where("_quarantined IS NULL")
    return (
        map_arrow(readable, screener(runtime, load_urgent_rules(runtime.urgent_rules)), RANKED)
        .orderBy("_rank", "received_at", "feedback_id")
        .limit(MOST)
        .drop("_rank")
    )


def screener(
    runtime: Runtime, rules: UrgentRules
) -> Callable[[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    """A function from a batch of `CANONICAL` to the rows of `RANKED` of what `rules` take."""
    models, run_id = runtime.models_folder, runtime.run_id
    version, guard = version_in_force(models), version_in_force(models, SUSPICION)
    now = datetime.now(UTC)

    def look(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        if not batch.num_rows:
            return
        model, stamp = load(models, version), Stamp(run_id, now)
        batch = watched(batch, load_suspicion(models, guard))
        found, _ = read_safely(batch, lambda b: topics.infer(b, model, stamp))
        tone, _ = read_safely(batch, lambda b: sentiment.infer(b, model, stamp))
        columns = {name: batch.column(name) for name in KNOWN_FACTS if name in batch.schema.names}
        columns |= {name: found.column(name) for name in KNOWN_FACTS if name in found.schema.names}
        columns["category_confidence"] = found.column("confidence")
        columns["sentiment"] = tone.column("sentiment")
        columns["sentiment_confidence"] = tone.column("confidence")
        matched = [rules.matching(facts) for facts in pa.table(columns).to_pylist()]
        rows = [
            {
                **{n: row[n] for n in ("day", "source", "feedback_id", "origin", "received_at")},
                "rule_ids": rule_ids,
                "through": False,
                "recorded_at": now,
                "run_id": run_id,
                "_rank": rules.rank[rule_ids[0]],
            }
            for row, rule_ids in zip(batch.select(_PLACE).to_pylist(), matched, strict=True)
            if rule_ids
        ]
        yield pa.RecordBatch.from_pylist(rows, schema=RANKED)

    return look


_PLACE = ["day", "source", "feedback_id", "origin", "received_at"]
# Of Silver it asks only what that holds already, so Silver may wait for it.
SCREEN = Step("urgent_items", ("bronze_feedback",), screen, "append", row_for_row=False)
