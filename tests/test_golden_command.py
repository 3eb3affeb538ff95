"""`feedback golden` and `feedback reviews`, typed."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from feedback_assets.golden_cli import golden, reviews
from feedback_assets.pipeline.open_reviews import open_reviews
from feedback_assets.quality.model_reviews.flags import Flag
from feedback_assets.quality.model_reviews.recording import record
from resources.lakehouse.delta import DeltaLakehouse
from tests.gold.evaluation.decided_items import decide, item, judging, put_items
from tests.gold.evaluation.examples import write_golden

NOW = dt.datetime.now(dt.UTC)
app = typer.Typer()
app.add_typer(golden)
app.add_typer(reviews)


@pytest.fixture
def lakehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeltaLakehouse:
    home = tmp_path / "home"
    monkeypatch.setenv("FEEDBACK_HOME", str(home))
    monkeypatch.setenv("FEEDBACK_GOLDEN_SET", str(write_golden(tmp_path / "golden")))
    return DeltaLakehouse(str(home / "lakehouse"))


def typed(*arguments: str, ends: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == ends, done.output
    # Lines are as wide as the terminal.
    return " ".join(done.output.split())


def test_a_month_from_draft_to_golden_set(lakehouse: DeltaLakehouse, tmp_path: Path) -> None:
    assert f"Nothing to propose for {NOW:%Y-%m}" in typed("golden", "propose")
    one = item(1, judging("a lantern without light, sold as new"))
    other = item(2, judging("where is my violin, the small one"))
    put_items(lakehouse, [one, other])
    decide(lakehouse, [one], at=NOW)
    decide(lakehouse, [other], "edit", at=NOW, severity="low")
    told = typed("golden", "propose")
    path = tmp_path / "home" / "golden_proposals" / f"{NOW:%Y-%m}.jsonl"
    assert f"2 proposals, 1 overridden by people: {path}" in told
    assert f"feedback golden accept {path}" in told
    assert "Left alone: 2 without an answer" in typed("golden", "accept", str(path))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines[0]["accept"] = True
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    told = typed("golden", "accept", str(path))
    assert f"1 item added to {tmp_path / 'golden' / path.name}" in told
    assert "The next feedback evaluate judges on all of them" in told
    assert "1 there already, 1 without an answer" in typed("golden", "accept", str(path))
    assert "has answers in it" in typed("golden", "propose", ends=2)
    elsewhere = tmp_path / "again.jsonl"
    assert "1 proposal," in typed("golden", "propose", "--out", str(elsewhere))
    lines[0]["item"]["severity"] = "dire"
    path.write_text(json.dumps(lines[0]), encoding="utf-8")
    assert "line 1: severity: Input should be" in typed("golden", "accept", str(path), ends=2)


def test_what_cannot_be_is_refused_with_a_reason(
    lakehouse: DeltaLakehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "expected YYYY-MM" in typed("golden", "propose", "--month", "May", ends=2)
    assert "no file" in typed("golden", "accept", str(tmp_path / "nowhere"), ends=2)
    monkeypatch.setenv("FEEDBACK_GOLDEN_SET", str(tmp_path / "empty"))
    assert "no *.jsonl with golden items" in typed("golden", "propose", ends=2)
    assert not lakehouse.exists("model_reviews")


def test_reviews_are_listed_and_closed(lakehouse: DeltaLakehouse) -> None:
    assert typed("reviews") == "No review of a model is open."
    flag = Flag("topics", "override_rate", "payment", None, "retrain", 0.5, 0.3, "Look [here].")
    record(lakehouse, [flag], dt.timedelta(days=28), "r1", NOW)
    told = typed("reviews")
    for words in (flag.review_id, "override_rate of topics payment", "0.50, held against 0.30",
                  "Look [here]."):  # fmt: skip
        assert words in told
    closing = ("reviews", "close", flag.review_id, "--by")
    assert "needs a note" in typed(*closing, "ada", "--note", " ", ends=2)
    assert "closed by ada" in typed(*closing, "ada", "--note", "trained")
    assert open_reviews(lakehouse) == []
    assert typed("reviews") == "No review of a model is open."
    assert "ada: trained" in typed("reviews", "--all")
    assert "there is no review 'x'" in typed(
        "reviews", "close", "x", "--by", "ada", "--note", "n", ends=2
    )
