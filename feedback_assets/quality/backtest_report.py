"""The backtest's figures, as Markdown and for machines.

Belongs here: adding up over sources, and wording. Does not belong here: measuring (backtest.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from feedback_assets.contracts.quality_rules import QualityRules
from feedback_assets.quality.backtest import BLOCKING, RATES, SHIFT, WARNING
from feedback_assets.quality.backtest_data import ALL_SOURCES
from feedback_assets.quality.backtest_figures import LONGEST, Backtest, Delay, Share
from feedback_assets.quality.backtest_replay import NO_PROFILE
from feedback_assets.quality.backtest_shift import KINDS

STATES = ("not_enough_data", "passed", "warned", "failed", NO_PROFILE)
POWER_AIM = 0.95


def as_markdown(done: Backtest, rules: QualityRules) -> str:
    """Everything, in four tables."""
    units = ", ".join(f"{source} {number:,}" for source, number in done.units.items())
    return "\n\n".join(
        (
            f"# Backtest\n\nItems in the history: {units}. Drawn: {done.replicates:,} replicates "
            f"a source, {done.items} items a day (Poisson), {rules.reference.days} days before.",
            f"## Replay: verdicts on past partitions\n\n{_replayed(done)}",
            "## False alarms on unchanged data\n\nShare of partitions in which the check speaks, "
            f"95% interval (Clopper-Pearson); aim {rules.false_alarms.block:.1%} for all that "
            f"block, {rules.false_alarms.warn:.1%} for all that warn.\n\n{_alarms(done)}",
            f"## Power: {SHIFT:.0%} of {done.items} items change class\n\nSpread: items of other "
            "classes, in proportion, to one class at random. Swap: from the largest to the second "
            f"largest class. Aim {POWER_AIM:.0%}; in brackets the source found "
            f"least often.\n\n{_power(done)}",
            "## Delay: a mix that moves by so many points more each day\n\nDays until the check "
            f"first speaks (spread); never: not within {LONGEST} days.\n\n{_delays(done)}",
            _unshifted(done),
        )
    ).rstrip()


def as_figures(done: Backtest) -> dict[str, Any]:
    """The same for machines: by check, over all sources and by source."""
    checks = _checks(key[1] for key in done.alarms)
    return {
        "items": done.items,
        "replicates": done.replicates,
        "history": done.units,
        "replay": {check: dict(states) for check, states in done.replayed.items()},
        "false_alarms": {
            check: {
                "all": _figures(_sum(_alarms_of(done, check).values())),
                **{s: _figures(share) for s, share in _alarms_of(done, check).items()},
            }
            for check in checks
        },
        "power": {
            check: {
                kind: {
                    "all": _figures(_sum(_of_sources(done, check, kind).values())),
                    **{s: _figures(x) for s, x in _of_sources(done, check, kind).items()},
                }
                for kind in KINDS
                if _of_sources(done, check, kind)
            }
            for check in _checks(key[0] for key in done.power)
        },
        "delay": {
            check: {f"{rate:g}": _delay_figures(_delay_of(done, check, rate)) for rate in RATES}
            for check in _checks(key[0] for key in done.delays)
        },
        "not_shifted": {
            f"{check} {source}": why for (check, source), why in done.unshifted.items()
        },
    }


def _replayed(done: Backtest) -> str:
    heads = [name.replace("_", " ") for name in STATES]
    rows = [
        [check, *(str(states.get(state, 0)) for state in STATES)]
        for check, states in done.replayed.items()
    ]
    return _table(["check", *heads], rows)


def _alarms(done: Backtest) -> str:
    rows = []
    for check in _checks(key[1] for key in done.alarms):
        by_source = _alarms_of(done, check)
        share = _sum(by_source.values())
        if not share.tries:
            rows.append([check, "0", "not enough data", "", ""])
            continue
        judged = {source: each.value for source, each in by_source.items() if each.tries}
        worst = max(judged, key=lambda source: judged[source])
        low, high = share.interval
        most = f"{judged[worst]:.2%} {worst}" if judged[worst] else ""
        interval = f"{low:.2%} to {high:.2%}"
        rows.append([check, f"{share.tries:,}", f"{share.value:.2%}", interval, most])
    return _table(["check", "partitions judged", "speaks", "interval", "most"], rows)


def _power(done: Backtest) -> str:
    rows = []
    for check in _checks(key[0] for key in done.power):
        row = [check]
        for kind in KINDS:
            found = _of_sources(done, check, kind)
            if not found:
                row.append("cannot be")
                continue
            worst = min(found, key=lambda source: found[source].value)
            row.append(f"{_sum(found.values()).value:.1%} ({found[worst].value:.1%} {worst})")
        rows.append(row)
    return _table(["check", *KINDS], rows)


def _delays(done: Backtest) -> str:
    rows = []
    for check in _checks(key[0] for key in done.delays):
        for rate in RATES:
            found = _delay_of(done, check, rate)
            rows.append(
                [check, f"{100 * rate:g}", _days(found.within(0.5)), _days(found.within(0.9)),
                 f"{found.never:.0%}"]
            )  # fmt: skip
    return _table(["check", "points a day", "median", "90%", "never"], rows)


def _unshifted(done: Backtest) -> str:
    if not done.unshifted:
        return ""
    lines = [f"- {check}, {source}: {why}" for (check, source), why in done.unshifted.items()]
    return "## What could not be shifted\n\n" + "\n".join(lines)


def _checks(names: Iterable[str]) -> list[str]:
    """Without repetition, those that add up others last."""
    return sorted(dict.fromkeys(names), key=lambda name: name in (BLOCKING, WARNING))


def _alarms_of(done: Backtest, check: str) -> dict[str, Share]:
    # A day's mix of sources is no partition: alone it would thin out the shares of all together.
    alone = check in (BLOCKING, WARNING) and len({source for source, _ in done.alarms}) > 1
    return {
        source: share
        for (source, c), share in done.alarms.items()
        if c == check and not (alone and source == ALL_SOURCES)
    }


def _of_sources(done: Backtest, check: str, kind: str) -> dict[str, Share]:
    return {s: share for (c, k, s), share in done.power.items() if (c, k) == (check, kind)}


def _sum(shares: Iterable[Share]) -> Share:
    total = Share()
    for share in shares:
        total.hits += share.hits
        total.tries += share.tries
    return total


def _delay_of(done: Backtest, check: str, rate: float) -> Delay:
    own = [delay for (c, r, _), delay in done.delays.items() if (c, r) == (check, rate)]
    return Delay([day for d in own for day in d.found], sum(d.replicates for d in own))


def _days(days: float) -> str:
    return f"over {LONGEST}" if math.isinf(days) else f"{days:.0f}"


def _figures(share: Share) -> dict[str, float | int | None]:
    low, high = share.interval
    value = None if np.isnan(share.value) else share.value
    return {"share": value, "low": low, "high": high, "tries": share.tries}


def _delay_figures(delay: Delay) -> dict[str, float | None]:
    found = {"median": delay.within(0.5), "ninetieth": delay.within(0.9)}
    return {**{k: None if math.isinf(v) else v for k, v in found.items()}, "never": delay.never}


def _table(heads: list[str], rows: list[list[str]]) -> str:
    marks = "|".join(["---", *["---:"] * (len(heads) - 1)])
    return "\n".join(
        [f"| {' | '.join(heads)} |", f"|{marks}|", *(f"| {' | '.join(row)} |" for row in rows)]
    )
