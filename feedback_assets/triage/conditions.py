"""What a routing rule may ask of an item: facts, the tests on them, and their compilation.

Belongs here: the facts' names and kinds, and the small language of conditions. Does not belong
here: the rules themselves (routing_rules.yaml) and what follows when one fires (routing.py).

A condition is a mapping, all parts of which must hold: a fact's name with a value or with tests
(``severity: high``, ``category_confidence: {at_least: 0.6}``), or ``all``/``any`` with a list of
conditions, or ``not`` with one. A fact that is null meets only ``is_null: true``.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from feedback_assets.contracts.findings import DECIDING_STAGES
from feedback_assets.contracts.partitions import SOURCES
from feedback_assets.contracts.taxonomy import (
    ACTIONS,
    CATEGORIES,
    ROOT_CAUSE_TYPES,
    SENTIMENTS,
    SEVERITIES,
    SUB_CATEGORIES,
)

Facts = Mapping[str, Any]
Test = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: ``share`` is 0 to 1, ``open_word`` has no closed vocabulary and no case."""

    kind: Literal["word", "open_word", "words", "share", "count"]
    labels: tuple[str, ...] = ()


FACTS: dict[str, Fact] = {
    "source": Fact("word", SOURCES),
    "language": Fact("open_word"),
    "sentiment": Fact("word", SENTIMENTS),
    "sentiment_confidence": Fact("share"),
    "primary_category": Fact("word", CATEGORIES),
    "categories": Fact("words", CATEGORIES),
    "sub_category": Fact("word", SUB_CATEGORIES),
    "category_confidence": Fact("share"),
    "severity": Fact("word", SEVERITIES),
    "severity_confidence": Fact("share"),
    "root_cause_type": Fact("word", ROOT_CAUSE_TYPES),
    "action": Fact("word", ACTIONS),
    "customer_tier": Fact("open_word"),
    "country": Fact("open_word"),
    "rating": Fact("share"),
    "cluster_size": Fact("count"),
    "cluster_size_7d": Fact("count"),
    "cluster_agreement": Fact("share"),
    "evidence_count": Fact("count"),
    "doubts": Fact("words", DECIDING_STAGES),
}
TESTS = {
    "word": ("equals", "one_of", "is_null"),
    "open_word": ("equals", "one_of", "is_null"),
    "words": ("contains", "is_null"),
    "share": ("equals", "at_least", "at_most", "is_null"),
    "count": ("equals", "at_least", "at_most", "is_null"),
}


def cleaned(name: str, value: Any) -> Any:
    """A fact's value as tests see it: NaN is null, open words have no case, lists are sets.

    Raises `ValueError` when the value isn't of the fact's kind.
    """
    kind = FACTS[name].kind
    if value is None:
        return None
    if kind in ("share", "count"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"fact {name!r} must be a number or null, not {value!r}")
        return None if math.isnan(value) else value
    if kind == "words":
        if isinstance(value, str):
            raise ValueError(f"fact {name!r} must be a list of words or null, not {value!r}")
        return frozenset(value)
    if not isinstance(value, str):
        raise ValueError(f"fact {name!r} must be a word or null, not {value!r}")
    return value.casefold() if kind == "open_word" else value


@dataclass
class Mentions:
    """The values that conditions name, by fact: all that the rules can tell apart."""

    values: dict[str, set[Any]] = field(default_factory=dict)

    def add(self, name: str, *values: Any) -> None:
        """Note that a condition asks `name` about `values`."""
        self.values.setdefault(name, set()).update(values)

    def classifier(self, name: str) -> Callable[[Any], Hashable]:
        """A function from a clean value to its class: values of one class meet the same tests."""
        named = self.values[name]
        if FACTS[name].kind in ("share", "count"):
            bounds = sorted(named)

            def interval(value: Any) -> Hashable:
                if value is None:
                    return None
                # Odd on a bound, even between two.
                return bisect_left(bounds, value) + bisect_right(bounds, value)

            return interval
        if FACTS[name].kind == "words":
            return lambda value: value if value is None else value & named
        return lambda value: value if value is None or value in named else False


