"""Answers of a language model: schemas that services accept, checks that find what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openai.lib._pydantic import to_strict_json_schema
from pydantic import ValidationError

from feedback_assets.gold.answers import ANSWERS, Finding, problems

TEXT = "Die App stürzt ab, sobald ich „Teilen“ drücke.\nSeit 4.2 — jedes  Mal!"
REASONED = {"item": 1, "rationale": "It crashes.", "evidence": ["stürzt ab"]}
GOOD: dict[str, dict[str, Any]] = {
    "translation": {"item": 1, "english": "The app crashes."},
    "sentiment": {**REASONED, "sentiment": "negative", "confidence": 0.9},
    "topics": {
        **REASONED,
        "categories": ["reliability"],
        "primary_category": "reliability",
        "sub_category": "crash",
        "severity": "high",
        "confidence": 0.9,
        "severity_confidence": 0.6,
    },
    "root_cause": {
        **REASONED,
        "root_cause_summary": "app crashes on share since 4.2",
        "root_cause_type": "product_defect",
        "confidence": 1,
    },
    "recommendation": {
        **REASONED,
        "action": "fix_defect",
        "action_detail": "Reproduce the crash on share in 4.2",
        "confidence": 0,
    },
}
# What structured outputs of OpenAI and Azure OpenAI take; ranges and lengths they refuse.
ACCEPTED = {
    "$defs", "$ref", "type", "properties", "required", "additionalProperties", "items", "enum",
    "title", "description",
}  # fmt: skip
MOST_PROPERTIES, DEEPEST, MOST_NAMES, MOST_CHARACTERS = 100, 5, 500, 15_000


def finding(stage: str, **changes: Any) -> Finding:
    answer = {"findings": [GOOD[stage] | changes]}
    return ANSWERS[stage].model_validate(answer).findings[0]


def nodes(
    schema: dict[str, Any], root: dict[str, Any], depth: int = 1
) -> Iterator[tuple[int, Any]]:
    """Every schema within `schema` with its depth of objects, references followed."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    yield depth, schema
    for inner in schema.get("properties", {}).values():
        yield from nodes(inner, root, depth + 1)
    if "items" in schema:
        yield from nodes(schema["items"], root, depth)


@pytest.mark.parametrize("stage", ANSWERS)
def test_schemas_are_within_what_structured_outputs_take(stage: str) -> None:
    schema = to_strict_json_schema(ANSWERS[stage])
    own = ANSWERS[stage].model_json_schema()
    found = list(nodes(schema, schema))
    keywords = {keyword for _, node in found for keyword in node}
    properties = [name for _, node in found for name in node.get("properties", ())]
    names = [name for _, node in found for name in node.get("enum", ())]
    assert schema == own, "nothing is left for the client to mend"
    assert schema["type"] == "object"
    assert keywords <= ACCEPTED
    for _, node in found:
        if node["type"] == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
    assert len(properties) <= MOST_PROPERTIES
    assert max(depth for depth, _ in found) <= DEEPEST
    assert len(names) <= MOST_NAMES
    assert sum(map(len, properties + names)) <= MOST_CHARACTERS
    assert ANSWERS[stage].__name__.isalnum(), "the name of a schema has no brackets"


@pytest.mark.parametrize("stage", [stage for stage in ANSWERS if stage != "translation"])
def test_reasons_come_before_labels_and_confidence_after(stage: str) -> None:
    fields = list(type(finding(stage)).model_fields)
    assert fields[:3] == ["item", "rationale", "evidence"]
    assert fields[-1].endswith("confidence")


@pytest.mark.parametrize("stage", ANSWERS)
def test_a_good_finding_has_no_problem(stage: str) -> None:
    assert problems(stage, finding(stage), TEXT) == []


