"""`feedback dev`: the Dagster UI on this project's instance.

Belongs here: starting Dagster's processes and ending them together. Does not belong here: what
they load.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import typer

from feedback_assets.command_line import console, fail
from resources.settings import Settings


def serve(settings: Settings, port: int) -> None:
    """Serve until Ctrl-C or a signal ends it, or Dagster ends by itself, with its exit code."""
    from feedback_assets.orchestration.instance import PROJECT, dagster_home

    # Dagster would say that it serves there, and not end.
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            fail(f"port {port} is in use; choose another one with --port")
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home(settings)),
        "FEEDBACK_HOME": str(settings.home.absolute()),
        "PYTHONWARNINGS": "ignore",
    }
    command = [
        sys.executable, "-m", "dagster", "dev", "-w", str(PROJECT / "workspace.yaml"),
        "--port", str(port),
    ]  # fmt: skip
    console.print(f"Dagster UI: http://127.0.0.1:{port} (takes about half a minute)")
    # Scripts start background commands with SIGINT ignored; Dagster would then ignore SIGTERM too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # A session of its own, because Dagster's many processes must end together.
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        ended = process.wait()
    except KeyboardInterrupt:
        return
    finally:
        _end_group(process)
    raise typer.Exit(ended)


def _end_group(leader: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(leader.pid, signal.SIGTERM)
        leader.wait(timeout=20)
        # The leader does not wait for all of its children.
        os.killpg(leader.pid, signal.SIGKILL)
    except subprocess.TimeoutExpired:
        os.killpg(leader.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
