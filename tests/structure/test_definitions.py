"""What Dagster is shown: a readable list to compare with, and what each asset must carry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.tables import TABLES
from feedback_assets.definitions import defs
from feedback_assets.pipeline.assets import DAY_AND_SOURCE

ROOT = Path(__file__).parents[2]
LISTED = Path(__file__).with_name("definitions.txt")
UPDATE = "python -m tests.structure.test_definitions > tests/structure/definitions.txt"

GRAPH = defs.resolve_asset_graph()
SPECS = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def listing() -> str:
    """All definitions as text, a line each."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield "assets"
    for name, spec in sorted(SPECS.items(), key=lambda item: (item[1].group_name or "", item[0])):
        node = GRAPH.get(spec.key)
        partitions = "day|source" if spec.partitions_def == DAY_AND_SOURCE else "-"
        kind = "external" if node.is_external else ", ".join(sorted(node.pools or ())) or "-"
        reads = ", ".join(sorted(dep.asset_key.to_user_string() for dep in spec.deps)) or "-"
        yield f"  {spec.group_name}/{name}  partitions: {partitions}  pool: {kind}"
        yield f"    reads: {reads}"
    yield "checks"
    for key in sorted(GRAPH.asset_check_keys):
        spec_of_check = GRAPH.get_check_spec(key)
        partitioned = "day|source" if spec_of_check.partitions_def == DAY_AND_SOURCE else "-"
        blocking = "yes" if spec_of_check.blocking else "no"
        yield f"  {key.name}  blocking: {blocking}  partitions: {partitioned}"
    yield "jobs"
    for job in defs.jobs or ():
        yield f"  {job.name}"
        for asset in sorted(defs.resolve_job_def(job.name).asset_layer.selected_asset_keys):
            yield f"    {asset.to_user_string()}"
    yield "sensors"
    for sensor in defs.sensors or ():
        interval = getattr(sensor, "minimum_interval_seconds", None)
        starts = ", ".join(target.job_name for target in sensor.targets) or "-"
        yield f"  {sensor.name}  every: {interval} s  starts: {starts}"
    yield "schedules"
    for schedule in defs.schedules or ():
        yield f"  {schedule.name}  cron: {schedule.cron_schedule}  starts: {schedule.job_name}"


def test_definitions_are_the_ones_listed() -> None:
    assert LISTED.read_text(encoding="utf-8") == listing(), (
        f"the definitions are not those of {LISTED.relative_to(ROOT)}; "
        f"if that is what you meant, run: {UPDATE}"
    )


@pytest.mark.parametrize("name", sorted(SPECS))
def test_an_asset_says_what_it_is_and_whose(name: str) -> None:
    spec = SPECS[name]
    assert spec.description
    assert spec.description.endswith(".")
    assert spec.group_name not in (None, "default")
    assert spec.kinds
    assert spec.owners


@pytest.mark.parametrize("name", sorted(set(SPECS) & set(TABLES)))
def test_an_asset_shows_the_columns_of_its_contract(name: str) -> None:
    schema = SPECS[name].metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert [shown(column) for column in schema.columns] == promised(TABLES[name])


def shown(column: dg.TableColumn) -> tuple[object, ...]:
    private = dict(column.tags) == {"pii": "true"}
    return column.name, column.type, column.description, column.constraints.nullable, private


def promised(table: Table) -> list[tuple[object, ...]]:
    return [(c.name, str(c.type), c.description, c.nullable, c.pii) for c in table.columns]


def test_every_table_that_is_made_has_a_blocking_check_for_each_partition() -> None:
    made = {name for name in SPECS if GRAPH.get(SPECS[name].key).is_partitioned}
    checked = {
        key.asset_key.to_user_string()
        for key in GRAPH.asset_check_keys
        if GRAPH.get_check_spec(key).blocking
        and GRAPH.get_check_spec(key).partitions_def == DAY_AND_SOURCE
    }
    assert checked == made


def test_definitions_load_without_any_environment(tmp_path: Path) -> None:
    load = "from feedback_assets.definitions import defs; defs.get_repository_def()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", load],
        env={"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    # Loading is looking: nothing is made where it is done.
    assert list(tmp_path.iterdir()) == []


if __name__ == "__main__":
    sys.stdout.write(listing())
