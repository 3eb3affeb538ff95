"""What people said of the findings they saw, label by label.

Belongs here: decisions beside the findings they are about. Does not belong here: how many of
them are too many (override_rate.py, model_reviews/).

A decision is held against the finding that stands now. So an edit that a better model has learnt
since is no longer one against it, and making the same findings again changes nothing. An approval
and a rejection stay what they were.

A rejection says that nothing should be done. It overrides the action advised, and says nothing of
areas, severity and tone.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from scipy.stats import beta

from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.tables import REVIEW_DECISIONS, TABLES
from resources.lakehouse.base import Lakehouse

FIELDS = {
    "area": ("topics", "primary_category", "confidence"),
    "severity": ("topics", "severity", "severity_confidence"),
    "sentiment": ("sentiment", "sentiment", "confidence"),
    "action": ("recommendation", "action", "confidence"),
}
"""What people decide about: the stage that says it, in which column, with which confidence."""
REJECTED = "rejected"
"""What stands as the wanted action where a person rejected the item."""
NOTHING_TO_DO = ("none", "thank_customer")
"""Actions that a rejection agrees with."""
CONFIDENCE = 0.95

_TOLD = ("decision", "reviewer", "decided_at")
_CORRECTED = {"area": "categories", "severity": "severity", "sentiment": "sentiment",
              "action": "action"}  # fmt: skip
SCHEMA = {
    "day": pl.Date(), "source": pl.String(), "feedback_id": pl.String(), "area": pl.String(),
    "field": pl.String(), "stage": pl.String(), "said": pl.String(), "wanted": pl.String(),
    "changed": pl.Boolean(), "stood": pl.Boolean(), "confidence": pl.Float64(),
    "tier": pl.String(), "model_version": pl.String(), "prompt_version": pl.String(),
    "decision": pl.String(), "reviewer": pl.String(),
    "decided_at": pl.Datetime("us", "UTC"),
}  # fmt: skip


def decided_findings(lakehouse: Lakehouse, where: str) -> pl.DataFrame:
    """Findings with a person's latest word on their item, of decisions that meet `where`.

    A row an item and field of `FIELDS`, columns `SCHEMA`: `area` is the item's area as it was
    found; `said` was found and `wanted` is what the person put there (of areas, all that apply
    where only the others change); `changed` is null where the decision says nothing of the field;
    `stood`: nothing kept the finding from standing by itself. `where` is SQL over
    `review_decisions`. Items whose findings are gone are left out.
    """
    tables = {f"gold_{stage}" for stage, _, _ in FIELDS.values()}
    if not all(lakehouse.exists(name) for name in (REVIEW_DECISIONS.name, *tables)):
        return pl.DataFrame(schema=SCHEMA)
    decisions = _latest(lakehouse, where)
    if decisions.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    found = {name: _findings(lakehouse, name, decisions) for name in sorted(tables)}
    areas = found["gold_topics"].select("feedback_id", pl.col("primary_category").alias("area"))
    parts = []
    for field, (stage, label, confidence) in FIELDS.items():
        said = found[f"gold_{stage}"].select(
            "feedback_id", pl.col(label).alias("said"), pl.col(confidence).alias("confidence"),
            *([pl.col("categories").alias("all_said")] if field == "area" else []),
            *_PROVENANCE,
        )  # fmt: skip
        joined = decisions.join(said, on="feedback_id").join(areas, on="feedback_id")
        wanted = _wanted(field)
        parts.append(
            joined.with_columns(
                wanted.alias("wanted"), pl.lit(field).alias("field"), pl.lit(stage).alias("stage")
            )
            .with_columns(_changed(field).alias("changed"))
            .select(*(pl.col(name).cast(kind) for name, kind in SCHEMA.items()))
        )
    return pl.concat(parts)


def lower_bound(changed: int, decided: int) -> float:
    """The least share that `changed` of `decided` leave likely: one-sided, 95%.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934).
    """
    if not changed:
        return 0.0
    return float(beta.ppf(1 - CONFIDENCE, changed, decided - changed + 1))


def _latest(lakehouse: Lakehouse, where: str) -> pl.DataFrame:
    columns = ["day", "source", "feedback_id", *_TOLD, *_CORRECTED.values()]
    batches = lakehouse.scan(REVIEW_DECISIONS.name, columns, where)
    rows = pl.DataFrame(batches.read_all())
    return (
        rows.sort("decided_at")
        .unique("feedback_id", keep="last", maintain_order=True)
        .rename({name: f"own_{name}" for name in _CORRECTED.values()})
    )


def _findings(lakehouse: Lakehouse, table: str, decisions: pl.DataFrame) -> pl.DataFrame:
    """The findings of the decided items, a batch of rows at a time."""
    names = [label for stage, *labels in FIELDS.values() if f"gold_{stage}" == table
             for label in labels]  # fmt: skip
    columns = list(dict.fromkeys(["feedback_id", *names, "provenance"]))
    if table == "gold_topics":
        columns.append("categories")
    held = {Partition(day, source) for day, source in decisions.select("day", "source").rows()}
    wanted = decisions.select("feedback_id")

    def decided() -> Iterator[pl.DataFrame]:
        empty = TABLES[table].schema.empty_table().select(columns)
        yield pl.DataFrame(empty)
        for batch in lakehouse.scan(table, columns, predicate(held)):
            yield pl.DataFrame(batch).join(wanted, on="feedback_id", how="semi")

    return pl.concat(decided(), how="vertical_relaxed")


_PROVENANCE = [
    pl.col("provenance").struct.field("tier"),
    pl.col("provenance").struct.field("model_version"),
    pl.col("provenance").struct.field("prompt_version"),
    (pl.col("provenance").struct.field("validation_state") == "valid").alias("stood"),
]
_EDITED = pl.col("decision") == "edit"


def _own(field: str) -> pl.Expr:
    """The correction; null where there is none."""
    own = pl.col(f"own_{_CORRECTED[field]}")
    given = own.list.len() > 0 if field == "area" else own.is_not_null()
    return pl.when(_EDITED & given).then(own)


def _wanted(field: str) -> pl.Expr:
    own, said = _own(field), pl.col("said")
    if field == "area":
        first = own.list.first()
        alone = pl.when((own.list.len() == 1) & (pl.col("all_said").list.len() > 1)).then(
            pl.format("{} alone", said)
        )
        others = pl.coalesce(alone, own.list.join(", "))
        return pl.coalesce(pl.when(first == said).then(others).otherwise(first), said)
    if field == "action":
        return pl.when(pl.col("decision") == "reject").then(pl.lit(REJECTED)).otherwise(
            pl.coalesce(own, said)
        )  # fmt: skip
    return pl.coalesce(own, said)


def _changed(field: str) -> pl.Expr:
    rejected = pl.col("decision") == "reject"
    if field == "action":
        to_do = ~pl.col("said").is_in(NOTHING_TO_DO)
        return pl.when(rejected).then(to_do).otherwise(pl.col("wanted") != pl.col("said"))
    if field == "area":
        own = _own("area")
        others = own.list.set_symmetric_difference("all_said").list.len() > 0
        changed = (own.list.first() != pl.col("said")) | others
        return pl.when(~rejected).then(changed.fill_null(False))
    return pl.when(~rejected).then(pl.col("wanted") != pl.col("said"))
