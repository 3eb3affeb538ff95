"""Routing: each item's lane, priority and owner, by the rules of routing_rules.yaml.

Belongs here: the evaluation of rules, for one item and for a batch. Does not belong here: their
shape (rules.py), what a condition may ask (conditions.py), the rules themselves
(routing_rules.yaml), and what happens to an item in its lane.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import pyarrow as pa

from feedback_assets.contracts.tables import TRIAGE
from feedback_assets.contracts.taxonomy import CATEGORIES, TAXONOMY
from feedback_assets.triage.conditions import Facts, Mentions, Test, cleaned, compiled
from feedback_assets.triage.rules import OWNER_BY_AREA, Rules, load

AUTOMATION = ("none", "confident", "all")
CLASSES_REMEMBERED = 50_000
"""Classes of facts a section keeps, some 20 MB, before it forgets all."""

_ROUTE_COLUMNS = (
    "lane", "priority_score", "owner_team", "queue", "rule_ids", "rule_version",
    "auto_approve", "open_ticket",
)  # fmt: skip
ROUTE_SCHEMA = pa.schema([TRIAGE.schema.field(name) for name in _ROUTE_COLUMNS])


@dataclass(frozen=True, slots=True)
class Route:
    """Where an item goes. `rule_ids` are the rules that fired: lane, priority, owner."""

    lane: str
    priority_score: float
    owner_team: str
    queue: str
    rule_ids: tuple[str, ...]
    rule_version: str
    auto_approve: bool
    open_ticket: bool


class _Lane(NamedTuple):
    rule_id: str
    lane: str
    passes: bool
    open_ticket: bool


class _Priority(NamedTuple):
    rule_ids: tuple[str, ...]
    score: float


class _Owner(NamedTuple):
    rule_id: str
    team: str


Decision = TypeVar("Decision", _Lane, _Priority, _Owner)


class _Column(NamedTuple):
    """A fact of each row: `values` are clean and distinct, `rows` say which."""

    values: list[Any]
    rows: list[int]


class _Section(Generic[Decision]):
    """One section of the rules, remembering what it decided for facts it can't tell apart."""

    def __init__(self, asked: Mentions, decide: Callable[[Facts], Decision]) -> None:
        self.decisions: list[Decision] = []
        self.facts = {name: asked.classifier(name) for name in asked.values}
        self._decide: Callable[[Facts], Decision] = decide
        self._numbers: dict[Decision, int] = {}
        self._known: dict[Hashable, int] = {}

    def of_rows(self, columns: Mapping[str, _Column], length: int) -> list[int]:
        """For each row, the number in `decisions` of what was decided."""
        mine = {name: columns[name] for name in self.facts}
        classes = []
        for name, (values, rows) in mine.items():
            distinct = [self.facts[name](value) for value in values]
            classes.append([distinct[row] for row in rows])
        keys = zip(*classes, strict=True) if classes else [()] * length
        decided = []
        for row, key in enumerate(keys):
            number = self._known.get(key)
            if number is None:
                number = self._numbered({n: c.values[c.rows[row]] for n, c in mine.items()})
                if len(self._known) >= CLASSES_REMEMBERED:
                    self._known.clear()
                self._known[key] = number
            decided.append(number)
        return decided

    def _numbered(self, facts: Facts) -> int:
        decision = self._decide(facts)
        if decision not in self._numbers:
            self._numbers[decision] = len(self.decisions)
            self.decisions.append(decision)
        return self._numbers[decision]


