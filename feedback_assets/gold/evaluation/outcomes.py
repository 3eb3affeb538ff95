"""What a configuration says of the golden items, beside what should have been said.

Belongs here: running the stages over the items, and the frames that hold what they said. Does
not belong here: how good it is (`scores`), and where models come from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from feedback_assets.gold.evaluation.configuration import Configuration
from feedback_assets.gold.evaluation.golden import GoldenItem, batch_of
from feedback_assets.gold.evaluation.overlap import overlapping, places, token_f1

Decide = Callable[[str, pa.RecordBatch], pa.RecordBatch]
"""Runs one stage: its name (`STAGES`), and the items with what earlier stages found. Gives a
row an item as the contract of ``gold_<stage>`` has it, in any order; columns `input_tokens`,
`output_tokens` and `cost` may come besides, and count as 0 where they don't."""
Row = dict[str, Any]

LABELS: dict[str, dict[str, str | None]] = {
    "translation": {"english": None},
    "sentiment": {"sentiment": "sentiment"},
    "topics": {
        "categories": "categories",
        "primary_category": "primary_category",
        "sub_category": "sub_category",
        "severity": "severity",
    },
    "root_cause": {"root_cause_summary": "root_cause", "root_cause_type": "root_cause_type"},
    "recommendation": {"action": "action"},
}
"""What each stage says, and the golden field that holds the truth of it, if one does."""
STAGES = tuple(LABELS)
NEEDS: dict[str, tuple[str, ...]] = {
    "root_cause": ("sentiment", "topics"),
    "recommendation": ("sentiment", "topics", "root_cause"),
}
"""Stages that read what others found. Translation, where there is one, comes before them all."""
PASSED_ON: dict[str, tuple[str, ...]] = {
    "translation": ("english",),
    "sentiment": ("sentiment",),
    "topics": (*LABELS["topics"], "severity_confidence", "confidence", "evidence_spans"),
    "root_cause": tuple(LABELS["root_cause"]),
    "recommendation": (),
}
"""Columns of a stage's findings that later stages read, under their own names; `topics_state`,
the validation state of the topics, comes besides."""
_WITHOUT = " without attempt"


@dataclass(frozen=True)
class Outcomes:
    """What `configuration` said: a frame a stage, a row an item, in the same order in each.

    Columns: `item`, `language`, `source`, `traits`; `truth_<label>` and `said_<label>` for each
    of `LABELS` (`truth_` null where there is none); `confidence`, `severity_confidence`,
    `rationale`, `tier`, `stands` (nothing keeps the finding from being used as it is),
    `prompt_version`; `input_tokens`, `output_tokens`, `cost`; `summary_overlap` and
    `evidence_overlap` (0 to 1, null where there is no golden text to compare with); `steered`
    (null where the item demands no label of this stage).

    An item is steered where a label it demands is said, and its content alone does not deserve
    it: the same configuration says another of the text without the attempt. Where the attempt
    is not marked, the golden label tells what is deserved.
    """

    configuration: Configuration
    frames: Mapping[str, pl.DataFrame]

    @property
    def configuration_hash(self) -> str:
        """The configuration's."""
        return self.configuration.configuration_hash

    @property
    def items(self) -> tuple[str, ...]:
        """Ids of the items judged, in order."""
        frame = next(iter(self.frames.values()), None)
        return () if frame is None else tuple(frame["item"].to_list())

    def only(self, items: Sequence[str]) -> Outcomes:
        """The same, of these items alone and in their order."""
        wanted = pl.DataFrame({"item": items}, {"item": pl.String})
        kept = {
            stage: wanted.join(frame, on="item", how="inner", maintain_order="left")
            for stage, frame in self.frames.items()
        }
        return Outcomes(self.configuration, kept)


def schema_of(stage: str) -> dict[str, Any]:
    """Columns and types of a stage's frame."""
    strings = pl.List(pl.String)
    labels = {
        f"{side}_{label}": strings if label == "categories" else pl.String()
        for side in ("truth", "said")
        for label in LABELS[stage]
    }
    numbers = (
        "input_tokens", "output_tokens", "cost", "summary_overlap", "evidence_overlap",
    )  # fmt: skip
    return {
        "item": pl.String(), "language": pl.String(), "source": pl.String(), "traits": strings,
        **labels,
        "confidence": pl.Float64(), "severity_confidence": pl.Float64(),
        "rationale": pl.String(), "tier": pl.String(), "stands": pl.Boolean(),
        "prompt_version": pl.String(), **dict.fromkeys(numbers, pl.Float64()),
        "steered": pl.Boolean(),
    }  # fmt: skip


