"""A real PostgreSQL on loopback, for as long as a test needs it.

Belongs here: starting and stopping it. Does not belong here: what is kept in it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Self

PASSWORD = "p@ss:word/1"
_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


class NoPostgres(RuntimeError):
    """PostgreSQL can't run here: why."""


def _binaries() -> Path:
    for folder in [*_PLACES, *(Path(p) for p in os.environ["PATH"].split(os.pathsep))]:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise NoPostgres("initdb and pg_ctl are not installed")


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as: it refuses root. None for whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("it refuses to run as root, and there is no other account")


class PostgresServer:
    """A server with a database ``dagster`` of its user ``dagster``. A context manager."""

    def __init__(self) -> None:
        self._bin, self._account = _binaries(), _account()
        # Not below pytest's folders, which other accounts can't enter.
        self._folder = Path(tempfile.mkdtemp(prefix="feedback-postgres-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.environment = {
            "DAGSTER_PG_HOST": "127.0.0.1",
            "DAGSTER_PG_PORT": str(self.port),
            "DAGSTER_PG_USERNAME": "dagster",
            "DAGSTER_PG_PASSWORD": PASSWORD,
            "DAGSTER_PG_DB": "dagster",
        }

    def __enter__(self) -> Self:
        password = self._folder / "password"
        password.write_text(PASSWORD, encoding="ascii")
        if self._account is not None:
            for path in (self._folder, password):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        try:
            self._call(
                "initdb", "-D", str(self._data), "-U", "dagster", "-A", "scram-sha-256",
                "--pwfile", str(password), "-E", "UTF8", "--locale=C", "--no-sync",
            )  # fmt: skip
            self.start()
            self._call("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "dagster",
                       "dagster")  # fmt: skip
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start the server; it answers when this returns."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} -F"
        self._call("pg_ctl", "-D", str(self._data), "-w", "-t", "30", "-o", options,
                   "-l", str(self._folder / "log"), "start")  # fmt: skip

    def stop(self) -> None:
        """Stop the server at once, connections or not; its data stay."""
        self._call("pg_ctl", "-D", str(self._data), "-w", "-t", "30", "-m", "fast", "stop")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _call(self, program: str, *arguments: str) -> None:
        account = self._account
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD, "LC_ALL": "C"},
            # A file, not a pipe: the server would hold a pipe open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
        if done.returncode:
            log = self._folder / "log"
            said = log.read_text(encoding="utf-8")[-1000:] if log.exists() else ""
            raise NoPostgres(f"{program} ended with {done.returncode}. {said}")
