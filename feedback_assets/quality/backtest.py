"""How good the drift checks are: false alarms, power and delay, on the history's own items.

Belongs here: what is drawn, what is counted. Does not belong here: reading the history
(backtest_data.py), the rule (mix_rule.py, levels.py), which production shares, and telling
(backtest_report.py).

What "unchanged" means: a reference of as many days as the rules say, and a partition, are drawn
with replacement from all items of a source. An item keeps all that it is like, so that checks that
go together in the history do so here. What days vary by beyond that is not in such data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from feedback_assets.contracts.quality_rules import Action, Level, Mix, QualityRules
from feedback_assets.quality.backtest_data import Coded, History, Pool
from feedback_assets.quality.backtest_figures import LONGEST, Backtest, Delay, Share
from feedback_assets.quality.backtest_shift import (
    KINDS,
    LEAST_SHARE,
    Exchange,
    exchanging,
    shift,
)
from feedback_assets.quality.levels import compare_levels
from feedback_assets.quality.mix_rule import Bools, Floats, Integers, Said, check_speaks

CHUNK = 250
SHIFT = 0.2
"""Share of the items that change class, of which power is measured."""
RATES = (0.01, 0.02)
DELAY_SHARE = 5
"""Delays are measured on one in so many replicates: each looks at up to `LONGEST` days."""
BLOCKING, WARNING = "all blocking drift checks", "all warning drift checks"


def measure(
    history: History, rules: QualityRules, items: int, replicates: int, seed: int = 1
) -> Backtest:
    """False alarms, power and delay over all of `history`'s pools; the same seed, the same."""
    done = Backtest(items, replicates)
    for pool in history.pools:
        done.units[pool.source] = max(pool.units, done.units.get(pool.source, 0))
    for source in dict.fromkeys(pool.source for pool in history.pools):
        of_source = [pool for pool in history.pools if pool.source == source]
        rng = np.random.default_rng([seed, *source.encode()])
        measure_alarms(done, of_source, rules, rng)
        for pool in of_source:
            for check, rule in rules.mixes.items():
                if feature := pool.features.get(rule.feature):
                    _measure_shifts(done, source, check, rule, feature, rules, rng)
    return done


def measure_alarms(
    done: Backtest, pools: Sequence[Pool], rules: QualityRules, rng: np.random.Generator
) -> None:
    """Verdicts on unchanged partitions of one source."""
    source = pools[0].source
    for start in range(0, done.replicates, CHUNK):
        number = min(CHUNK, done.replicates - start)
        blocked, warned = np.zeros(number, bool), np.zeros(number, bool)
        for check, action, said in _unchanged(pools, rules, rng, number, done.items):
            done.alarms.setdefault((source, check), Share()).add(said.spoke, said.judged)
            (blocked if action == "block" else warned)[said.spoke] = True
        done.alarms.setdefault((source, BLOCKING), Share()).add(blocked)
        done.alarms.setdefault((source, WARNING), Share()).add(warned)


def _unchanged(
    pools: Sequence[Pool], rules: QualityRules, rng: np.random.Generator, number: int, items: int
) -> Iterator[tuple[str, str, Said]]:
    for pool in pools:
        sizes, features = pool.draw(rng, number, rules.reference.days + 1, items)
        for name, feature, counts in features:
            for check, rule in rules.mixes.items():
                if rule.feature == name:
                    said = check_speaks(rule, feature.classes, counts[:, -1], counts[:, :-1], rules)
                    yield check, rule.action, said
        if "category" in pool.features:
            level = rules.levels["drift_volume"]
            rose, fell = volume_speaks(level, sizes, rules)
            everyone = np.ones(number, bool)
            yield "drift_volume (rise)", level.rise, Said(everyone, rose)
            yield "drift_volume (fall)", level.fall, Said(everyone, fell)


def volume_speaks(level: Level, sizes: Integers, rules: QualityRules) -> tuple[Bools, Bools]:
    """Whether the last of each row's days has too many items, and too few; `sizes` is (B, T)."""
    action: Action = "block" if "block" in (level.rise, level.falls and level.fall) else "warn"
    test = compare_levels(sizes[:, -1], sizes[:, :-1], rules.chance(action), counted=True)
    rose: Bools = test.ratio > np.maximum(level.rises, test.high)
    falls = 1 / level.falls if level.falls else 0.0
    fell: Bools = test.ratio < np.minimum(falls, test.low)
    return rose, fell


