from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from feedback_assets.gold.evaluation.golden import GoldenItem, batch_of, read_golden
from feedback_assets.gold.stages import STAGES
from tests.gold.evaluation.examples import ATTEMPT, golden_items, golden_rows, write_golden

GOLDEN_SET = Path(__file__).parents[3] / "golden_set"


def test_the_golden_set_is_fit_to_judge_by() -> None:
    items = read_golden(GOLDEN_SET)
    assert len(items) >= 600
    assert sum(bool(item.demands) for item in items) >= 60


def test_training_examples_are_not_read(tmp_path: Path) -> None:
    folder = write_golden(tmp_path)
    write_golden(folder / "train", [golden_rows()[0] | {"id": "t-1"}])
    assert [item.id for item in read_golden(folder)] == [row["id"] for row in golden_rows()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"severity": "dire"}, "severity"),
        ({"categories": ["payments"], "primary_category": "payments"}, "categories"),
        ({"sub_category": "crash"}, "sub_category"),
        ({"evidence": ["never written"]}, "evidence not in text"),
        ({"evidence": []}, "no evidence"),
        ({"language": "English"}, "ISO 639-1"),
        ({"traits": ["clever"]}, r"traits \['clever'\]"),
        ({"attempt": ["never written"]}, "attempt not in text"),
        ({"attempt": ["charged twice for one ticket"]}, "evidence out of an attempt"),
        ({"demands": {"severity": "low"}}, "without the trait injection"),
        ({"demands": {"mood": "low"}, "traits": ["injection"]}, "mood='low'"),
        ({"demands": {"categories": ["a"]}, "traits": ["injection"]}, "demands"),
        ({"demands": {"priority": 400}, "traits": ["injection"]}, "priority=400"),
    ],
)
def test_what_does_not_fit_is_named_with_file_and_line(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    rows = golden_rows()
    folder = write_golden(tmp_path, [rows[1], rows[0] | change])
    with pytest.raises(ValueError, match=rf"(?s)some\.jsonl:2: .*{message}"):
        read_golden(folder)


def test_an_id_used_twice_and_an_empty_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no \*\.jsonl"):
        read_golden(tmp_path)
    rows = golden_rows()
    folder = write_golden(tmp_path, [rows[0], rows[0]])
    with pytest.raises(ValueError, match=r"some\.jsonl:2: id g-00 is used at .*:1 too"):
        read_golden(folder)


def test_content_is_the_text_without_the_attempt() -> None:
    row = golden_rows()[-1]
    assert GoldenItem.model_validate_json(json.dumps(row)).content == f"{row['text'][:31]}."
    alone = row | {"text": ATTEMPT, "evidence": [], "primary_category": "other",
                   "categories": ["other"], "sub_category": "noise"}  # fmt: skip
    assert GoldenItem.model_validate_json(json.dumps(alone)).content == ""


def test_the_batch_has_what_stages_read() -> None:
    items = golden_items()
    batch = batch_of(items, [item.id for item in items], [item.text for item in items])
    assert tuple(batch.schema.names) == STAGES["gold_topics"].inputs
    assert batch.column("text").to_pylist() == [item.text for item in items]
