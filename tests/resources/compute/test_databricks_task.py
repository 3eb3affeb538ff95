"""Settings as the Jobs API has them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from resources.compute.databricks_task import submit_arguments, wheel_task
from resources.databricks_settings import DatabricksSettings

WHEEL = "/Volumes/main/feedback/wheels/feedback_assets-0.1.0-py3-none-any.whl"
NODE = {"compute": "job_cluster", "node_type_id": "Standard_D4ds_v5"}


def task(cloud: str = "azure", **given: Any) -> dict[str, Any]:
    settings = DatabricksSettings.model_validate({"wheel": WHEEL, **given})
    return wheel_task(settings, cloud, ["--channel", "volumes"]).as_dict()


def cluster(cloud: str = "azure", **given: Any) -> dict[str, Any]:
    made: dict[str, Any] = task(cloud, **{**NODE, **given})["new_cluster"]
    return made


def test_serverless_names_an_environment_that_holds_the_wheel() -> None:
    settings = DatabricksSettings(wheel=WHEEL, libraries=["tzdata"], budget_policy_id="b1")
    made = task()
    assert made["environment_key"] == "feedback"
    assert not {"libraries", "new_cluster", "existing_cluster_id"} & made.keys()
    arguments = submit_arguments(settings, "silver_feedback", "token")
    (environment,) = arguments["environments"]
    assert environment.as_dict()["spec"]["dependencies"] == [WHEEL, "tzdata"]
    assert arguments["budget_policy_id"] == "b1"
    assert arguments["idempotency_token"] == "token"
    assert arguments["queue"].enabled


def test_a_cluster_installs_wheel_and_libraries() -> None:
    made = task(**NODE, libraries=["tzdata==2026.1"])
    assert made["libraries"] == [{"whl": WHEEL}, {"pypi": {"package": "tzdata==2026.1"}}]
    existing = task(compute="existing_cluster", cluster_id="c1")
    assert (existing["existing_cluster_id"], existing["libraries"]) == ("c1", [{"whl": WHEEL}])


def test_time_limits_are_sent_in_seconds() -> None:
    assert task()["timeout_seconds"] == 7200
    assert task(timeout_minutes=0.5)["timeout_seconds"] == 30


def test_size_policy_tags_and_pool() -> None:
    made = cluster(workers=3, policy_id="p1", tags={"team": "feedback"})
    assert made["num_workers"] == 3
    assert made["policy_id"] == "p1"
    assert made["apply_policy_default_values"] is True
    assert made["custom_tags"] == {"team": "feedback"}
    assert cluster(workers=1, max_workers=8)["autoscale"] == {"min_workers": 1, "max_workers": 8}
    pooled = cluster(instance_pool_id="i1")
    assert pooled["instance_pool_id"] == "i1"
    # The pool decides both.
    assert not {"node_type_id", "azure_attributes"} & pooled.keys()


def test_no_workers_is_a_single_node() -> None:
    made = cluster(workers=0, tags={"team": "feedback"})
    assert made["num_workers"] == 0
    assert made["spark_conf"]["spark.master"] == "local[*]"
    assert made["custom_tags"] == {"team": "feedback", "ResourceClass": "SingleNode"}


@pytest.mark.parametrize(
    ("cloud", "spot", "on_demand"),
    [
        ("azure", "SPOT_WITH_FALLBACK_AZURE", "ON_DEMAND_AZURE"),
        ("aws", "SPOT_WITH_FALLBACK", "ON_DEMAND"),
        ("gcp", "PREEMPTIBLE_WITH_FALLBACK_GCP", "ON_DEMAND_GCP"),
    ],
)
def test_workers_may_be_spot_machines_the_driver_never(
    cloud: str, spot: str, on_demand: str
) -> None:
    attributes = cluster(cloud)[f"{cloud}_attributes"]
    assert attributes["availability"] == spot
    assert attributes.get("first_on_demand", 1) == 1
    assert cluster(cloud, spot=False)[f"{cloud}_attributes"]["availability"] == on_demand
    assert cluster(cloud, workers=0)[f"{cloud}_attributes"]["availability"] == on_demand


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"wheel": None}, "FEEDBACK_DATABRICKS_WHEEL"),
        ({"compute": "job_cluster"}, "FEEDBACK_DATABRICKS_NODE_TYPE_ID"),
    ],
)
def test_what_is_missing_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        task(**given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"compute": "existing_cluster"}, "CLUSTER_ID"),
        ({"channel": "dbfs"}, "no DBFS"),
        ({"workers": 4, "max_workers": 4}, "MAX_WORKERS"),
        ({"node_type": "m"}, "node_type"),
    ],
)
def test_settings_that_contradict_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DatabricksSettings.model_validate(given)


def test_a_job_cluster_is_started_once_a_run_unless_asked_otherwise() -> None:
    assert DatabricksSettings().share == "step"
    assert DatabricksSettings.model_validate(NODE).share == "run"
    assert DatabricksSettings.model_validate({**NODE, "share": "step"}).share == "step"