def _measure_shifts(
    done: Backtest, source: str, check: str, rule: Mix, feature: Coded, rules: QualityRules,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    shares = feature.shares
    groups = exchanging(rule, feature.classes, shares)
    if not groups:
        few = f"fewer than two classes with {LEAST_SHARE:.0%} of the items"
        done.unshifted[check, source] = few
        return
    for kind in KINDS:
        power = measure_power(done, kind, rule, feature, groups, rules, rng)
        if power is None:
            done.unshifted[check, source] = f"{kind}: no class has {SHIFT:.0%} to give"
        else:
            done.power[check, kind, source] = power
        if rule.by_class:
            alone = measure_class_power(done, kind, rule, feature, groups, rules, rng)
            if alone is not None:
                done.power[f"{check}, {done.items} items a class", kind, source] = alone
    for rate in RATES:
        done.delays[check, rate, source] = measure_delay(
            done, rate, rule, feature, groups, rules, rng
        )


def measure_power(
    done: Backtest, kind: str, rule: Mix, feature: Coded, groups: Sequence[Exchange],
    rules: QualityRules, rng: np.random.Generator,
) -> Share | None:  # fmt: skip
    """How often the check speaks of partitions of exactly `items` whose mix moved by `SHIFT`.

    None where no group can move so much.
    """
    shares = feature.shares
    able = [(group, room) for group in groups if len(room := group.room(kind, SHIFT))]
    if not able:
        return None
    targets = [rng.choice(room, done.replicates) for _, room in able]
    by = np.full(done.replicates, SHIFT)
    mixed = shift(shares, [group for group, _ in able], kind, targets, by)
    counts = rng.multinomial(done.items, mixed)
    days = _days(shares, done, rules.reference.days, rng)
    share = Share()
    share.add(check_speaks(rule, feature.classes, counts, days, rules).spoke)
    return share


def measure_class_power(
    done: Backtest,
    kind: str,
    rule: Mix,
    feature: Coded,
    groups: Sequence[Exchange],
    rules: QualityRules,
    rng: np.random.Generator,
) -> Share | None:
    """Of a check by class: its power when each class has `items`, and one, at random, moves.

    None where no class can move by `SHIFT`.
    """
    insides = [group.shares / group.shares.sum() for group in groups]
    alone = [Exchange(np.arange(len(i)), i, 1.0) for i in insides]
    able = [n for n, each in enumerate(alone) if len(each.room(kind, SHIFT))]
    if not able:
        return None
    chosen = rng.choice(able, done.replicates)
    counts, days = [], []
    for n, (each, inside) in enumerate(zip(alone, insides, strict=True)):
        by = np.where(chosen == n, SHIFT, 0.0)
        targets = rng.choice(each.room(kind, SHIFT) if n in able else [0], done.replicates)
        mixed = shift(inside, [each], kind, [targets], by)
        counts.append(rng.multinomial(done.items, mixed))
        days.append(_days(inside, done, rules.reference.days, rng))
    names = [feature.classes[bin_] for group in groups for bin_ in group.bins]
    share = Share()
    together = np.concatenate(counts, -1), np.concatenate(days, -1)
    share.add(check_speaks(rule, names, *together, rules).spoke)
    return share


def _days(shares: Floats, done: Backtest, days: int, rng: np.random.Generator) -> Integers:
    sizes = rng.poisson(done.items, (done.replicates, days))
    return rng.multinomial(sizes, shares)


def measure_delay(
    done: Backtest, rate: float, rule: Mix, feature: Coded, groups: Sequence[Exchange],
    rules: QualityRules, rng: np.random.Generator,
) -> Delay:  # fmt: skip
    """Days until the check first speaks, when the mix moves by `rate` more each day (``spread``).

    The reference moves along. What it leaves out, days that failed, begins with the day found.
    """
    number = max(done.replicates // DELAY_SHARE, 1)
    before = rules.reference.days
    shares = feature.shares
    targets = [rng.integers(len(group.bins), size=number) for group in groups]
    days = np.empty((number, before + LONGEST, len(shares)), np.int64)
    for day in range(before + LONGEST):
        by = np.full(number, rate * max(day - before + 1, 0))
        mixed = shift(shares, groups, "spread", targets, by)
        days[:, day] = rng.multinomial(rng.poisson(done.items, number), mixed)
    found: list[int] = []
    for day in range(LONGEST):
        now, past = days[:, before + day], days[:, day : before + day]
        spoke = check_speaks(rule, feature.classes, now, past, rules).spoke
        found += [day + 1] * int(spoke.sum())
        days = days[~spoke]
        if not len(days):
            break
    return Delay(found, number)
