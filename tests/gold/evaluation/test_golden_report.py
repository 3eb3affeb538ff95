from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.evaluation.configuration import Configuration
from feedback_assets.gold.evaluation.contenders import tier_one_alone
from feedback_assets.gold.evaluation.evaluate import Contender, Evaluation, evaluate
from feedback_assets.gold.evaluation.golden import GoldenItem
from feedback_assets.gold.evaluation.report import number, render, signed, write_report
from feedback_assets.gold.suspicion import Suspicion
from tests.gold.evaluation.examples import SPEAKS, golden_items, golden_rows, knowing, write_golden
from tests.gold.evaluation.test_golden_gates import GATES, all_negative

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
ITEMS = golden_items()
HOSTILE = "<script>alert('x')</script> & \"quoted\" </td></table> {{ 7 * 7 }} www.example.org"
VOID = {"meta", "br", "hr", "img", "input", "link", "col"}


class Page(HTMLParser):
    """The page's tags: raises where one is closed that isn't open, keeps what it refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.references: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        names = ("src", "href", "xlink:href", "action", "srcset", "data")
        self.references += [value or "" for name, value in attrs if name in names]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture
def golden_set(tmp_path: Path) -> Path:
    rows = golden_rows()
    rows[7] |= {"text": f"{rows[7]['text']} {HOSTILE}"}
    folder = write_golden(tmp_path / "golden", rows)
    (folder / "gates.yaml").write_text(yaml.safe_dump(GATES), encoding="utf-8")
    return folder


def compared(golden_set: Path) -> Evaluation:
    """Everything said to be negative, held against who knows."""

    def hostile(item: GoldenItem, text: str, row: dict[str, Any]) -> None:
        all_negative(item, text, row)
        row["rationale"] = "By the word <b>script</b>."

    before = Configuration(model_version="<i>before</i>")
    return evaluate(
        golden_set,
        Contender(knowing(ITEMS, hostile), SPEAKS),
        Contender(knowing(ITEMS), before),
    )


def test_the_page_is_whole_and_needs_nothing_else(golden_set: Path) -> None:
    html = render(compared(golden_set), NOON)
    page = Page(html)
    assert page.seen.count("svg") == 8
    assert all(reference.startswith("#") for reference in page.references)
    assert "url(http" not in html
    assert "@import" not in html
    shown = " ".join(page.text)
    for words in (
        "Sentiment", "Reliability", "Risk and coverage", "Confusion", "Slices", "95% intervals",
        "6 misses of 13 items", SPEAKS.configuration_hash, "delivered a day early",
    ):  # fmt: skip
        assert words in shown
    assert "not fit to go live" in shown


def test_what_customers_and_models_wrote_stays_text(golden_set: Path) -> None:
    html = render(compared(golden_set), NOON)
    page = Page(html)
    assert "script" not in page.seen
    assert not {"b", "i"} & set(page.seen)
    assert HOSTILE in " ".join("".join(page.text).split())
    assert "By the word <b>script</b>." in "".join(page.text)


def test_one_configuration_alone_makes_a_page(
    golden_set: Path, tmp_path: Path, small_model: TriageClassifier, small_suspicion: Suspicion
) -> None:
    contender = tier_one_alone(small_model, small_suspicion)
    done = evaluate(golden_set, contender)
    path = write_report(done, tmp_path / "reports" / "page.html", NOON)
    shown = " ".join(Page(path.read_text(encoding="utf-8")).text)
    assert "Before" not in shown
    assert small_model.version in shown


def test_the_same_evaluation_gives_the_same_page(golden_set: Path) -> None:
    done = compared(golden_set)
    assert render(done, NOON) == render(done, NOON)


def test_numbers_as_they_are_read() -> None:
    assert [number(0.12345), number(1234.4, "count"), number(0.5, "amount"), number(None)] == [
        "0.123", "1,234", "0.5000", "–",
    ]  # fmt: skip
    assert [signed(0.0123), signed(-0.0123), signed(-0.0001)] == ["+0.012", "−0.012", "0.000"]
