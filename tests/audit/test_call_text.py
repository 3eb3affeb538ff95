"""How the language model's part is shown: translations, wild answers, words for every name."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedback_assets.audit.call_sections import OUTCOMES, PURPOSES
from feedback_assets.audit.chain import ItemTrace
from feedback_assets.audit.model_links import STANDING, Asked, standing
from feedback_assets.audit.trace import trace
from feedback_assets.contracts import provenance
from feedback_assets.contracts.calls import CALL_OUTCOMES, CALL_PURPOSES
from feedback_assets.contracts.findings import DECIDING_STAGES
from tests.audit.lake import BY_MODEL, FAILED, ITEM, MADE, Lake, in_order, shown


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def item_of(lake: Lake, feedback_id: str = ITEM) -> ItemTrace:
    item = trace(lake, feedback_id).item
    assert item is not None
    return item


def asked(lake: Lake) -> Asked:
    (only,) = item_of(lake).asked
    return only


def test_a_translation_is_shown_beneath_the_text_with_what_made_it(lake: Lake) -> None:
    lake.process_topics(MADE, text="Zweimal charged twice abgebucht", language="de")
    made = {**BY_MODEL, "prompt_version": "translation/v1", "input_hash": "d1" * 32}
    lake.put("gold_translation", english="Debited twice \x1b[2J", provenance=made)
    lake.call(stage="translation", input_hash="d1" * 32, prompt_version="v1", answer="{}")
    item = item_of(lake)
    assert item.translation is not None
    assert item.translation.english == "Debited twice \x1b[2J"
    assert [one.stage for one in item.asked] == ["gold_translation"]
    text = shown(trace(lake, ITEM), width=120)
    assert "\x1b" not in text
    in_order(
        text, "text", "abgebucht", "in English", "Debited twice", "language_model small-2026-01",
        "prompt translation/v1", "What the language model was asked", "translation", "d1" * 32,
    )  # fmt: skip


def test_what_a_model_wrote_can_not_drive_the_terminal(lake: Lake) -> None:
    lake.process_topics(BY_MODEL)
    lake.call(0, **FAILED, outcome="malformed", error="[red]\x1b[2J")
    lake.call(1, answer='{"rationale": "[bold]\\u001b[2J\\u202e"}', attempt=2)
    text = shown(trace(lake, ITEM))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold]" in text
    assert "[red]" in text


def test_an_answer_that_is_no_json_is_shown_as_written(lake: Lake) -> None:
    lake.process_topics(BY_MODEL)
    lake.call(answer="half an ans")
    assert asked(lake).attempts[0].answer == "half an ans"
    assert "half an ans" in shown(trace(lake, ITEM))


def test_every_word_of_the_contract_has_words_here() -> None:
    assert set(OUTCOMES) == set(CALL_OUTCOMES)
    assert set(PURPOSES) == set(CALL_PURPOSES)
    told = Path(provenance.__file__).read_text(encoding="utf-8")
    for state in STANDING:
        assert f"``{state}``" in told
    states = told[told.index("`validation_state`:") :].split("``")[1::2]
    assert set(states) == set(STANDING)
    assert standing("unheard_of") == "does not stand: unheard_of"
    assert standing(None)


def test_every_stage_whose_doubt_counts_is_shown_by_a_name(lake: Lake) -> None:
    lake.process(doubts=list(DECIDING_STAGES), provenance={**MADE, "validation_state": "doubtful"})
    in_order(
        shown(trace(lake, ITEM), width=200), "in doubt", "sentiment (doubtful), topics (doubtful), "
        "root cause (doubtful), action (doubtful)",
    )  # fmt: skip
