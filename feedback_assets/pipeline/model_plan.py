"""How the language model is used: which one, how much at once, at what price, by when.

Belongs here: the plan that stages of tier 2 follow. Does not belong here: the model's client
(resources/llm) and what is asked (gold).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from resources.llm.background import BackgroundLoop
from resources.llm.base import BatchModel, LanguageModel, Usage

PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Price of a million tokens: read, read from the service's cache, written.

    `batch_share` is what the batch service charges of it.
    """

    input: float = 0.0
    cached: float = 0.0
    output: float = 0.0
    batch_share: float = 0.5

    def cost(self, usage: Usage, batch: bool = False) -> float:
        """What `usage` costs, in the currency of the prices."""
        read = (usage.input - usage.cached) * self.input + usage.cached * self.cached
        full = (read + usage.output * self.output) / PER_MILLION
        return full * (self.batch_share if batch else 1.0)


@dataclass(frozen=True, slots=True)
class SpendingCap:
    """The most a run and a day (UTC) may cost; None for no cap."""

    run: float | None = None
    day: float | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    """Hours since receipt after which an item moves on.

    From `direct_after` on it no longer waits for a batch, from `people_after` on it is not sent
    again: what is still in doubt is a person's, in time for the promise of `promise` hours.
    """

    direct_after: float = 24.0
    people_after: float = 60.0
    promise: float = 72.0


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """The language model and how it is asked.

    `items_per_request` items share the prompt's prefix; at most `uncommitted` items are sent
    and not yet in the ledger, which is what a crash may cost. `mode` batch sends what is not
    urgent to the batch service. `loop` is where the model lives.
    """

    model: LanguageModel
    batch: BatchModel | None = None
    mode: Literal["direct", "batch"] = "direct"
    items_per_request: int = 8
    uncommitted: int = 256
    prices: Prices = field(default_factory=Prices)
    cap: SpendingCap = field(default_factory=SpendingCap)
    ladder: Ladder = field(default_factory=Ladder)
    loop: BackgroundLoop = field(default_factory=BackgroundLoop)

    def close(self) -> None:
        """Give the model's connections back. It may be asked again afterwards."""
        self.loop.run(self.model.aclose())
