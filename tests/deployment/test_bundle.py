"""databricks.yml says what the code and its settings say, and only what Databricks knows.

Names of fields are held against Databricks' own classes (the package databricks-bundles), as far
as those go: resources. The command `databricks bundle validate` needs the workspace's CLI.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from resources.databricks_settings import DatabricksSettings
from resources.settings import Settings

PROJECT = Path(__file__).parents[2]
BUNDLE: dict[str, Any] = yaml.safe_load((PROJECT / "databricks.yml").read_text(encoding="utf-8"))
PACKAGE = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VARIABLES = BUNDLE["variables"]
SETTINGS = {
    "FEEDBACK_DATABRICKS_": DatabricksSettings.model_fields,
    "FEEDBACK_": Settings.model_fields,
}


def texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [text for pair in node.items() for part in pair for text in texts(part)]
    if isinstance(node, list):
        return [text for part in node for text in texts(part)]
    return [node] if isinstance(node, str) else []


def field_of(variable: str) -> Any:
    """The settings' field for an environment variable."""
    prefix = next(p for p in SETTINGS if variable.startswith(p))
    return SETTINGS[prefix][variable.removeprefix(prefix).lower()]


def test_each_reference_leads_somewhere() -> None:
    used = set(re.findall(r"\$\{([^}]+)\}", "\n".join(texts(BUNDLE))))
    named = {name.removeprefix("var.") for name in used if name.startswith("var.")}
    assert named == set(VARIABLES)
    for name in used:
        if name.startswith("resources."):
            node: Any = BUNDLE
            for part in name.split("."):
                node = node[part]
    rest = {name for name in used if not name.startswith(("var.", "resources."))}
    assert rest == {"bundle.name", "bundle.target", "workspace.current_user.short_name"}
    for target in BUNDLE["targets"].values():
        assert set(target.get("variables", {})) <= set(VARIABLES)


def test_settings_that_it_names_exist_and_have_the_same_defaults() -> None:
    text = (PROJECT / "databricks.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"FEEDBACK_[A-Z_]+", text))
    assert {"FEEDBACK_DATABRICKS_WHEEL", "FEEDBACK_LANDING"} <= named
    for variable in named:
        assert field_of(variable) is not None
    assert VARIABLES["schema"]["default"] == field_of("FEEDBACK_DATABRICKS_CATALOG_SCHEMA").default
    version = field_of("FEEDBACK_DATABRICKS_ENVIRONMENT_VERSION").default
    assert VARIABLES["environment_version"]["default"] == version


def test_the_probe_runs_the_wheels_entry_point() -> None:
    (task,) = BUNDLE["resources"]["jobs"]["probe"]["tasks"]
    wheel = task["python_wheel_task"]
    assert wheel["package_name"] == PACKAGE["name"].replace("-", "_")
    (environment,) = BUNDLE["resources"]["jobs"]["probe"]["environments"]
    assert task["environment_key"] == environment["environment_key"]
    assert "--wheel-dir dist" in BUNDLE["artifacts"]["wheel"]["build"]
    assert environment["spec"]["dependencies"] == ["./dist/*.whl"]


@pytest.mark.skipif(
    "feedback-job" not in PACKAGE["scripts"], reason="the wheel has no feedback-job yet"
)
def test_the_wheel_has_the_entry_point() -> None:
    (task,) = BUNDLE["resources"]["jobs"]["probe"]["tasks"]
    assert task["python_wheel_task"]["entry_point"] in PACKAGE["scripts"]


def test_only_the_restricted_group_reads_what_landed() -> None:
    volumes = BUNDLE["resources"]["volumes"]
    assert set(volumes) == {"landing", "channel", "wheels", "home"}
    for name, volume in volumes.items():
        assert volume["name"] == name
        readers = {grant["principal"] for grant in volume["grants"]}
        assert "${var.readers_group}" not in readers
        assert ("${var.restricted_group}" in readers) == (name == "landing")
    (schema,) = BUNDLE["resources"]["schemas"].values()
    granted = {grant["principal"]: grant["privileges"] for grant in schema["grants"]}
    # A privilege on the schema would reach its restricted tables too.
    assert granted["${var.readers_group}"] == ["USE_SCHEMA"]


def test_the_wheel_goes_into_its_volume() -> None:
    assert BUNDLE["workspace"]["artifact_path"] == "${var.artifacts}"
    folder = f"/Volumes/${{var.catalog}}/${{var.schema_deployed}}/{'wheels'}"
    assert VARIABLES["artifacts"]["default"] == folder
    said = (PROJECT / "docs" / "databricks.md").read_text(encoding="utf-8")
    name = f"{PACKAGE['name'].replace('-', '_')}-{PACKAGE['version']}-py3-none-any.whl"
    assert f"/wheels/.internal/{name}" in said


def test_production_runs_as_the_service_principal() -> None:
    targets = BUNDLE["targets"]
    assert {name: target["mode"] for name, target in targets.items()} == {
        "dev": "development",
        "prod": "production",
    }
    assert targets["prod"]["run_as"] == {"service_principal_name": "${var.service_principal}"}
    assert targets["prod"]["workspace"]["root_path"].startswith("/Workspace/Shared/")


def test_databricks_own_classes_know_every_field_of_the_resources() -> None:
    pytest.importorskip("databricks.bundles", reason="databricks-bundles is not installed")
    from databricks.bundles.jobs import Job
    from databricks.bundles.schemas import Schema
    from databricks.bundles.volumes import Volume

    kinds = {"jobs": Job, "schemas": Schema, "volumes": Volume}
    assert set(BUNDLE["resources"]) == set(kinds)
    for kind, named in BUNDLE["resources"].items():
        for resource in named.values():
            kinds[kind].from_dict(resource)
            with pytest.raises(ValueError, match="Unexpected field"):
                kinds[kind].from_dict({**resource, "no_such_field": 1})
