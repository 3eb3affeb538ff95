from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from feedback_assets.contracts.taxonomy import ACTIONS
from feedback_assets.gold import model_file
from feedback_assets.gold.calibration import Flags
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.guarantee import CLASSES, FIELDS, NEVER, Guarantee
from feedback_assets.gold.recommendation import RuleBook, built_in, infer
from feedback_assets.gold.reliability import EVIDENCE, UNTESTED, Reliability, evidence
from feedback_assets.gold.stages import Stamp
from feedback_assets.gold.training_actions import Advice, fit_reliability
from feedback_assets.gold.training_metrics import calibration_error

STAMP = Stamp("run-1", dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC))
CHARGED = ("payment", "wrong_charge", "negative", "critical", "product_defect")
THANKS = ("other", "praise", "positive", "low", "other")
OTHER_RULES = "- {id: money-taken, when: {}, action: refund_customer, detail: Refund.}"


def batch_of(*items: tuple[str, ...], confidence: float = 0.8) -> pa.RecordBatch:
    """Items with labels in the order of the rules' fields, as earlier stages found them."""
    names = ("primary_category", "sub_category", "sentiment", "severity", "root_cause_type")
    count = len(items)
    columns = {
        name: pa.array([item[place] for item in items], pa.string())
        for place, name in enumerate(names)
    }
    spans = pa.list_(pa.struct({"start": pa.int32(), "end": pa.int32(), "quote": pa.string()}))
    return pa.record_batch(
        {
            "day": pa.array([dt.date(2026, 5, 1)] * count, pa.date32()),
            "source": pa.array(["survey"] * count, pa.string()),
            "feedback_id": pa.array([str(i) for i in range(count)], pa.string()),
            "text": pa.array(["words"] * count, pa.string()),
            **columns,
            "root_cause_summary": pa.array(["what fails"] * count, pa.string()),
            "confidence": pa.array([confidence] * count, pa.float64()),
            "evidence_spans": pa.array([[]] * count, spans),
        }
    )


def seen(model: TriageClassifier, *rules: str, least: float = 0.0) -> TriageClassifier:
    """`model`, with the built-in rules named known to it, and one threshold for all actions."""
    actions = Reliability(built_in().version, dict.fromkeys(rules, 0.5), UNTESTED.weights)
    limits = {field: np.full(len(CLASSES[field]), least) for field in FIELDS}
    return replace(
        model,
        calibration=replace(model.calibration, actions=actions),
        guarantee=Guarantee(limits),
    )


def states(found: pa.RecordBatch) -> list[str]:
    told: list[str] = found.column("provenance").field("validation_state").to_pylist()
    return told


def test_the_first_rule_that_holds_wins() -> None:
    rules = RuleBook.read()
    assert rules.rules[-1].when == {}
    fired = rules.rule_for(*CHARGED)
    assert (fired.id, fired.action) == ("money-taken", "refund_customer")
    assert rules.rule_for("payment", "wrong_charge", "positive", "low", "other").id == "praise"
    assert rules.rule_for("other", "staff_and_service", "negative", "low", "other").id == "else"


@pytest.mark.parametrize(
    ("labels", "action"),
    [
        ("returns return_process negative high product_defect", "fix_defect"),
        ("returns return_process negative high other", "resolve_order"),
        ("returns return_process negative critical other", "refund_customer"),
        ("returns return_process neutral low documentation_gap", "improve_documentation"),
        ("returns refund_missing neutral medium other", "refund_customer"),
        ("payment payment_method neutral low checkout_friction", "improve_documentation"),
        ("payment payment_method negative high product_defect", "fix_defect"),
        ("payment fees_and_pricing negative medium pricing_confusion", "clarify_pricing"),
        ("payment billing_and_invoice neutral low pricing_confusion", "clarify_pricing"),
        ("payment transfer negative critical product_defect", "refund_customer"),
        ("payment transfer neutral medium other", "resolve_order"),
        ("delivery tracking neutral low other", "resolve_order"),
        ("delivery delivery_options neutral low other", "improve_documentation"),
        ("onboarding registration negative high product_defect", "fix_defect"),
        ("onboarding registration negative medium checkout_friction", "simplify_flow"),
        ("onboarding activation negative high account_access_problem", "restore_access"),
        ("account_access locked_account negative high account_access_problem", "restore_access"),
        ("account_access login_failure negative medium product_defect", "fix_defect"),
        ("search filters_and_sorting neutral low other", "consider_request"),
        ("search search_usability negative medium product_defect", "fix_defect"),
        ("search search_usability negative low other", "simplify_flow"),
        ("other noise neutral low other", "none"),
        ("other noise negative medium other", "fix_defect"),
        ("other staff_and_service negative medium other", "none"),
    ],
)
def test_actions_mean_what_the_guide_says(labels: str, action: str) -> None:
    assert built_in().rule_for(*labels.split()).action == action


