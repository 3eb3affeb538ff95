"""Routing: that rules are checked before they run, and that they send items where they should."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_assets.contracts.decisions import LANES
from feedback_assets.contracts.tables import TRIAGE
from feedback_assets.contracts.taxonomy import SEVERITIES, TAXONOMY
from feedback_assets.triage.conditions import FACTS
from feedback_assets.triage.routing import AUTOMATION, ROUTE_SCHEMA, Routing

BUILT_IN = (files("feedback_assets.triage") / "routing_rules.yaml").read_text(encoding="utf-8")
SHARED = Routing.from_file()
COMPLAINT: dict[str, Any] = {
    "source": "zendesk",
    "language": "en",
    "sentiment": "negative",
    "sentiment_confidence": 0.7,
    "primary_category": "payment",
    "categories": ["payment"],
    "sub_category": "wrong_charge",
    "category_confidence": 0.9,
    "severity": "medium",
    "severity_confidence": 0.9,
    "root_cause_type": "product_defect",
    "action": "fix_defect",
    "customer_tier": None,
    "country": None,
    "rating": None,
    "cluster_size": 1,
    "cluster_size_7d": 1,
    "cluster_agreement": 1.0,
    "evidence_count": 1,
    "doubts": [],
}


@pytest.fixture
def from_changed(tmp_path: Path) -> Callable[[Callable[[Any], object]], Routing]:
    """Loads the built-in rules after a change to them."""

    def load(change: Callable[[Any], object]) -> Routing:
        raw = yaml.safe_load(BUILT_IN)
        change(raw)
        path = tmp_path / "rules.yaml"
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")
        return Routing.from_file(path)

    return load


def test_complaint_of_weight_goes_to_review_and_passes_when_sure() -> None:
    route = SHARED.route(COMPLAINT, "confident")
    assert (route.lane, route.owner_team, route.queue) == ("review", "payments", "PAY")
    assert route.rule_ids == (
        "review-complaint", "severity-medium", "money-or-access", "owner-by-area",
    )  # fmt: skip
    assert route.priority_score == 30
    assert route.auto_approve
    assert route.open_ticket


@pytest.mark.parametrize(
    ("changes", "lane", "rule"),
    [
        ({"severity": "high"}, "fast", "fast-severe"),
        ({"severity": "critical", "category_confidence": 0.6}, "fast", "fast-severe"),
        ({"severity": "high", "category_confidence": 0.59}, "review", "review-doubtful-area"),
        (
            {"severity": "high", "category_confidence": 0.2, "customer_tier": "Business"},
            "fast",
            "fast-business-customer",
        ),
        ({"cluster_size_7d": 10}, "fast", "fast-growing-cluster"),
        ({"cluster_size_7d": 10, "severity": "low"}, "review", "review-complaint"),
        ({"sub_category": "praise", "sentiment": "positive"}, "bulk", "bulk-praise"),
        ({"sub_category": "noise", "sentiment": "neutral"}, "bulk", "bulk-noise"),
        ({"sentiment": "neutral", "severity": "low"}, "bulk", "bulk-question"),
        ({"sentiment": "positive", "severity": "low"}, "bulk", "bulk-content-customer"),
        ({"severity_confidence": 0.3}, "review", "review-doubtful-severity"),
        ({"severity_confidence": float("nan")}, "review", "review-doubtful-severity"),
        ({"category_confidence": None}, "review", "review-doubtful-area"),
    ],
)
def test_lanes(changes: dict[str, Any], lane: str, rule: str) -> None:
    route = SHARED.route(COMPLAINT | changes, "confident")
    assert (route.lane, route.rule_ids[0]) == (lane, rule)


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({}, True),
        ({"doubts": ["topics"]}, False),
        ({"doubts": ["topics", "sentiment"], "category_confidence": 0.99}, False),
        ({"doubts": ["sentiment", "root_cause"]}, True),
        ({"doubts": ["topics"], "cluster_size": 5}, True),
        ({"evidence_count": 0}, False),
        ({"severity": "critical"}, False),
        ({"severity": "critical", "cluster_size": 5}, True),
        ({"severity": "high", "category_confidence": 0.7}, True),
        ({"severity": "high", "doubts": ["topics"]}, False),
    ],
)
def test_confident_automation_needs_the_floors(changes: dict[str, Any], passes: bool) -> None:
    facts = COMPLAINT | changes
    assert SHARED.route(facts, "confident").auto_approve is passes
    assert not SHARED.route(facts, "none").auto_approve
    assert SHARED.route(facts, "all").auto_approve


def test_praise_and_noise_open_no_ticket() -> None:
    for sub_category in ("praise", "noise"):
        for confidence in (0.1, 0.9):
            facts = COMPLAINT | {
                "sub_category": sub_category,
                "sentiment": "neutral",
                "category_confidence": confidence,
            }
            assert not SHARED.route(facts, "all").open_ticket


def test_priority_rises_with_harm_and_is_held_within_bounds() -> None:
    scores = [
        SHARED.route(COMPLAINT | {"severity": severity}, "none").priority_score
        for severity in SEVERITIES
    ]
    assert scores == sorted(set(scores))
    worst = {"severity": "critical", "cluster_size": 99, "cluster_size_7d": 99, "rating": 0.0}
    worst |= {"customer_tier": "enterprise", "sentiment_confidence": 1.0}
    assert SHARED.route(COMPLAINT | worst, "none").priority_score == 100
    least = {"severity": "low", "sub_category": "noise", "severity_confidence": 0.1}
    assert SHARED.route(COMPLAINT | least, "none").priority_score == 0


def test_owner_is_the_areas_unless_a_rule_says_otherwise() -> None:
    for name, category in TAXONOMY.categories.items():
        route = SHARED.route(COMPLAINT | {"primary_category": name}, "none")
        assert route.owner_team == category.owner_team
    gap = {"root_cause_type": "documentation_gap", "action": "improve_documentation"}
    route = SHARED.route(COMPLAINT | gap, "none")
    assert (route.owner_team, route.queue) == ("documentation", "DOCS")
    assert route.rule_ids[-1] == "owner-missing-page"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda raw: raw["lanes"][0].update(lane="express"),
            "rule 'fast-severe': unknown lane 'express'; allowed: fast, review, bulk",
        ),
        (
            lambda raw: raw["lanes"][0]["when"].update(severity="huge"),
            "rule 'fast-severe', when: unknown severity 'huge'; allowed: low, medium, high",
        ),
        (
            lambda raw: raw["lanes"][0]["when"].update(mood="bad"),
            "rule 'fast-severe', when: unknown fact 'mood'; allowed: source, language",
        ),
        (
            lambda raw: raw["lanes"][0]["when"].update(severity={"at_least": "high"}),
            "unknown test 'at_least' of 'severity'; allowed: equals, one_of, is_null",
        ),
        (
            lambda raw: raw["lanes"][0]["passes_when"].update(category_confidence={"at_least": 80}),
            "rule 'fast-severe', passes_when: 'category_confidence' lies between 0 and 1; 80",
        ),
        (
            lambda raw: raw["lanes"][0].update(colour="red"),
            "rule 'fast-severe' (lanes.0.colour): Extra inputs are not permitted; fields: id,",
        ),
        (
            lambda raw: raw["priority"][0].pop("points"),
            "rule 'severity-critical' (priority.0.points): Field required; fields: id, because",
        ),
        (
            lambda raw: raw["owners"][0].update(owner_team="nobody"),
            "rule 'owner-missing-page': unknown team 'nobody'; in queues: core-engineering",
        ),
        (
            lambda raw: raw["queues"].pop("payments"),
            "no queue for team 'payments' of the taxonomy",
        ),
        (
            lambda raw: raw["priority"][1].update(id="fast-severe"),
            "rule 'fast-severe': the id is taken",
        ),
        (
            lambda raw: raw["lanes"].pop(),
            "rule 'review-doubtful-severity': the last lane rule takes the rest",
        ),
        (
            lambda raw: raw["lanes"][0].pop("when"),
            "rule 'fast-severe': only the last lane rule may be without a condition",
        ),
        (
            lambda raw: raw["owners"][0]["when"].update(country={"one_of": [False]}),
            "'country' is compared with a word, not False (put it in quotes)",
        ),
        (lambda raw: raw.pop("owners"), "owners: Field required; fields: queues, lanes"),
    ],
)
def test_wrong_rules_are_refused_with_rule_and_remedy(
    from_changed: Callable[[Callable[[Any], object]], Routing],
    change: Callable[[Any], object],
    said: str,
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        from_changed(change)
    assert "rules.yaml: " in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lanes: [", "not YAML"),
        ("just words", "valid dictionary"),
        ("queues: {payments: PAY, payments: LOG}", "'payments' stands twice"),
    ],
)
def test_files_that_are_no_rules(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        Routing.from_file(path)


def test_version_follows_what_rules_do_and_not_their_wording(
    from_changed: Callable[[Callable[[Any], object]], Routing],
) -> None:
    assert re.fullmatch(r"rules-[0-9a-f]{12}", SHARED.version)
    same = from_changed(lambda raw: raw["lanes"][0].update(because="In other words"))
    assert same.version == SHARED.version
    other = from_changed(lambda raw: raw["priority"][0].update(points=71))
    assert other.version != SHARED.version


def test_pickled_routing_routes_alike() -> None:
    again = pickle.loads(pickle.dumps(SHARED))
    assert again.route(COMPLAINT, "confident") == SHARED.route(COMPLAINT, "confident")


def test_facts_of_the_wrong_kind_and_unknown_automation_are_refused() -> None:
    with pytest.raises(ValueError, match=r"fact 'rating' must be a number or null, not '5'"):
        SHARED.route(COMPLAINT | {"rating": "5"}, "none")
    with pytest.raises(ValueError, match="allowed: none, confident, all"):
        SHARED.route(COMPLAINT, "some")


def _values(name: str) -> st.SearchStrategy[Any]:
    fact = FACTS[name]
    values: st.SearchStrategy[Any]
    if fact.kind == "share":
        bounds = [0, 0.1, 0.4, 0.5, 0.6, 0.7, 0.8, 1]
        values = st.sampled_from(bounds) | st.floats(0, 1) | st.just(float("nan"))
    elif fact.kind == "count":
        values = st.integers(0, 30)
    elif fact.kind == "words":
        values = st.lists(st.sampled_from(fact.labels), unique=True)
    elif fact.labels:
        values = st.sampled_from(fact.labels)
    else:
        values = st.text() | st.sampled_from(["business", "Enterprise"])
    return st.none() | values


ANY_FACTS = st.fixed_dictionaries({name: _values(name) for name in FACTS})
ARROW: dict[str, pa.DataType] = {
    "share": pa.float64(),
    "count": pa.int64(),
    "words": pa.list_(pa.string()),
}
BATCH_SCHEMA = pa.schema(
    [(name, ARROW.get(fact.kind, pa.string())) for name, fact in FACTS.items()]
)


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=BATCH_SCHEMA)


@settings(deadline=None)
@given(facts=ANY_FACTS, automation=st.sampled_from(AUTOMATION))
def test_all_facts_have_a_route_that_keeps_the_contract(
    facts: dict[str, Any], automation: str
) -> None:
    route = SHARED.route(facts, automation)
    assert route.lane in LANES
    assert 0 <= route.priority_score <= 100
    assert route.queue == SHARED.rules.queues[route.owner_team]
    assert len(route.rule_ids) >= 2
    if automation == "none":
        assert not route.auto_approve
    if route.lane == "bulk":
        assert not route.open_ticket


@settings(deadline=None)
@given(rows=st.lists(ANY_FACTS, max_size=8), automation=st.sampled_from(AUTOMATION))
def test_a_batch_is_routed_as_its_rows_are_without_memory(
    rows: list[dict[str, Any]], automation: str
) -> None:
    routed = SHARED.route_batch(_batch(rows), automation)
    assert routed.schema == ROUTE_SCHEMA
    for facts, row in zip(rows, routed.to_pylist(), strict=True):
        fresh = pickle.loads(pickle.dumps(SHARED))
        route = fresh.route(facts, automation)
        assert row == {
            name: list(route.rule_ids) if name == "rule_ids" else getattr(route, name)
            for name in ROUTE_SCHEMA.names
        }


def test_batch_columns_are_those_of_the_table() -> None:
    names = TRIAGE.schema.names
    assert ROUTE_SCHEMA.names == names[names.index("lane") :]


def test_batch_without_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match=r"columns that are missing: .*severity"):
        SHARED.route_batch(_batch([COMPLAINT]).drop_columns(["severity"]), "none")
