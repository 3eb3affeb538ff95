"""What may be submitted, and what is refused.

Belongs here: the fields of a submitted run that the workspace can honour or that change nothing
about what runs; every other one is refused with status 400, lest a test believe it was heeded.
Does not belong here: running.
"""

from __future__ import annotations

import re
from typing import Any

from tests.databricks_workspace.http_server import ApiError

_NOTICES = {"email_notifications", "webhook_notifications", "notification_settings"}
_RUN = {
    "run_name", "tasks", "timeout_seconds", "idempotency_token", "environments", "queue",
    "access_control_list", "budget_policy_id", "tags", *_NOTICES,
}  # fmt: skip
_TASK = {
    "task_key", "description", "depends_on", "run_if", "new_cluster", "existing_cluster_id",
    "environment_key", "libraries", "python_wheel_task", "spark_python_task", "timeout_seconds",
    "tags", *_NOTICES,
}  # fmt: skip
_SINGLE = _TASK - {"task_key", "depends_on", "run_if", "description", "environment_key"}
_CLUSTER = {
    "apply_policy_default_values", "autoscale", "aws_attributes", "azure_attributes",
    "cluster_log_conf", "custom_tags", "data_security_mode", "driver_instance_pool_id",
    "driver_node_type_id", "enable_elastic_disk", "gcp_attributes", "instance_pool_id",
    "is_single_node", "kind", "node_type_id", "num_workers", "policy_id", "runtime_engine",
    "single_user_name", "spark_conf", "spark_env_vars", "spark_version",
}  # fmt: skip
_WHEEL = {"package_name", "entry_point", "parameters", "named_parameters"}
_FILE = {"python_file", "parameters", "source"}


def invalid(message: str) -> ApiError:
    """A refusal."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def checked(body: dict[str, Any], clusters: dict[str, Any]) -> dict[str, Any]:
    """A submission whose every field is understood, with a list of tasks; else ApiError 400."""
    if "tasks" not in body:
        single = {key: value for key, value in body.items() if key in _SINGLE - _RUN}
        rest = {key: value for key, value in body.items() if key not in single}
        body = {**rest, "tasks": [{"task_key": "main", **single}]}
    _known(body, _RUN, "the run")
    if not isinstance(body["tasks"], list) or not body["tasks"]:
        raise invalid("The run has no tasks.")
    if len(str(body.get("idempotency_token", ""))) > 64:
        raise invalid("idempotency_token has more than 64 characters.")
    environments = _environments(body.get("environments", []))
    keys: list[str] = []
    for task in body["tasks"]:
        _check_task(task, environments, clusters)
        for needed in task.get("depends_on", []):
            _known(needed, {"task_key"}, "depends_on")
            # Tasks come in order here, which also rules out circles.
            if needed["task_key"] not in keys:
                raise invalid(f"depends_on names no earlier task: {needed['task_key']}")
        if task["task_key"] in keys:
            raise invalid(f"Two tasks have the key {task['task_key']}.")
        keys.append(task["task_key"])
    return body


def _known(value: Any, fields: set[str], where: str) -> None:
    if not isinstance(value, dict):
        raise invalid(f"No object: {where}")
    if unknown := sorted(value.keys() - fields):
        raise invalid(f"This workspace does not know these fields of {where}: {unknown}")


def _environments(given: list[Any]) -> set[str]:
    keys = set()
    for environment in given:
        _known(environment, {"environment_key", "spec"}, "environments")
        spec = environment.get("spec", {})
        _known(spec, {"client", "environment_version", "dependencies"}, "an environment's spec")
        if "client" not in spec and "environment_version" not in spec:
            raise invalid("An environment's spec needs environment_version.")
        for dependency in spec.get("dependencies", []):
            if dependency.startswith("-"):
                raise invalid(f"This workspace takes no options of pip: {dependency}")
        keys.add(environment["environment_key"])
    return keys


def _check_task(task: Any, environments: set[str], clusters: dict[str, Any]) -> None:
    _known(task, _TASK, "a task")
    if not re.fullmatch(r"[\w-]{1,100}", str(task.get("task_key", ""))):
        raise invalid(f"Invalid task_key: {task.get('task_key')!r}")
    if task.get("run_if", "ALL_SUCCESS") != "ALL_SUCCESS":
        raise invalid(f"This workspace does not know run_if {task['run_if']}.")
    _check_work(task)
    on = [k for k in ("new_cluster", "existing_cluster_id", "environment_key") if k in task]
    if len(on) != 1:
        raise invalid(
            f"Task {task['task_key']} needs one of new_cluster, existing_cluster_id and "
            f"environment_key, and has {on or 'none'}."
        )
    if on == ["new_cluster"]:
        _check_cluster(task["new_cluster"])
    elif on == ["existing_cluster_id"] and task["existing_cluster_id"] not in clusters:
        raise invalid(f"Cluster {task['existing_cluster_id']} does not exist")
    elif on == ["environment_key"]:
        if task["environment_key"] not in environments:
            raise invalid(f"No environment has the key {task['environment_key']}.")
        if "libraries" in task:
            raise invalid("Libraries field is not supported for serverless task, please specify "
                          "libraries in environment.")  # fmt: skip
    for library in task.get("libraries", []):
        _known(library, {"whl", "pypi"}, "a library")
        if "pypi" in library:
            _known(library["pypi"], {"package"}, "a PyPI library")


def _check_work(task: dict[str, Any]) -> None:
    kinds = [k for k in ("python_wheel_task", "spark_python_task") if k in task]
    if len(kinds) != 1:
        raise invalid(f"Task {task['task_key']} needs a python_wheel_task or a spark_python_task.")
    work = task[kinds[0]]
    _known(work, _WHEEL if kinds == ["python_wheel_task"] else _FILE, kinds[0])
    parameters = work.get("parameters", [])
    if not all(isinstance(parameter, str) for parameter in parameters):
        raise invalid("parameters are a list of strings.")
    if kinds == ["spark_python_task"]:
        if work.get("source", "WORKSPACE") != "WORKSPACE" or not work.get("python_file"):
            raise invalid("spark_python_task needs a python_file of the workspace.")
        return
    if not work.get("package_name") or not work.get("entry_point"):
        raise invalid("python_wheel_task needs package_name and entry_point.")
    if parameters and work.get("named_parameters"):
        raise invalid("parameters and named_parameters exclude each other.")


def _check_cluster(cluster: Any) -> None:
    _known(cluster, _CLUSTER, "new_cluster")
    if not cluster.get("spark_version"):
        raise invalid("Missing required field 'spark_version'")
    if not any(cluster.get(k) for k in ("node_type_id", "instance_pool_id", "policy_id")):
        raise invalid("A cluster needs a node_type_id, an instance_pool_id or a policy_id.")
    if cluster.get("node_type_id") and cluster.get("instance_pool_id"):
        raise invalid("The field 'node_type_id' cannot be supplied when an instance pool ID is.")
    variables = cluster.get("spark_env_vars", {})
    if not all(isinstance(v, str) for v in variables.values()):
        raise invalid("spark_env_vars are strings.")
    delivery = cluster.get("cluster_log_conf", {})
    _known(delivery, {"dbfs", "volumes"}, "cluster_log_conf")