def judge(
    items: Sequence[GoldenItem],
    decide: Decide,
    configuration: Configuration,
    stages: Collection[str] = STAGES,
) -> Outcomes:
    """What `decide` says of `items` in `stages` and those they need, in order.

    Items with a marked attempt are shown a second time without it. Translation is left out where
    `configuration` has no prompt for it. Raises `ValueError` for an unknown stage, and when a
    stage leaves out an item.
    """
    attempting = [item for item in items if item.attempt and item.demands]
    facts = batch_of(
        [*items, *attempting],
        [*(item.id for item in items), *(item.id + _WITHOUT for item in attempting)],
        [*(item.text for item in items), *(item.content for item in attempting)],
    )
    frames = {}
    for stage in _in_order(stages, configuration):
        found = _aligned(stage, facts, decide(stage, facts))
        for column in PASSED_ON[stage]:
            facts = facts.append_column(column, found.column(column))
        if stage == "topics":
            states = found.column("provenance").field("validation_state")
            facts = facts.append_column("topics_state", states)
        rows = found.to_pylist()
        alone = {row["feedback_id"]: row for row in rows[len(items) :]}
        frames[stage] = pl.DataFrame(
            [
                _row(stage, item, row, alone.get(item.id + _WITHOUT))
                for item, row in zip(items, rows, strict=False)
            ],
            schema=schema_of(stage),
        )
    return Outcomes(configuration, frames)


def _in_order(stages: Collection[str], configuration: Configuration) -> list[str]:
    if unknown := set(stages) - set(STAGES):
        raise ValueError(f"no stage {', '.join(sorted(unknown))}: there are {', '.join(STAGES)}")
    wanted = {*stages, *(needed for stage in stages for needed in NEEDS.get(stage, ()))}
    if "translation" in configuration.prompt_versions:
        wanted.add("translation")
    else:
        wanted.discard("translation")
    return [stage for stage in STAGES if stage in wanted]


def _aligned(stage: str, facts: pa.RecordBatch, found: pa.RecordBatch) -> pa.RecordBatch:
    asked = facts.column("feedback_id")
    rows = pc.index_in(asked, found.column("feedback_id"))
    missing = asked.filter(pc.is_null(rows)).to_pylist()
    if missing or found.num_rows != facts.num_rows:
        shown = ", ".join(missing[:5])
        raise ValueError(
            f"stage {stage} was asked about {facts.num_rows} items and answered {found.num_rows}"
            + (f"; nothing was said of {shown}" if missing else "")
        )
    return found.take(rows)


def _row(stage: str, item: GoldenItem, found: Row, alone: Row | None) -> Row:
    truth = {label: _truth(item, field) for label, field in LABELS[stage].items()}
    said = {label: _said(label, found) for label in LABELS[stage]}
    deserved = truth if alone is None else {label: _said(label, alone) for label in LABELS[stage]}
    provenance = found["provenance"]
    golden = places(item.text, item.evidence)
    spans = [(span["start"], span["end"]) for span in found.get("evidence_spans") or ()]
    row: Row = {f"truth_{label}": value for label, value in truth.items()}
    row |= {f"said_{label}": value for label, value in said.items()}
    row |= {name: found.get(name) for name in ("confidence", "severity_confidence")}
    row |= {name: found.get(name) or 0.0 for name in ("input_tokens", "output_tokens", "cost")}
    return row | {
        "item": item.id,
        "language": item.language,
        "source": item.source,
        "traits": list(item.traits),
        "rationale": found.get("rationale") or "",
        "tier": provenance["tier"],
        "stands": provenance["validation_state"] == "valid",
        "prompt_version": provenance["prompt_version"],
        "summary_overlap": (
            token_f1(said["root_cause_summary"], item.root_cause)
            if "root_cause_summary" in said and item.root_cause
            else None
        ),
        "evidence_overlap": (
            overlapping(spans, golden) if golden and "evidence_spans" in found else None
        ),
        "steered": _steered(item, said, deserved),
    }


def _truth(item: GoldenItem, field: str | None) -> Any:
    value = None if field is None else getattr(item, field)
    return sorted(value) if isinstance(value, tuple) else value


def _said(label: str, found: Row) -> Any:
    value = found[label]
    return sorted(value) if isinstance(value, list) else value


def _steered(item: GoldenItem, said: Row, deserved: Row) -> bool | None:
    demanded = {
        label: sorted(value) if isinstance(value, list) else value
        for label, value in item.demands.items()
        if label in said
    }
    if not demanded:
        return None
    return any(said[label] == value != deserved[label] for label, value in demanded.items())
