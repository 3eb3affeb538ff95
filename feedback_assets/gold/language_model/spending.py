"""Spending caps: what may still be asked for in this run and on this day.

Belongs here: adding up and stopping in time. Does not belong here: prices (`model_plan`).
"""

from __future__ import annotations

from feedback_assets.pipeline.model_plan import Prices, SpendingCap
from resources.llm.base import ModelRequest, Usage

CHARACTERS_A_TOKEN = 3.5
"""Rough, and on the careful side for English; only for what is in flight."""
OUTPUT_TOKENS_AN_ITEM = 160


class Spending:
    """Money spent and reserved. Not thread-safe: for one event loop."""

    def __init__(self, prices: Prices, cap: SpendingCap, run: float, day: float) -> None:
        """`run` and `day` are what was spent before."""
        self._prices = prices
        self._cap = cap
        self._run, self._day = run, day
        self._reserved = 0.0

    @property
    def run(self) -> float:
        """Spent in this run so far."""
        return self._run

    def estimate(self, request: ModelRequest, items: int) -> float:
        """What `request` may cost, nothing of it cached."""
        read = (len(request.system) + len(request.user)) / CHARACTERS_A_TOKEN
        return self._prices.cost(Usage(int(read), 0, OUTPUT_TOKENS_AN_ITEM * items))

    def reserve(self, amount: float) -> str:
        """Set `amount` aside; else why it can't be, and what to do."""
        for name, spent, most in (
            ("run", self._run, self._cap.run),
            ("day", self._day, self._cap.day),
        ):
            if most is not None and spent + self._reserved + amount > most:
                return (
                    f"the spending cap of a {name} is reached: {spent:.4f} of {most:g} spent; "
                    f"raise FEEDBACK_LLM_CAP_{name.upper()} or run again later"
                )
        self._reserved += amount
        return ""

    def spend(self, reserved: float, actual: float) -> None:
        """Turn what was reserved into what it cost."""
        self._reserved -= reserved
        self._run += actual
        self._day += actual
