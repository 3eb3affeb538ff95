"""The taxonomy says each label once, and the labelling guide is rendered from it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from feedback_assets.contracts import taxonomy
from feedback_assets.contracts.labelling import COMMAND, label_guide
from feedback_assets.contracts.taxonomy import TAXONOMY, read_taxonomy, taxonomy_hash

GUIDE = Path(__file__).parents[2] / "golden_set" / "LABELLING.md"
TEXT = (files("feedback_assets.contracts") / "taxonomy.yaml").read_text(encoding="utf-8")

Edit = Callable[[dict[str, Any]], object]


def edited(edit: Edit) -> str:
    content = yaml.safe_load(TEXT)
    edit(content)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def test_names_that_others_read_keep_their_order() -> None:
    assert taxonomy.CATEGORIES == (
        "reliability", "performance", "onboarding", "payment", "search", "returns",
        "documentation", "delivery", "account_access", "other",
    )  # fmt: skip
    assert taxonomy.SENTIMENTS == ("negative", "neutral", "positive")
    assert taxonomy.SEVERITIES == ("low", "medium", "high", "critical")


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda t: t["actions"]["none"].pop("meaning"), "actions.none.meaning"),
        (lambda t: t["actions"]["none"].update(meaning=""), "actions.none.meaning"),
        (lambda t: t["categories"]["search"]["examples"].pop(), "categories.search.examples"),
        (lambda t: t["severities"]["low"].update(weight=1), "severities.low.weight"),
        (lambda t: t["tie_rules"][0].update(stages=["translation"]), "tie_rules.0.stages.0"),
        (lambda t: t["tie_rules"][0].update(rule="It is `paymnet`."), "`paymnet` is no label"),
        (
            lambda t: t["categories"]["search"]["does_not_belong"][0].update(
                goes_to="payment/crash"
            ),
            "'payment/crash' is no label",
        ),
        (
            lambda t: t["categories"]["search"]["sub_categories"].update(crash={"meaning": "x"}),
            "sub-category 'crash' has two categories",
        ),
        (
            lambda t: t["tie_rules"].append(t["tie_rules"][0]),
            "tie rule 'function-first': the id is taken",
        ),
    ],
)
def test_a_taxonomy_that_leaves_doubt_is_refused(edit: Edit, complaint: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read_taxonomy(edited(edit))
    told = "\n".join(
        f"{'.'.join(map(str, fault['loc']))} {fault['msg']}" for fault in refused.value.errors()
    )
    assert complaint in told


@pytest.mark.parametrize(
    "edit",
    [
        lambda t: t.update(categories=dict(reversed(t["categories"].items()))),
        lambda t: t["categories"]["search"].update(owner_team="somebody"),
        lambda t: t["traits"].pop("spam"),
    ],
)
def test_what_does_not_change_a_labels_meaning_keeps_the_hash(edit: Edit) -> None:
    assert taxonomy_hash(read_taxonomy("# A comment.\n" + edited(edit))) == taxonomy_hash()


@pytest.mark.parametrize(
    "edit",
    [
        lambda t: t["severities"]["low"].update(meaning="Nothing much."),
        lambda t: t["categories"]["search"]["belongs"].pop(),
        lambda t: t["categories"]["search"]["sub_categories"].pop("no_results"),
        lambda t: t["tie_rules"].pop(),
    ],
)
def test_what_changes_a_labels_meaning_changes_the_hash(edit: Edit) -> None:
    assert taxonomy_hash(read_taxonomy(edited(edit))) != taxonomy_hash()


def test_the_hash_is_named_for_what_it_is_of() -> None:
    prefix, digits = taxonomy_hash().split("-")
    assert (prefix, len(digits)) == ("taxonomy", 12)
    int(digits, 16)


def test_the_committed_guide_is_the_rendered_one() -> None:
    assert GUIDE.read_text(encoding="utf-8") == label_guide(), f"render it again: {COMMAND}"


def test_the_guide_explains_every_label_and_rule() -> None:
    guide = label_guide()
    vocabularies = (
        taxonomy.CATEGORIES, taxonomy.SUB_CATEGORIES, taxonomy.SENTIMENTS, taxonomy.SEVERITIES,
        taxonomy.ROOT_CAUSE_TYPES, taxonomy.ACTIONS, taxonomy.TRAITS,
    )  # fmt: skip
    missing = [name for names in vocabularies for name in names if f"`{name}`" not in guide]
    times = {rule.id: guide.count(f"- **{rule.id}**: ") for rule in TAXONOMY.tie_rules}
    teams = [c.owner_team for c in TAXONOMY.categories.values() if c.owner_team not in guide]
    assert (missing, set(times.values()), teams) == ([], {1}, [])
