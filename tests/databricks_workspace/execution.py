"""Carrying runs out: compute that starts, a process for each task, its end.

Belongs here: the order of states, time limits, cancelling, processes and their environment,
troubles that a run meets. Does not belong here: HTTP, and which submissions are valid.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from tests.databricks_workspace.compute import Compute, SecretMissing
from tests.databricks_workspace.libraries import InstallationFailed, Libraries
from tests.databricks_workspace.runs import Run, Task
from tests.databricks_workspace.storage import Storage

_LOOK_SECONDS = 0.02
_CLEANUP_SECONDS = 0.05
_CLUSTER_PROCESS = Path(__file__).with_name("cluster_process.py")
# Of the test's own environment a process on a cluster gets what any process needs, no more.
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


class _Ended(Exception):
    """A task is over before or beside its own doing."""

    def __init__(self, life_cycle: str, result: str, message: str) -> None:
        super().__init__(message)
        self.outcome = (life_cycle, result, message)


class Execution:
    """Carries runs out, each in a thread."""

    def __init__(
        self,
        storage: Storage,
        compute: Compute,
        environment: dict[str, str],
        absent: list[str],
        hurry: bool,
    ) -> None:
        self._storage = storage
        self._compute = compute
        self._environment = environment
        self._absent = absent
        self._hurry = hurry
        self._libraries = Libraries(storage, storage.folder / "wheels")
        (storage.folder / "wheels").mkdir()
        (storage.folder / "home").mkdir()

    def begin(self, run: Run) -> None:
        """Start carrying a run out."""
        run.thread = threading.Thread(target=self._carry_out, args=(run,), daemon=True)
        run.thread.start()

    def _carry_out(self, run: Run) -> None:
        if run.faults.skipped:
            for course in (*run.tasks, run):
                course.reach("SKIPPED", None, run.faults.skipped)
            return
        threads = [threading.Thread(target=self._task, args=(run, t)) for t in run.tasks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        bad = [task for task in run.tasks if task.state.result != "SUCCESS"]
        if run.life_cycles[-1] == "RUNNING":
            run.reach("TERMINATING")
        if not bad:
            run.reach("TERMINATED", "SUCCESS")
            return
        first = next((task for task in bad if task.state.result != "UPSTREAM_FAILED"), bad[0])
        life_cycle, result = first.state.life_cycle, first.state.result
        message = f"Task {first.key} failed with message: {first.state.message}"
        if result == "CANCELED":
            message = first.state.message
        elif result != "TIMEDOUT":
            message += ". This caused all downstream tasks to get skipped."
        run.reach(life_cycle, result, message)

    def _task(self, run: Run, task: Task) -> None:
        limits = [s for s in (run.body.get("timeout_seconds"),) if s]
        deadline = min((run.states[0].at + s for s in limits), default=float("inf"))

        def look() -> None:
            if run.cancelled.is_set():
                raise _Ended("TERMINATED", "CANCELED", "Run cancelled.")
            own = task.body.get("timeout_seconds")
            begun = next((s.at for s in task.states if s.life_cycle != "BLOCKED"), None)
            until = min(deadline, begun + own if own and begun else float("inf"))
            if time.time() > until:
                raise _Ended("TERMINATED", "TIMEDOUT", "Run timed out.")
            time.sleep(_LOOK_SECONDS)

        try:
            self._await_upstream(run, task, look)
            self._await_compute(run, task, look)
            task.reach("RUNNING", None, "In run")
            if run.state.life_cycle == "PENDING":
                run.reach("RUNNING", None, "In run")
            if not run.faults.pretend_success:
                self._process(run, task, look)
            outcome = ("TERMINATED", "SUCCESS", "")
        except _Ended as ended:
            outcome = ended.outcome
        except Exception as error:  # A fault of the workspace must not look like anything else.
            outcome = ("INTERNAL_ERROR", "FAILED", f"Fault of the test workspace: {error!r}")
        if task.life_cycles[-1] == "RUNNING":
            task.reach("TERMINATING", None, "Terminating the compute")
            time.sleep(_CLEANUP_SECONDS)
        task.reach(*outcome)

    def _await_upstream(self, run: Run, task: Task, look: Callable[[], None]) -> None:
        needed = {d["task_key"] for d in task.body.get("depends_on", [])}
        upstream = [other for other in run.tasks if other.key in needed]
        while not all(other.over for other in upstream):
            look()
        if any(other.state.result != "SUCCESS" for other in upstream):
            raise _Ended("TERMINATED", "UPSTREAM_FAILED", "An upstream task failed.")
        if task.state.life_cycle == "BLOCKED":
            task.reach("PENDING")

    def _await_compute(self, run: Run, task: Task, look: Callable[[], None]) -> None:
        if run.faults.no_compute:
            raise _Ended("INTERNAL_ERROR", "FAILED", run.faults.no_compute)
        until = time.time() + run.faults.slow_start
        while time.time() < until:
            look()
        try:
            task.cluster_id, variables = self._compute.start(task.body)
        except SecretMissing as error:
            raise _Ended("INTERNAL_ERROR", "FAILED", str(error)) from error
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        home = {"HOME": str(self._storage.folder / "home")}
        task.environment = {**inherited, **home, **self._environment, **variables}

    def _process(self, run: Run, task: Task, look: Callable[[], None]) -> None:
        specification = {
            **self._work(run, task),
            "spark_conf": self._compute.spark_conf(task.cluster_id),
            "packages": sorted({sysconfig.get_path(p) for p in ("purelib", "platlib")}),
            "absent": self._absent,
            "hurry": self._hurry,
            "folders": {"/dbfs": str(self._storage.dbfs), "/Volumes": str(self._storage.volumes)},
            "result": str(task.folder / "result.json"),
        }
        file = task.folder / "task.json"
        file.write_text(json.dumps(specification), encoding="utf-8")
        command = [sys.executable, "-S", "-P", str(_CLUSTER_PROCESS), str(file)]
        with (task.folder / "stdout").open("wb") as out, (task.folder / "stderr").open("wb") as err:
            task.process = subprocess.Popen(
                command, env=task.environment, cwd=task.folder, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip
        begun = time.time()
        try:
            while task.process.poll() is None:
                lost_after = run.faults.lost_after
                if lost_after is not None and time.time() - begun >= lost_after:
                    os.killpg(task.process.pid, signal.SIGKILL)
                look()
        finally:
            kill(task.process)
            self._deliver_logs(task)
        self._judge(task)

    def _work(self, run: Run, task: Task) -> dict[str, Any]:
        wanted = [lib["whl"] for lib in task.body.get("libraries", []) if "whl" in lib]
        wanted += [
            lib["pypi"]["package"] for lib in task.body.get("libraries", []) if "pypi" in lib
        ]
        if "environment_key" in task.body:
            wanted += run.environment(task.body["environment_key"]).get("dependencies", [])
        try:
            wheels = self._libraries.install(wanted)
        except InstallationFailed as error:
            raise _Ended("INTERNAL_ERROR", "FAILED", str(error)) from error
        paths = [str(folder) for folder in wheels.values()]
        if "spark_python_task" in task.body:
            work = task.body["spark_python_task"]
            python_file = self._storage.library(work["python_file"])
            if python_file is None:
                message = f"Cannot read the python file {work['python_file']}."
                raise _Ended("INTERNAL_ERROR", "FAILED", message)
            parameters = work.get("parameters", [])
            return {"python_file": str(python_file), "parameters": parameters, "wheels": paths}
        work = task.body["python_wheel_task"]
        if canonicalize_name(work["package_name"]) not in wheels:
            message = (
                f"Run result unavailable: run failed with error message\n Python wheel with name "
                f"{work['package_name']} could not be found. Please check the driver logs for more "
                "details"
            )
            raise _Ended("INTERNAL_ERROR", "FAILED", message)
        named = [f"--{name}={value}" for name, value in work.get("named_parameters", {}).items()]
        names = {key: work[key] for key in ("package_name", "entry_point")}
        return {**names, "parameters": work.get("parameters", []) + named, "wheels": paths}

    def _judge(self, task: Task) -> None:
        assert task.process is not None
        code = task.process.returncode
        if code < 0:
            raise _Ended(
                "INTERNAL_ERROR", "FAILED",
                f"The Spark driver has stopped unexpectedly and is restarting (signal {-code}).",
            )  # fmt: skip
        result = task.folder / "result.json"
        text = result.read_text(encoding="utf-8") if result.exists() else ""
        found = json.loads(text) if text else {}
        task.error, task.error_trace = found.get("error"), found.get("error_trace")
        if code != 0 or not text:
            # A process that leaves by os._exit wrote no result, whatever its exit code says.
            task.error = task.error or f"The Python process exited with exit code {code}."
            raise _Ended("TERMINATED", "FAILED", task.error)

    def _deliver_logs(self, task: Task) -> None:
        delivery = task.body.get("new_cluster", {}).get("cluster_log_conf", {}).get("dbfs")
        if delivery and task.cluster_id:
            folder = self._storage.in_dbfs(delivery["destination"]) / task.cluster_id / "driver"
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("stdout", "stderr"):
                shutil.copy(task.folder / name, folder / name)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
