from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.llm_server import LlmServer
from tests.resources.llm.questions import answered


@pytest.fixture
def server() -> Iterator[LlmServer]:
    """A service without limits that answers at once."""
    with LlmServer(answered) as server:
        yield server
