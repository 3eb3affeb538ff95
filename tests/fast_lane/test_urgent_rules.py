"""The rules by which the fast lane takes items."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedback_assets.fast_lane.urgent_rules import load_urgent_rules

CALM = {
    "severity": "low", "sentiment": "neutral", "categories": ["search"], "sub_category": "question",
    "customer_tier": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "taken_by"),
    [
        ({}, []),
        ({"severity": "critical"}, ["critical"]),
        ({"severity": "high"}, ["severe"]),
        ({"severity": "high", "sub_category": "noise"}, []),
        ({"severity": "medium"}, []),
        (
            {"severity": "medium", "categories": ["payment"], "sentiment": "negative"},
            ["severe-category"],
        ),
        ({"severity": "medium", "categories": ["payment"]}, []),
        ({"customer_tier": "Enterprise"}, ["high-value-customer"]),
        ({"customer_tier": "enterprise", "sentiment": "positive"}, []),
        ({"customer_tier": "free"}, []),
    ],
)
def test_the_built_in_rules(facts: dict[str, object], taken_by: list[str]) -> None:
    assert load_urgent_rules().matching({**CALM, **facts}) == taken_by


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("urgent: [{id: a, because: b, when: {severity: worst}}]", "unknown severity 'worst'"),
        ("urgent: [{id: a, because: b, when: {cluster_size: {at_least: 3}}}]", "cluster_size"),
        ("urgent: [{id: a, because: b, when: {}}]", "when"),
        ("urgent: [{id: a, because: b}]", "when"),
        ("urgent: [", "not YAML"),
        (
            "urgent: [{id: a, because: b, when: {severity: high}}, "
            "{id: a, because: b, when: {severity: low}}]",
            "must differ",
        ),
    ],
)
def test_a_bad_file_is_named_with_its_fault(tmp_path: Path, rules: str, told: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(rules, encoding="utf-8")
    with pytest.raises(ValueError, match=told) as raised:
        load_urgent_rules(path)
    assert "mine.yaml" in str(raised.value)


def test_ones_own_file_stands_in(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("urgent: [{id: a, because: b, when: {language: de}}]", encoding="utf-8")
    rules = load_urgent_rules(path)
    assert rules.matching({**CALM, "language": "de"}) == ["a"]
    assert rules.matching({**CALM, "severity": "critical"}) == []
