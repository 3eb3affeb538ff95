"""Unity Catalog, SQL statements, and who one is.

Belongs here: catalogs, schemas and volumes as they are known, grants as a test set them,
statements that are kept and answered as a test says. Does not belong here: any SQL.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.databricks_workspace.http_server import ApiError, Reply, Request, Route
from tests.databricks_workspace.storage import Storage

USER = "tests@example.com"


@dataclass(frozen=True)
class Statement:
    """A statement as it was asked for, with its catalog, schema and parameters."""

    statement_id: str
    text: str
    body: dict[str, Any]


class StatementFailed(Exception):
    """Raised by a test's `answer` to let a statement fail."""


class CatalogApi:
    """What Unity Catalog and the SQL warehouses of a workspace answer."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._numbers = itertools.count(1)
        self._outcomes: dict[str, dict[str, Any]] = {}
        self.statements: list[Statement] = []
        self.warehouses = {"warehouse": "RUNNING"}
        """States by id."""
        self.grants: dict[str, dict[str, list[str]]] = {}
        """Full name -> principal -> privileges."""
        self.answer: Callable[[str], list[list[str]]] = lambda text: []
        """Rows of a statement; StatementFailed lets it fail."""

    def routes(self) -> list[Route]:
        """What is served."""
        unity, sql = r"/api/2\.1/unity-catalog/", r"/api/2\.0/sql/"
        return [
            ("GET", r"/api/2\.0/preview/scim/v2/Me", self._me),
            ("GET", unity + r"catalogs/(?P<name>[^/]+)", self._catalog),
            ("GET", unity + r"schemas/(?P<name>[^/]+)", self._schema),
            ("GET", unity + r"volumes/(?P<name>[^/]+)", self._volume),
            ("GET", unity + "volumes", self._volumes),
            ("POST", unity + "volumes", self._create_volume),
            ("GET", unity + r"(?:effective-)?permissions/[^/]+/(?P<name>[^/]+)", self._grants),
            ("POST", sql + "statements/?", self._execute),
            ("GET", sql + r"statements/(?P<number>[^/]+)", self._statement),
            ("GET", sql + r"warehouses/(?P<number>[^/]+)", self._warehouse),
        ]

    def _me(self, request: Request) -> Reply:
        return {"id": "1", "userName": USER, "displayName": "Tests", "active": True}

    def _known(self, name: str) -> dict[str, Any]:
        for known in self._storage.known:
            if known == name or known.startswith(name + "."):
                return {"name": name.rpartition(".")[2], "full_name": name, "owner": USER}
        kind = ("Catalog", "Schema", "Volume")[min(name.count("."), 2)]
        raise ApiError(404, f"{kind.upper()}_DOES_NOT_EXIST", f"{kind} '{name}' does not exist.")

    def _catalog(self, request: Request, name: str) -> Reply:
        return self._known(name)

    def _schema(self, request: Request, name: str) -> Reply:
        return {**self._known(name), "catalog_name": name.partition(".")[0]}

    def _volume(self, request: Request, name: str) -> Reply:
        found = self._known(name)
        catalog, schema, _ = name.split(".")
        return {
            **found,
            "catalog_name": catalog,
            "schema_name": schema,
            "volume_type": "MANAGED",
            "storage_location": str(self._storage.known[name]),
        }

    def _volumes(self, request: Request) -> Reply:
        prefix = f"{request.wanted('catalog_name')}.{request.wanted('schema_name')}."
        names = [name for name in self._storage.known if name.startswith(prefix)]
        return {"volumes": [self._volume(request, name) for name in names]}

    def _create_volume(self, request: Request) -> Reply:
        body = request.json()
        name = f"{body['catalog_name']}.{body['schema_name']}.{body['name']}"
        self._known(f"{body['catalog_name']}.{body['schema_name']}")
        if name in self._storage.known:
            raise ApiError(409, "VOLUME_ALREADY_EXISTS", f"Volume '{name}' already exists.")
        self._storage.add_volume(name)
        return self._volume(request, name)

    def _grants(self, request: Request, name: str) -> Reply:
        given = self.grants.get(name, {}).items()
        if "/effective-permissions/" in request.path:
            effective = [(who, [{"privilege": p} for p in what]) for who, what in given]
            return {"privilege_assignments": [_assignment(*pair) for pair in effective]}
        return {"privilege_assignments": [_assignment(*pair) for pair in given]}

    def _execute(self, request: Request) -> Reply:
        body = request.json()
        if body.get("warehouse_id") not in self.warehouses:
            message = f"The warehouse {body.get('warehouse_id')} was not found."
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
        statement = Statement(f"statement-{next(self._numbers)}", body["statement"], body)
        self.statements.append(statement)
        outcome: dict[str, Any] = {"statement_id": statement.statement_id}
        try:
            rows = self.answer(statement.text)
        except StatementFailed as error:
            told = {"error_code": "BAD_REQUEST", "message": str(error)}
            outcome["status"] = {"state": "FAILED", "error": told}
        else:
            outcome["status"] = {"state": "SUCCEEDED"}
            outcome["manifest"] = {"format": "JSON_ARRAY", "total_row_count": len(rows)}
            outcome["result"] = {"chunk_index": 0, "row_count": len(rows), "data_array": rows}
        self._outcomes[statement.statement_id] = outcome
        if body.get("wait_timeout") == "0s":
            return {"statement_id": statement.statement_id, "status": {"state": "PENDING"}}
        return outcome

    def _statement(self, request: Request, number: str) -> Reply:
        if number not in self._outcomes:
            raise ApiError(404, "NOT_FOUND", f"The statement {number} was not found.")
        return self._outcomes[number]

    def _warehouse(self, request: Request, number: str) -> Reply:
        if number not in self.warehouses:
            message = f"SQL warehouse {number} not found."
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
        return {"id": number, "name": number, "state": self.warehouses[number]}


def _assignment(principal: str, privileges: list[Any]) -> dict[str, Any]:
    return {"principal": principal, "privileges": privileges}
