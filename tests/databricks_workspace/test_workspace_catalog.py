"""Who may ask, and what the catalog, secrets, clusters and warehouses answer."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.service import catalog, sql

from tests.databricks_workspace.catalog_api import StatementFailed
from tests.databricks_workspace.workspace import CLUSTER, Workspace


def test_a_wrong_token_is_refused(workspace: Workspace) -> None:
    stranger = WorkspaceClient(host=workspace.host, token="dapi0", auth_type="pat")
    with pytest.raises(PermissionDenied):
        stranger.current_user.me()


def test_what_is_not_served_is_remembered(tmp_path: Path) -> None:
    with Workspace(tmp_path / "workspace") as workspace:
        with pytest.raises(NotFound, match="No API found"):
            workspace.client().api_client.do("GET", "/api/2.0/workspace/list")
        assert workspace.unknown == ["GET /api/2.0/workspace/list"]


def test_secrets_are_told_in_base64(workspace: Workspace) -> None:
    secrets = workspace.client().secrets
    workspace.put_secret("feedback", "llm-key", "clé")
    assert [scope.name for scope in secrets.list_scopes()] == ["feedback"]
    assert [secret.key for secret in secrets.list_secrets("feedback")] == ["llm-key"]
    assert base64.b64decode(secrets.get_secret("feedback", "llm-key").value or "") == "clé".encode()
    for scope, key in (("feedback", "gone"), ("gone", "llm-key")):
        with pytest.raises(NotFound):
            secrets.get_secret(scope, key)


def test_the_catalog_knows_what_was_created(workspace: Workspace) -> None:
    client = workspace.client()
    workspace.volume("main", "feedback", "pipes")
    assert client.catalogs.get("main").name == "main"
    assert client.schemas.get("main.feedback").catalog_name == "main"
    assert client.volumes.read("main.feedback.pipes").schema_name == "feedback"
    client.volumes.create("main", "feedback", "more", catalog.VolumeType.MANAGED)
    names = [volume.name for volume in client.volumes.list("main", "feedback")]
    assert names == ["pipes", "more"]
    for ask in (client.catalogs.get, client.schemas.get, client.volumes.read):
        with pytest.raises(NotFound):
            ask("other.feedback.pipes")


def test_grants_are_told_as_set(workspace: Workspace) -> None:
    client = workspace.client()
    workspace.volume("main", "feedback", "pipes")
    workspace.catalog.grants["main.feedback.pipes"] = {"engineers": ["READ_VOLUME"]}
    given = client.grants.get("volume", "main.feedback.pipes").privilege_assignments or []
    assert [(g.principal, g.privileges) for g in given] == [
        ("engineers", [catalog.Privilege.READ_VOLUME])
    ]
    effective = client.grants.get_effective("volume", "main.feedback.pipes")
    (assignment,) = effective.privilege_assignments or []
    (privilege,) = assignment.privileges or []
    assert privilege.privilege == catalog.Privilege.READ_VOLUME


def test_statements_are_kept_and_answered_as_said(workspace: Workspace) -> None:
    client = workspace.client()

    def answer(text: str) -> list[list[str]]:
        if "DROP" in text:
            raise StatementFailed("no DROP here")
        return [["1"]]

    workspace.catalog.answer = answer
    done = client.statement_execution.execute_statement("SELECT 1", "warehouse")
    assert done.status is not None
    assert done.status.state == sql.StatementState.SUCCEEDED
    assert done.result is not None
    assert done.result.data_array == [["1"]]
    begun = client.statement_execution.execute_statement("DROP a", "warehouse", wait_timeout="0s")
    failed = client.statement_execution.get_statement(begun.statement_id or "")
    assert failed.status is not None
    assert failed.status.state == sql.StatementState.FAILED
    assert failed.status.error is not None
    assert failed.status.error.message == "no DROP here"
    assert [s.text for s in workspace.catalog.statements] == ["SELECT 1", "DROP a"]
    with pytest.raises(NotFound):
        client.statement_execution.execute_statement("SELECT 1", "gone")
    assert client.warehouses.get("warehouse").state == sql.State.RUNNING


def test_clusters_are_told(workspace: Workspace) -> None:
    clusters = workspace.client().clusters
    assert clusters.get(CLUSTER).cluster_name == CLUSTER
    assert [cluster.cluster_id for cluster in clusters.list()] == [CLUSTER]
    assert clusters.select_node_type(min_cores=8) == "Standard_D8ds_v5"
    spark = clusters.select_spark_version(long_term_support=True, scala="2.13")
    assert spark == "17.3.x-scala2.13"
