"""A job run of one row, on the compute that the steps will run on.

Belongs here: submitting it, following it to its end, reading what it printed. Does not belong
here: the job runs of steps (resources/compute).
"""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import Run, RunLifeCycleState, RunResultState

from resources.compute.databricks_task import submit_arguments, wheel_task
from resources.databricks_settings import DatabricksSettings
from resources.doctor.base import Trouble

_ENDED = (
    RunLifeCycleState.TERMINATED,
    RunLifeCycleState.SKIPPED,
    RunLifeCycleState.INTERNAL_ERROR,
)


def probe(client: WorkspaceClient, settings: DatabricksSettings, seconds: float) -> str:
    """Have the wheel count one row; what it ran on. Raises `Trouble`, naming the run's page.

    A run that takes longer than `seconds` is cancelled.
    """
    token = f"doctor-{secrets.token_hex(8)}"
    arguments = submit_arguments(settings, "feedback doctor", token)
    task = wheel_task(settings, _cloud(client), ["--probe"])
    submitted = client.jobs.submit(tasks=[task], **arguments)
    run = _followed(client, submitted.run_id, settings.poll_seconds, seconds)
    page = run.run_page_url or f"run {run.run_id}"
    state = run.state
    if state is None or state.result_state is not RunResultState.SUCCESS:
        reached = state and (state.result_state or state.life_cycle_state)
        said = (state and state.state_message) or "no reason given"
        raise Trouble(f"{reached.value if reached else 'no state'}: {said} ({page})")
    counted = _printed(client, run)
    if counted is None or counted.get("rows") != 1:
        # A task that was never run can be reported as a success.
        raise Trouble(f"the run ended well and counted no row ({page})")
    return f"1 row with Spark {counted.get('spark')}, Python {counted.get('python')} ({page})"


def _followed(client: WorkspaceClient, run_id: int, poll: float, seconds: float) -> Run:
    until = time.monotonic() + seconds
    while True:
        run = client.jobs.get_run(run_id)
        if run.state is not None and run.state.life_cycle_state in _ENDED:
            return run
        if time.monotonic() > until:
            client.jobs.cancel_run(run_id)
            page = run.run_page_url or f"run {run_id}"
            raise Trouble(f"not over after {seconds:g} s, cancelled ({page})")
        time.sleep(poll)


def _printed(client: WorkspaceClient, run: Run) -> dict[str, Any] | None:
    """The last line of JSON that the run's task printed."""
    for task in run.tasks or []:
        if task.run_id is None:
            continue
        for line in reversed((client.jobs.get_run_output(task.run_id).logs or "").splitlines()):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    return None


def _cloud(client: WorkspaceClient) -> str:
    return "azure" if client.config.is_azure else "gcp" if client.config.is_gcp else "aws"