@pytest.mark.parametrize(
    ("stage", "changes"),
    [
        ("topics", {"severity": "urgent"}),
        ("topics", {"categories": ["shipping"]}),
        ("topics", {"start": 3}),
        ("topics", {"item": "1"}),
        ("topics", {"confidence": float("nan")}),
        ("recommendation", {"action": "sue"}),
        ("sentiment", {"evidence": None}),
    ],
)
def test_what_the_schema_says_is_held(stage: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        finding(stage, **changes)


@pytest.mark.parametrize(
    ("stage", "changes", "expected"),
    [
        ("translation", {"english": " \n"}, "english is empty"),
        ("sentiment", {"rationale": " "}, "rationale is empty"),
        ("sentiment", {"evidence": []}, "evidence is empty; quote the words that show it"),
        ("sentiment", {"evidence": ["stürzt ab", " "]}, "evidence 2 is blank"),
        ("sentiment", {"evidence": ["crashes"]},
         "evidence 1 does not stand in the text; copy it word for word"),
        ("sentiment", {"confidence": 1.01}, "confidence: 0 to 1 expected"),
        ("topics", {"severity_confidence": -0.1}, "severity_confidence: 0 to 1 expected"),
        ("topics", {"categories": ["performance"]},
         "primary_category 'reliability' is not among the categories"),
        ("topics", {"categories": ["reliability", "reliability"]},
         "categories: one is named twice"),
        ("topics", {"categories": ["reliability", "other"]}, "categories: 'other' stands alone"),
        ("topics", {"categories": ["reliability", "payment", "search", "returns"]},
         "categories: 1 to 3 expected, got 4"),
        ("topics", {"sub_category": "freezing"},
         "sub_category 'freezing' is none of 'reliability'; it has crash, error_message, "
         "data_loss, outage, sync_failure, broken_feature"),
        ("topics", {"evidence": []}, "evidence is empty; quote the words that show it"),
        ("root_cause", {"root_cause_summary": "x" * 161},
         "root_cause_summary: 161 characters, at most 160 allowed"),
        ("root_cause", {"root_cause_summary": "app\ncrashes"},
         "root_cause_summary: one line expected"),
        ("root_cause", {"root_cause_summary": ""},
         "root_cause_summary is empty; only root_cause_type 'other' goes without"),
        ("recommendation", {"action_detail": ""},
         "action_detail is empty; only action 'none' goes without"),
        ("recommendation", {"action_detail": "x" * 241},
         "action_detail: 241 characters, at most 240 allowed"),
        ("recommendation", {"evidence": []}, "evidence is empty; quote the words that show it"),
    ],
)  # fmt: skip
def test_what_a_schema_cannot_say_is_found(
    stage: str, changes: dict[str, Any], expected: str
) -> None:
    assert problems(stage, finding(stage, **changes), TEXT) == [expected]


@pytest.mark.parametrize(
    ("stage", "changes"),
    [
        ("sentiment", {"sentiment": "neutral"}),
        ("topics",
         {"categories": ["other"], "primary_category": "other", "sub_category": "noise"}),
        ("topics",
         {"categories": ["other"], "primary_category": "other", "sub_category": "praise"}),
        ("root_cause", {"root_cause_summary": "", "root_cause_type": "other"}),
        ("recommendation", {"action": "none", "action_detail": ""}),
        ("recommendation", {"action": "thank_customer"}),
    ],
)  # fmt: skip
def test_where_there_is_nothing_to_show_no_quote_is_asked_for(
    stage: str, changes: dict[str, Any]
) -> None:
    assert problems(stage, finding(stage, **changes, evidence=[]), TEXT) == []


@given(quote=st.text(min_size=1))
@example(quote="secret-4711")
def test_problems_never_repeat_the_text(quote: str) -> None:
    told = problems("sentiment", finding("sentiment", evidence=[quote, "4711 secret"]), TEXT)
    assert "evidence 2 does not stand in the text; copy it word for word" in told
    assert not any("4711" in line for line in told)


def test_another_stages_finding_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="SentimentFinding is no finding of stage 'topics'"):
        problems("topics", finding("sentiment"), TEXT)
