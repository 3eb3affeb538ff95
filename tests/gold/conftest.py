from __future__ import annotations

import pytest

from feedback_assets.gold import suspicion
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.suspicion import Suspicion
from feedback_assets.gold.training import train
from tests.gold.examples import EXAMPLES


@pytest.fixture(scope="session")
def small_model() -> TriageClassifier:
    return train(EXAMPLES)


@pytest.fixture(scope="session")
def small_suspicion() -> Suspicion:
    """A model of suspicion that has seen no attempt, and so suspects nobody."""
    return suspicion.train(EXAMPLES)
