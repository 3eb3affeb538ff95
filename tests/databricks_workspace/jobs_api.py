"""The Jobs API, for runs that are submitted once.

Belongs here: what each request on runs does and is answered. Does not belong here: which
submissions are valid (submissions.py), how runs are carried out (execution.py).
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from typing import Any

from tests.databricks_workspace.compute import Compute
from tests.databricks_workspace.execution import Execution
from tests.databricks_workspace.faults import Faults
from tests.databricks_workspace.http_server import ApiError, Reply, Request, Route
from tests.databricks_workspace.runs import Run, Task
from tests.databricks_workspace.storage import Storage
from tests.databricks_workspace.submissions import checked, invalid

_LOG_CHARACTERS = 5 * 1024 * 1024


class JobsApi:
    """Submitted runs, in order; `host` is the workspace's address."""

    def __init__(
        self, host: str, storage: Storage, compute: Compute, execution: Execution, faults: Faults
    ) -> None:
        self._host = host
        self._storage = storage
        self._compute = compute
        self._execution = execution
        self._lock = threading.Lock()
        self._numbers = itertools.count(1001)
        self.runs: list[Run] = []
        self.faults = faults
        self.next_faults: deque[Faults] = deque()

    def routes(self) -> list[Route]:
        """What is served."""
        root = r"/api/2\.[12]/jobs/runs/"
        return [
            ("POST", root + "submit", self._submit),
            ("GET", root + "get", self._get),
            ("GET", root + "list", self._list),
            ("POST", root + "cancel", self._cancel),
            ("GET", root + "get-output", self._output),
        ]

    def _submit(self, request: Request) -> Reply:
        body = checked(request.json(), self._compute.clusters)
        token = body.get("idempotency_token")
        with self._lock:
            for run in self.runs:
                if token and run.body.get("idempotency_token") == token:
                    return {"run_id": run.run_id}
            run = self._recorded(body)
        self._execution.begin(run)
        return {"run_id": run.run_id}

    def _recorded(self, body: dict[str, Any]) -> Run:
        faults = self.next_faults.popleft() if self.next_faults else self.faults
        self._storage.slow_messages = faults.slow_messages
        run = Run(run_id=next(self._numbers), body=body, faults=faults)
        run.reach("PENDING", None, "Waiting for compute")
        for given in body["tasks"]:
            number = next(self._numbers)
            folder = self._storage.folder / "runs" / str(number)
            folder.mkdir(parents=True)
            task = Task(run_id=number, body=given, folder=folder)
            task.reach("BLOCKED" if given.get("depends_on") else "PENDING")
            run.tasks.append(task)
        self.runs.append(run)
        return run

    def _run(self, given: object) -> Run:
        for run in self.runs:
            if str(run.run_id) == str(given):
                return run
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Run {given} does not exist.")

    def _get(self, request: Request) -> Reply:
        return self._run(request.wanted("run_id")).as_json(self._host)

    def _list(self, request: Request) -> Reply:
        active = request.query.get("active_only") == "true"
        runs = [run for run in reversed(self.runs) if not (active and run.over)]
        start, size = int(request.query.get("page_token") or 0), int(request.query.get("limit", 20))
        page = [run.as_json(self._host) for run in runs[start : start + size]]
        more = start + size < len(runs)
        token = {"next_page_token": str(start + size)} if more else {}
        return {"runs": page, "has_more": more, **token}

    def _cancel(self, request: Request) -> Reply:
        run = self._run(request.json().get("run_id"))
        if not run.over:
            run.cancelled.set()
        return {}

    def _output(self, request: Request) -> Reply:
        given = request.wanted("run_id")
        for run in self.runs:
            if str(run.run_id) == given:
                raise invalid(
                    "Retrieving the output of runs with multiple tasks is not supported. Please "
                    "retrieve the output of each individual task run instead."
                )
            for task in run.tasks:
                if str(task.run_id) == given:
                    return self._task_output(run, task)
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Run {given} does not exist.")

    def _task_output(self, run: Run, task: Task) -> Reply:
        found = [t for t in run.as_json(self._host)["tasks"] if t["run_id"] == task.run_id]
        text = task.output
        errors = {"error": task.error, "error_trace": task.error_trace}
        return {
            "metadata": found[0],
            "logs": text[-_LOG_CHARACTERS:],
            "logs_truncated": len(text) > _LOG_CHARACTERS,
            **{key: value for key, value in errors.items() if value},
        }
