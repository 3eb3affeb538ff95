"""The first code of a task's process: Python as it finds itself on a cluster, then the task.

Belongs here: import paths (the wheel and third-party packages, never the project's own tree),
``/dbfs`` and ``/Volumes`` as folders, the Spark session that a cluster has ready, the task's
call, what becomes of it. Does not belong here: anything a test process imports; this file runs
by itself, with ``python -S -P cluster_process.py <specification>``.

What differs from a cluster: ``/dbfs`` and ``/Volumes`` exist only for Python's own functions on
files, not for native code. As on Databricks, what an entry point returns is not looked at.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.metadata
import io
import json
import os
import runpy
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_ONE_PATH = ("open", "stat", "lstat", "listdir", "scandir", "mkdir", "rmdir", "remove", "unlink",
             "access", "chmod", "utime", "truncate")  # fmt: skip
_TWO_PATHS = ("rename", "replace", "link", "symlink")


class Absent:
    """Refuses to import packages that the cluster does not have."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = frozenset(packages)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Find nothing; ModuleNotFoundError for what is absent."""
        if name.partition(".")[0] in self._packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def mount(folders: dict[str, str]) -> None:
    """Let Python's functions on files find paths below each key in the folder it names."""

    def real(path: Any) -> Any:
        if isinstance(path, str | os.PathLike):
            text = os.fspath(path)
            for name, folder in folders.items():
                if isinstance(text, str) and (text == name or text.startswith(name + "/")):
                    return folder + text[len(name) :]
        return path

    def mapped(function: Callable[..., Any], paths: int) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return function(*(real(a) for a in args[:paths]), *args[paths:], **kwargs)

        return call

    builtins.open = io.open = mapped(builtins.open, 1)
    for name in _ONE_PATH:
        setattr(os, name, mapped(getattr(os, name), 1))
    for name in _TWO_PATHS:
        setattr(os, name, mapped(getattr(os, name), 2))


class _ShortSleeps:
    """The module time, as dagster_pipes sees it: no sleep is long."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        """Sleep, not long."""
        time.sleep(min(seconds, 0.02))


def hurry_pipes() -> None:
    """Spare a job the seconds that dagster_pipes waits at its end, where it is installed."""
    with contextlib.suppress(ModuleNotFoundError):
        pipes = importlib.import_module("dagster_pipes")
        vars(pipes)["time"] = _ShortSleeps()
        pipes.PipesStdioLogWriterChannel.WAIT_FOR_TEE_SECONDS = 0.1


def begin_spark(conf: dict[str, str]) -> None:
    """Have a session ready before the task's code, as a cluster has, where a Spark is named."""
    if "SPARK_REMOTE" in os.environ:
        from pyspark.sql import SparkSession

        session = SparkSession.builder.getOrCreate()
        for name, value in conf.items():
            session.conf.set(name, value)


def entry_point(package: str, name: str, wheels: list[str]) -> Callable[[], object]:
    """The function of a wheel task: an entry point of the package, or ``package.name``."""
    for distribution in importlib.metadata.distributions(path=wheels):
        if distribution.name.replace("_", "-").lower() == package.replace("_", "-").lower():
            for point in distribution.entry_points:
                if point.name == name:
                    loaded: Callable[[], object] = point.load()
                    return loaded
    module = importlib.import_module(package.replace("-", "_"))
    found: Callable[[], object] = getattr(module, name)
    return found


def run(task: dict[str, Any]) -> None:
    """Run the task; what it raises goes through."""
    if task["hurry"]:
        hurry_pipes()
    begin_spark(task["spark_conf"])
    if "python_file" in task:
        sys.argv = [task["python_file"], *task["parameters"]]
        runpy.run_path(task["python_file"], run_name="__main__")
        return
    sys.argv = [task["entry_point"], *task["parameters"]]
    entry_point(task["package_name"], task["entry_point"], task["wheels"])()


def main() -> None:
    """Make this process one of a cluster, run the task, write down what became of it."""
    task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # Without the module site no .pth file was read, so no editable install is in force.
    sys.path[:] = [*sys.path, *task["wheels"], *task["packages"]]
    if task["absent"]:
        sys.meta_path.insert(0, Absent(task["absent"]))
    result = open(task["result"], "w", encoding="utf-8")  # noqa: SIM115
    mount(task["folders"])
    error = trace = None
    try:
        run(task)
    except BaseException as raised:
        if not (isinstance(raised, SystemExit) and raised.code in (None, 0)):
            error = traceback.format_exception_only(raised)[-1].strip()
            trace = traceback.format_exc()
            traceback.print_exc()
    with result:
        json.dump({"error": error, "error_trace": trace}, result)
    sys.exit(1 if error else 0)


if __name__ == "__main__":
    main()
