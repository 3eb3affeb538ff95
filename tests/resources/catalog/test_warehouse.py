"""Statements on a SQL warehouse, as the statement execution API answers them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient

from resources.catalog.warehouse import StatementFailed, Warehouse
from resources.databricks_client import NoWorkspace, connect
from tests.rest_server import Asked, RestServer, Told

STATEMENTS = "POST /api/2.0/sql/statements"
POLL = "GET /api/2.0/sql/statements/s1"


def state(name: str, **more: object) -> Told:
    return Told({"statement_id": "s1", "status": {"state": name, **more}})


@pytest.fixture
def server() -> Iterator[RestServer]:
    with RestServer({}) as server:
        yield server


@pytest.fixture
def warehouse(server: RestServer) -> Warehouse:
    client = WorkspaceClient(host=server.address, token="t", auth_type="pat")
    return Warehouse(client, "w1", patience_seconds=1, poll_seconds=0.01)


def test_rows_of_a_statement_that_took_a_while(server: RestServer, warehouse: Warehouse) -> None:
    later = iter([state("RUNNING"), Told(
        {"statement_id": "s1", "status": {"state": "SUCCEEDED"},
         "result": {"data_array": [["a", None], ["b", "c"]]}}
    )])  # fmt: skip
    server.routes |= {STATEMENTS: state("PENDING"), POLL: lambda _: next(later)}
    assert warehouse.execute("SELECT 1") == [["a", None], ["b", "c"]]
    sent = server.asked[0].json
    assert (sent["statement"], sent["warehouse_id"]) == ("SELECT 1", "w1")


def test_a_statement_without_rows(server: RestServer, warehouse: Warehouse) -> None:
    server.routes[STATEMENTS] = state("SUCCEEDED")
    assert warehouse.execute("GRANT") == []


@pytest.mark.parametrize("how", ["FAILED", "CANCELED", "CLOSED"])
def test_a_failed_statement_says_why_and_which(
    server: RestServer, warehouse: Warehouse, how: str
) -> None:
    server.routes[STATEMENTS] = state(how, error={"message": "no such catalog"})
    with pytest.raises(StatementFailed, match=f"{how}: no such catalog .CREATE SCHEMA x"):
        warehouse.execute("CREATE SCHEMA x")


def test_a_refused_request_says_which_warehouse(server: RestServer, warehouse: Warehouse) -> None:
    server.routes[STATEMENTS] = Told({"error_code": "PERMISSION_DENIED", "message": "no use"}, 403)
    with pytest.raises(StatementFailed, match="warehouse w1: no use"):
        warehouse.execute("SELECT 1")


def test_a_statement_that_takes_too_long_is_cancelled(
    server: RestServer, warehouse: Warehouse
) -> None:
    cancelled: list[Asked] = []

    def cancel(asked: Asked) -> Told:
        cancelled.append(asked)
        return Told()

    server.routes |= {STATEMENTS: state("PENDING"), POLL: state("PENDING")}
    server.routes["POST /api/2.0/sql/statements/s1/cancel"] = cancel
    with pytest.raises(StatementFailed, match="not done after 1 s, cancelled"):
        warehouse.execute("SELECT 1")
    assert len(cancelled) == 1


def test_without_credentials_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(NoWorkspace, match="DATABRICKS_HOST"):
        connect()
