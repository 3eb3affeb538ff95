"""The ledger of model calls: what was asked, what came back, what it cost.

Belongs here: rows of `model_calls` and what is read from them. Does not belong here: asking,
and how an answer becomes a finding.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F

from feedback_assets.contracts.ledgers import MODEL_CALLS
from feedback_assets.gold.language_model.questions import Question
from feedback_assets.gold.prompts import Prompt
from feedback_assets.pipeline.model_plan import Prices
from resources.lakehouse.base import Lakehouse
from resources.llm.base import ModelReply, Usage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PromptOnRecord:
    """As much of a prompt as the ledger keeps."""

    stage: str
    version: str
    hash: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at a request: what for, for which items, in which order of each item's."""

    prompt: Prompt | PromptOnRecord
    model: str
    purpose: str
    pack: Sequence[Question]
    attempt: int
    run_id: str
    batch_id: str | None = None


def call_rows(
    call: Call,
    reply: ModelReply,
    prices: Prices,
    ended: Sequence[tuple[str, bool, str | None, str]],
) -> Iterator[Row]:
    """A row for each item of the request; tokens and cost are shared evenly among them.

    `ended` says of each item its outcome, whether that settles it, its finding as JSON, and
    what was wrong.
    """
    count = len(call.pack)
    cost = prices.cost(reply.usage, batch=call.batch_id is not None)
    call_id = reply.request_id or uuid.uuid4().hex
    for number, question in enumerate(call.pack):
        outcome, settled, answer, error = ended[number]
        yield {
            "day": question.day, "source": question.source, "feedback_id": question.feedback_id,
            "stage": call.prompt.stage, "input_hash": question.input_hash, "model": call.model,
            "model_version": reply.model_version or None,
            "prompt_version": call.prompt.version, "prompt_hash": call.prompt.hash,
            "parameters": json.dumps(call.prompt.parameters, sort_keys=True),
            "call_id": call_id, "items": count, "item": number + 1,
            "attempt": question.earlier + call.attempt, "purpose": call.purpose,
            "batch_id": call.batch_id, "outcome": outcome, "settled": settled,
            "status": reply.status, "error": error or reply.error or None, "answer": answer,
            "input_tokens": reply.usage.input / count,
            "cached_tokens": reply.usage.cached / count,
            "output_tokens": reply.usage.output / count,
            "cost": cost / count, "latency_ms": reply.latency_ms,
            "started_at": reply.started_at, "run_id": call.run_id,
        }  # fmt: skip


def submitted_rows(call: Call, custom_id: str, at: dt.datetime) -> Iterator[Row]:
    """Rows that say that the items of one request of a batch were handed over."""
    handed_over = ModelReply("answered", at, 0.0, request_id=custom_id, usage=Usage())
    waiting = [("submitted", False, None, "")] * len(call.pack)
    yield from call_rows(call, handed_over, Prices(), waiting)


def append(lakehouse: Lakehouse, rows: Sequence[Row]) -> None:
    """Commit rows to the ledger."""
    if rows:
        table = pa.Table.from_pylist(list(rows), schema=MODEL_CALLS.schema)
        lakehouse.append(MODEL_CALLS, table.to_batches())


def latest(ledger: DataFrame, prompt: Prompt, model: str) -> DataFrame:
    """What is known of each input asked under `prompt` of `model`, a row an input.

    A settled row speaks over all others, and a later one over an earlier. `times_sent` counts
    what was sent so far.
    """
    mine = ledger.where(
        (F.col("stage") == prompt.stage)
        & (F.col("prompt_version") == prompt.version)
        & (F.col("prompt_hash") == prompt.hash)
        & (F.col("model") == model)
    )
    order = Window.partitionBy("input_hash").orderBy(F.desc("settled"), F.desc("started_at"))
    return (
        mine.withColumn("_nth", F.row_number().over(order))
        .withColumn("times_sent", F.count(F.lit(1)).over(Window.partitionBy("input_hash")))
        .where("_nth = 1")
        .select(
            "input_hash", "outcome", "settled", "answer",
            F.col("model_version").alias("answered_by"), "times_sent",
        )
    )  # fmt: skip


def known_answers(
    lakehouse: Lakehouse, prompt: Prompt, model: str, hashes: Iterable[str]
) -> dict[str, Row]:
    """As `latest`, for few inputs and without Spark: the deciding row by input hash.

    Its tokens and cost are those of all attempts at the input.
    """
    lakehouse.ensure(MODEL_CALLS)
    wanted = set(hashes)
    where = (
        f"stage = '{prompt.stage}' AND prompt_version = '{prompt.version}' "
        f"AND prompt_hash = '{prompt.hash}'"
    )
    found: dict[str, Row] = {}
    names = ["input_hash", "model", "outcome", "settled", "answer", "model_version", "started_at"]
    for batch in lakehouse.scan(MODEL_CALLS.name, [*names, *SPENT], where):
        for row in batch.to_pylist():
            if row["input_hash"] not in wanted or row["model"] != model:
                continue
            best = found.get(row["input_hash"], row)
            spent = {n: row[n] + (best[n] if best is not row else 0.0) for n in SPENT}
            found[row["input_hash"]] = (row if _rank(row) >= _rank(best) else best) | spent
    return found


SPENT = ("input_tokens", "output_tokens", "cost")


def _rank(row: Row) -> tuple[bool, dt.datetime]:
    return row["settled"], row["started_at"]


def spent(lakehouse: Lakehouse, day: dt.date | None = None, run_id: str | None = None) -> float:
    """Cost of the calls started on `day` (UTC), or made by a run."""
    lakehouse.ensure(MODEL_CALLS)
    told = []
    if day is not None:
        told = [f"started_at >= '{day}T00:00:00Z'", f"started_at < '{day + _ONE_DAY}T00:00:00Z'"]
    if run_id is not None:
        told.append("run_id = '{}'".format(run_id.replace("'", "''")))
    batches = lakehouse.scan(
        MODEL_CALLS.name, ["cost", "started_at", "run_id"], " AND ".join(told) or None
    )
    return float(sum(sum(batch.column("cost").to_pylist()) for batch in batches))


_ONE_DAY = dt.timedelta(days=1)
