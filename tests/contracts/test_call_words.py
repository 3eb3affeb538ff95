from __future__ import annotations

from typing import get_args

from feedback_assets.contracts.calls import (
    CALL_OUTCOMES,
    TRANSIENT_OUTCOMES,
    UNUSABLE_OUTCOMES,
)
from resources.llm.base import TRANSIENT, Outcome


def test_the_ledger_knows_every_outcome_of_a_model() -> None:
    assert {*get_args(Outcome)} == {*CALL_OUTCOMES} - {"unfounded", "submitted"}
    assert {*TRANSIENT_OUTCOMES} == TRANSIENT
    assert not {*TRANSIENT_OUTCOMES} & {*UNUSABLE_OUTCOMES}
    assert len(CALL_OUTCOMES) == len({*CALL_OUTCOMES})
