from __future__ import annotations

import pytest

from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.training import train
from tests.gold.examples import EXAMPLES


@pytest.fixture(scope="session")
def small_model() -> TriageClassifier:
    return train(EXAMPLES)
