"""Statements on a SQL warehouse, one after the other.

Belongs here: sending a statement, waiting for it, telling its error. Does not belong here: what
statements say.
"""

from __future__ import annotations

import time

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.sql import (
    ExecuteStatementRequestOnWaitTimeout,
    StatementResponse,
    StatementState,
)

_WAITING = (StatementState.PENDING, StatementState.RUNNING)
_SHOWN = 160


class StatementFailed(RuntimeError):
    """A statement that was refused, failed, or took too long: which one, and what was said."""


class Warehouse:
    """Carries out statements on the warehouse `warehouse_id`.

    A warehouse that sleeps takes minutes to wake; a statement is given `patience_seconds` in
    all, then cancelled.
    """

    def __init__(
        self,
        client: WorkspaceClient,
        warehouse_id: str,
        patience_seconds: float = 600,
        poll_seconds: float = 2,
    ) -> None:
        self._statements = client.statement_execution
        self._warehouse_id = warehouse_id
        self._patience = patience_seconds
        self._poll = poll_seconds

    def execute(self, statement: str) -> list[list[str | None]]:
        """The rows of a statement's answer, each value as text; raises `StatementFailed`.

        Only the answer's first chunk is read: what is asked here is small.
        """
        try:
            answer = self._ended(statement)
        except DatabricksError as error:
            raise StatementFailed(
                f"warehouse {self._warehouse_id}: {error} ({_short(statement)})"
            ) from error
        status = answer.status
        if status is None or status.state is not StatementState.SUCCEEDED:
            said = status.error.message if status and status.error else None
            state = status.state.value if status and status.state else "no state"
            raise StatementFailed(f"{state}: {said or 'no reason given'} ({_short(statement)})")
        rows = answer.result.data_array if answer.result else None
        return [list(row) for row in rows or []]

    def _ended(self, statement: str) -> StatementResponse:
        until = time.monotonic() + self._patience
        answer = self._statements.execute_statement(
            statement,
            self._warehouse_id,
            wait_timeout="30s",
            on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CONTINUE,
        )
        while answer.status is not None and answer.status.state in _WAITING:
            assert answer.statement_id is not None
            if time.monotonic() > until:
                self._statements.cancel_execution(answer.statement_id)
                raise StatementFailed(
                    f"not done after {self._patience:g} s, cancelled ({_short(statement)})"
                )
            time.sleep(self._poll)
            answer = self._statements.get_statement(answer.statement_id)
        return answer


def _short(statement: str) -> str:
    return statement if len(statement) <= _SHOWN else f"{statement[:_SHOWN]}…"
