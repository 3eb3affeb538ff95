"""Runs and their tasks: what was submitted, which states were reached when, how the API tells it.

Belongs here: records and their JSON. Does not belong here: carrying a run out (execution.py).
"""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.databricks_workspace.faults import Faults

_OVER = {"TERMINATED", "SKIPPED", "INTERNAL_ERROR"}
_REASONS = {
    "SUCCESS": ("SUCCESS", "SUCCESS"),
    "CANCELED": ("USER_CANCELED", "SUCCESS"),
    "TIMEDOUT": ("RUN_EXECUTION_ERROR", "CLIENT_ERROR"),
    "FAILED": ("RUN_EXECUTION_ERROR", "CLIENT_ERROR"),
    "UPSTREAM_FAILED": ("RUN_EXECUTION_ERROR", "CLIENT_ERROR"),
}


@dataclass(frozen=True)
class State:
    """A state, and when it was reached (seconds since 1970)."""

    life_cycle: str
    result: str | None
    message: str
    at: float


@dataclass
class Course:
    """The states of a run or task, in order."""

    states: list[State] = field(default_factory=list)

    def reach(self, life_cycle: str, result: str | None = None, message: str = "") -> None:
        """Enter a state."""
        self.states.append(State(life_cycle, result, message, time.time()))

    @property
    def state(self) -> State:
        return self.states[-1]

    @property
    def over(self) -> bool:
        return self.state.life_cycle in _OVER

    @property
    def life_cycles(self) -> list[str]:
        """Names of the states so far."""
        return [state.life_cycle for state in self.states]

    def told(self) -> dict[str, Any]:
        """State, status and times, as the API gives them; durations in milliseconds."""
        now = self.state
        state = {"life_cycle_state": now.life_cycle, "state_message": now.message}
        status: dict[str, Any] = {"state": now.life_cycle}
        if now.result:
            state["result_state"] = now.result
        if self.over:
            code, kind = _REASONS.get(now.result or "", ("SKIPPED", "CLIENT_ERROR"))
            if now.life_cycle == "INTERNAL_ERROR":
                code, kind = "INTERNAL_ERROR", "INTERNAL_ERROR"
            details = {"code": code, "type": kind, "message": now.message}
            status = {"state": "TERMINATED", "termination_details": details}
        first, last = self.states[0].at, now.at
        begun = next((s.at for s in self.states if s.life_cycle == "RUNNING"), None)
        ended = next((s.at for s in self.states if s.life_cycle == "TERMINATING"), last)
        over = self.over
        return {
            "state": state,
            "status": status,
            "start_time": int(first * 1000),
            "end_time": int(last * 1000) if over else 0,
            "setup_duration": int(((begun or ended) - first) * 1000) if over or begun else 0,
            "execution_duration": int((ended - begun) * 1000) if over and begun else 0,
            "cleanup_duration": int((last - ended) * 1000) if over else 0,
            "run_duration": int((last - first) * 1000) if over else 0,
        }


@dataclass
class Task(Course):
    """One task of a run, and its process once it has one."""

    run_id: int = 0
    body: dict[str, Any] = field(default_factory=dict)
    folder: Path = Path()
    cluster_id: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    error: str | None = None
    error_trace: str | None = None

    @property
    def key(self) -> str:
        return str(self.body["task_key"])

    @property
    def output(self) -> str:
        """What the process wrote so far, standard output before standard error."""
        files = (self.folder / "stdout", self.folder / "stderr")
        return "".join(f.read_text(errors="replace") for f in files if f.exists())


@dataclass
class Run(Course):
    """A submitted run; `body` is the request."""

    run_id: int = 0
    body: dict[str, Any] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    tasks: list[Task] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def output(self) -> str:
        """What the processes of all tasks wrote so far."""
        return "".join(task.output for task in self.tasks)

    def environment(self, key: str) -> dict[str, Any]:
        """The specification of a serverless environment."""
        found = [e for e in self.body["environments"] if e["environment_key"] == key]
        return dict(found[0].get("spec", {}))

    def as_json(self, host: str) -> dict[str, Any]:
        """The run, as ``runs/get`` answers."""
        return {
            "job_id": self.run_id + 1,
            "run_id": self.run_id,
            "number_in_job": self.run_id,
            "original_attempt_run_id": self.run_id,
            "creator_user_name": "tests@example.com",
            "run_name": self.body.get("run_name", "Untitled"),
            "run_page_url": f"{host}/?o=1#job/{self.run_id + 1}/run/{self.run_id}",
            "run_type": "SUBMIT_RUN",
            "trigger": "ONE_TIME",
            "format": "MULTI_TASK",
            **self.told(),
            "tasks": [self._task_json(task, host) for task in self.tasks],
        }

    def _task_json(self, task: Task, host: str) -> dict[str, Any]:
        cluster = {"cluster_instance": {"cluster_id": task.cluster_id}} if task.cluster_id else {}
        return {
            **task.body,
            "run_id": task.run_id,
            "attempt_number": 0,
            "run_page_url": f"{host}/?o=1#job/{self.run_id + 1}/run/{task.run_id}",
            **cluster,
            **task.told(),
        }