class Routing:
    """Rules made ready to run. Picklable; routes are remembered by what rules can tell apart."""

    def __init__(self, rules: Rules) -> None:
        """Compile `rules`; nothing is read."""
        self.rules = rules
        self.version = rules.version()
        self._lanes = _lanes(rules)
        self._priority = _priority(rules)
        self._owners = _owners(rules)
        self._sections = (self._lanes, self._priority, self._owners)
        self._facts = sorted({name for section in self._sections for name in section.facts})
        self._routes: dict[tuple[Hashable, ...], Route] = {}

    def __reduce__(self) -> tuple[type[Routing], tuple[Rules]]:
        """Compiled conditions don't pickle; their rules do."""
        return Routing, (self.rules,)

    @classmethod
    def from_file(cls, path: Path | None = None) -> Routing:
        """The rules of a YAML file, or the built-in ones. Raises `ValueError` as `rules.load`."""
        return cls(load(path))

    def route(self, facts: Facts, automation: str) -> Route:
        """Where an item with `facts` goes; a fact that is missing is null.

        `automation` is ``none``, ``confident`` or ``all``. Raises `ValueError` for another, and
        for a fact that isn't of its kind.
        """
        columns = {name: _Column([cleaned(name, facts.get(name))], [0]) for name in self._facts}
        return self._routed(columns, 1, automation)[0]

    def route_batch(self, batch: pa.RecordBatch, automation: str) -> pa.RecordBatch:
        """Routes of a batch's rows in their order, in `ROUTE_SCHEMA`.

        Facts are read from columns of their names; other columns are ignored. Raises
        `ValueError` when a column that the rules ask about is missing.
        """
        missing = [name for name in self._facts if name not in batch.schema.names]
        if missing:
            raise ValueError(f"the rules ask about columns that are missing: {', '.join(missing)}")
        columns = {name: _column(name, batch.column(name)) for name in self._facts}
        routes = self._routed(columns, batch.num_rows, automation)
        # By identity: hashing a route costs more than routing it.
        distinct = {id(route): route for route in routes}
        numbers = {each: number for number, each in enumerate(distinct)}
        arrays = [
            pa.array([getattr(route, field.name) for route in distinct.values()], field.type)
            for field in ROUTE_SCHEMA
        ]
        rows = pa.array([numbers[id(route)] for route in routes], pa.int64())
        return pa.RecordBatch.from_arrays(arrays, schema=ROUTE_SCHEMA).take(rows)

    def _routed(self, columns: Mapping[str, _Column], length: int, automation: str) -> list[Route]:
        """Each row's route; rows with the same decisions share one object."""
        if automation not in AUTOMATION:
            raise ValueError(f"automation {automation!r}; allowed: {', '.join(AUTOMATION)}")
        routes = []
        decided = (section.of_rows(columns, length) for section in self._sections)
        for lane, priority, owner in zip(*decided, strict=True):
            key = (automation, lane, priority, owner)
            if key not in self._routes:
                self._routes[key] = self._combined(
                    self._lanes.decisions[lane],
                    self._priority.decisions[priority],
                    self._owners.decisions[owner],
                    automation,
                )
            routes.append(self._routes[key])
        return routes

    def _combined(self, lane: _Lane, priority: _Priority, owner: _Owner, automation: str) -> Route:
        return Route(
            lane=lane.lane,
            priority_score=priority.score,
            owner_team=owner.team,
            queue=self.rules.queues[owner.team],
            rule_ids=(lane.rule_id, *priority.rule_ids, owner.rule_id),
            rule_version=self.version,
            auto_approve=automation == "all" or (automation == "confident" and lane.passes),
            open_ticket=lane.open_ticket,
        )


def _lanes(rules: Rules) -> _Section[_Lane]:
    asked = Mentions()

    def test(condition: bool | dict[str, Any] | None) -> Test:
        if isinstance(condition, dict):
            return compiled(condition, asked)
        return lambda facts: bool(condition)

    ready = [(r, test(r.when), test(r.passes_when), test(r.open_ticket)) for r in rules.lanes]

    def decide(facts: Facts) -> _Lane:
        rule, _, passes, ticket = next(each for each in ready if each[1](facts))
        return _Lane(rule.id, rule.lane, passes(facts), ticket(facts))

    return _Section(asked, decide)


def _priority(rules: Rules) -> _Section[_Priority]:
    asked = Mentions()
    ready = [(rule, compiled(rule.when, asked)) for rule in rules.priority]

    def decide(facts: Facts) -> _Priority:
        fired = [rule for rule, when in ready if when(facts)]
        score = min(100.0, max(0.0, sum(rule.points for rule in fired)))
        return _Priority(tuple(rule.id for rule in fired), score)

    return _Section(asked, decide)


def _owners(rules: Rules) -> _Section[_Owner]:
    asked = Mentions()
    asked.add("primary_category", *CATEGORIES)
    ready = [(rule, compiled(rule.when, asked)) for rule in rules.owners]

    def decide(facts: Facts) -> _Owner:
        for rule, when in ready:
            if when(facts):
                return _Owner(rule.id, rule.owner_team)
        area = facts["primary_category"]
        # An item whose area is not known belongs to whoever owns the rest.
        category = TAXONOMY.categories.get(area) or TAXONOMY.categories["other"]
        return _Owner(OWNER_BY_AREA, category.owner_team)

    return _Section(asked, decide)


def _column(name: str, column: pa.Array[Any]) -> _Column:
    """A fact's column, each distinct value cleaned once."""
    if pa.types.is_nested(column.type):
        values = [cleaned(name, value) for value in column.to_pylist()]
        numbers: dict[Any, int] = {}
        rows = [numbers.setdefault(value, len(numbers)) for value in values]
        return _Column(list(numbers), rows)
    encoded = column.dictionary_encode()
    distinct = [cleaned(name, value) for value in encoded.dictionary.to_pylist()]
    null = len(distinct)
    rows = [null if index is None else index for index in encoded.indices.to_pylist()]
    return _Column([*distinct, None], rows)