def compiled(condition: object, mentions: Mentions) -> Test:
    """A function of clean facts that says whether `condition` holds.

    `mentions` gathers what it asks about. Raises `ValueError`, which says what is allowed, for a
    fact, test or label that doesn't exist.
    """
    if not isinstance(condition, Mapping):
        raise ValueError(f"a condition is a mapping of facts to tests, not {condition!r}")
    parts: list[Test] = []
    for name, asked in condition.items():
        if name in ("all", "any"):
            if not isinstance(asked, list) or not asked:
                raise ValueError(f"{name!r} takes a list of conditions, not {asked!r}")
            parts.append(_joined(name, [compiled(each, mentions) for each in asked]))
        elif name == "not":
            parts.append(_negated(compiled(asked, mentions)))
        elif name in FACTS:
            tests = asked if isinstance(asked, Mapping) else {"equals": asked}
            if not tests:
                raise ValueError(f"{name!r} asks nothing; tests: {_listed(TESTS, name)}")
            parts += [_tested(name, test, value, mentions) for test, value in tests.items()]
        else:
            allowed = ", ".join([*FACTS, "all", "any", "not"])
            raise ValueError(f"unknown fact {name!r}; allowed: {allowed}")
    return parts[0] if len(parts) == 1 else _joined("all", parts)


def _joined(how: str, parts: list[Test]) -> Test:
    if how == "all":
        return lambda facts: all(part(facts) for part in parts)
    return lambda facts: any(part(facts) for part in parts)


def _negated(part: Test) -> Test:
    return lambda facts: not part(facts)


def _tested(name: str, test: str, value: Any, mentions: Mentions) -> Test:
    """One test on one fact, checked and compiled."""
    if test not in TESTS[FACTS[name].kind]:
        raise ValueError(f"unknown test {test!r} of {name!r}; allowed: {_listed(TESTS, name)}")
    if test == "is_null":
        if not isinstance(value, bool):
            raise ValueError(f"is_null of {name!r} takes true or false, not {value!r}")
        mentions.add(name)
        return lambda facts: (facts[name] is None) is value
    if test == "one_of":
        if not isinstance(value, list) or not value:
            raise ValueError(f"one_of of {name!r} takes a list, not {value!r}")
        several = frozenset(_checked(name, each) for each in value)
        mentions.add(name, *several)
        return lambda facts: facts[name] in several
    wanted = _checked(name, value)
    mentions.add(name, wanted)
    if test == "equals":
        return lambda facts: bool(facts[name] == wanted)
    if test == "contains":
        return lambda facts: facts[name] is not None and wanted in facts[name]
    if test == "at_least":
        return lambda facts: facts[name] is not None and facts[name] >= wanted
    return lambda facts: facts[name] is not None and facts[name] <= wanted


def _checked(name: str, value: Any) -> Any:
    """A value that a rule compares `name` with, in the fact's kind and vocabulary."""
    fact = FACTS[name]
    if fact.kind in ("share", "count"):
        most = 1.0 if fact.kind == "share" else math.inf
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name!r} is compared with a number, not {value!r}")
        if not 0 <= value <= most or math.isinf(value):
            raise ValueError(f"{name!r} lies between 0 and {most:g}; {value!r} does not")
        return value
    if not isinstance(value, str):
        raise ValueError(f"{name!r} is compared with a word, not {value!r} (put it in quotes)")
    if fact.labels and value not in fact.labels:
        raise ValueError(f"unknown {name} {value!r}; allowed: {', '.join(fact.labels)}")
    return value.casefold() if fact.kind == "open_word" else value


def _listed(tests: Mapping[str, tuple[str, ...]], name: str) -> str:
    return ", ".join(tests[FACTS[name].kind])