@pytest.mark.parametrize("state", ["valid", "doubtful", "awaiting_batch", None])
def test_an_action_stands_only_where_the_topics_do(
    small_model: TriageClassifier, state: str | None
) -> None:
    batch = batch_of(CHARGED)
    if state is not None:
        batch = batch.append_column("topics_state", pa.array([state]))
    found = infer(batch, seen(small_model, "money-taken"), STAMP)
    assert states(found) == ["valid" if state in ("valid", None) else "doubtful"]


def test_an_action_stands_from_its_threshold(small_model: TriageClassifier) -> None:
    model = seen(small_model, "money-taken", "praise")
    batch = batch_of(CHARGED, THANKS)
    said = infer(batch, model, STAMP).column("confidence").to_pylist()
    for least, state in ((said[0], "valid"), (said[0] + 1e-6, "doubtful"), (NEVER, "doubtful")):
        limits = np.zeros(len(ACTIONS))
        limits[ACTIONS.index("refund_customer")] = least
        bounded = replace(
            model, guarantee=Guarantee({**model.guarantee.thresholds, "action": limits})
        )
        assert states(infer(batch, bounded, STAMP)) == [state, "valid"]


def test_unknown_rules_are_neutral_and_never_stand(small_model: TriageClassifier) -> None:
    model = seen(small_model, "money-taken")
    known, unseen = infer(batch_of(CHARGED, THANKS), model, STAMP).column("confidence").to_pylist()
    assert known > unseen == pytest.approx(0.8)
    assert states(infer(batch_of(CHARGED, THANKS), model, STAMP)) == ["valid", "doubtful"]
    # The same id in other rules is another rule.
    other = RuleBook(OTHER_RULES)
    assert other.rule_for(*CHARGED).id == "money-taken"
    found = infer(batch_of(CHARGED), model, STAMP, other)
    assert states(found) == ["doubtful"]
    assert found.column("confidence").to_pylist() == pytest.approx([0.8])
    # Nor do they stand where the labels are certain.
    nothing = RuleBook("- {id: noise, when: {}, action: none, detail: Nothing.}")
    wordless = ("other", "noise", "neutral", "low", "other")
    certain = batch_of(wordless, confidence=1.0)
    assert states(infer(certain, model, STAMP, nothing)) == ["doubtful"]
    sure = infer(certain, seen(small_model, "noise", least=NEVER), STAMP)
    assert (sure.column("confidence").to_pylist(), states(sure)) == ([1.0], ["valid"])


def test_reliability_outlives_the_file(small_model: TriageClassifier, tmp_path: Path) -> None:
    weights = np.random.default_rng(0).normal(size=EVIDENCE + 2)
    actions = Reliability(built_in().version, {"money-taken": 1 / 3, "noise": -0.1}, weights)
    model = seen(small_model, "noise", least=0.25)
    model = replace(model, calibration=replace(model.calibration, actions=actions))
    loaded = model_file.load(model_file.save(model, tmp_path))
    assert loaded.calibration.actions.rules == actions.rules
    batch = batch_of(CHARGED, THANKS)
    assert infer(batch, loaded, STAMP).equals(infer(batch, model, STAMP))


def drawn(count: int, seed: int) -> tuple[Advice, Flags]:
    """Advice of three rules that are right at rates of their own, more where areas are sure."""
    chance = np.random.default_rng(seed)
    rules = chance.choice(["good", "fair", "poor"], count, p=[0.3, 0.6, 0.1])
    areas = chance.uniform(0.2, 0.98, count)
    offset = np.select([rules == "good", rules == "fair"], [2.0, 0.0], -2.0)
    score = offset + 0.8 * np.log(areas / (1 - areas)) - 0.3
    read = evidence(["crash"] * count, ["negative"] * count, ["high"] * count)
    right = chance.random(count) < 1 / (1 + np.exp(-score))
    return Advice(rules.tolist(), np.zeros(count, np.int64), read, areas), right


def test_confidence_comes_true_on_advice_that_was_not_fitted() -> None:
    fitted = fit_reliability(*drawn(4000, 1))
    assert fitted.rules["good"] > fitted.rules["fair"] > fitted.rules["poor"]
    advice, right = drawn(4000, 2)
    said = advice.confidence(fitted)
    assert calibration_error(said, right) < 0.03
    for rule in ("good", "fair", "poor"):
        own = np.array(advice.rules) == rule
        assert said[own].mean() == pytest.approx(right[own].mean(), abs=0.06)


def test_rules_that_were_never_wrong_or_hardly_seen_prove_nothing() -> None:
    advice, right = drawn(50, 3)
    assert fit_reliability(advice, np.ones_like(right)) is UNTESTED
    assert not UNTESTED.knows("", ["good"]).any()


def test_a_label_that_is_none_is_refused() -> None:
    with pytest.raises(KeyError, match="cheerful"):
        evidence(["crash"], ["cheerful"], ["low"])
