"""Azurite, Azure's own storage emulator, where this machine has it.

Belongs here: starting it on loopback and making a container. Does not belong here: tests.
It comes by ``npm install -g azurite``; ``AZURITE`` names another place of ``azurite-blob``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from pyarrow import fs

ACCOUNT = "devstoreaccount1"
# Published with Azurite, for Azurite: every one of them has this key.
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
CONTAINER = "feedback"


def azurite() -> str | None:
    """The command that starts Azurite's blob service, if there is one."""
    return os.environ.get("AZURITE") or shutil.which("azurite-blob")


def lists_from_a_name(command: str) -> bool:
    """Whether this Azurite knows ``startFrom`` of List Blobs, by which deltalake finds the commits
    since one it knows. Version 3.35 does not, and some writes fail there (Azurite's #2688).
    """
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    return tuple(int(part) for part in said.stdout.strip().split(".")[:2]) > (3, 35)


@contextmanager
def emulator(command: str) -> Iterator[dict[str, str]]:
    """Storage options of a running Azurite with an empty container."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [command, "--inMemoryPersistence", "--silent", "--skipApiVersionCheck",
         "--disableTelemetry", "--blobHost", "127.0.0.1", "--blobPort", str(port)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline(), "Azurite did not start"
        _make_container(f"127.0.0.1:{port}")
        yield {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY,
            "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{port}/{ACCOUNT}",
            "AZURE_ALLOW_HTTP": "true",
        }
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def _make_container(authority: str) -> None:
    fs.AzureFileSystem(
        ACCOUNT,
        account_key=ACCOUNT_KEY,
        blob_storage_authority=authority,
        blob_storage_scheme="http",
        dfs_storage_authority=authority,
        dfs_storage_scheme="http",
    ).create_dir(CONTAINER)
