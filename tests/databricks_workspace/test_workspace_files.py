"""Volumes and DBFS answer as the real services do, within their limits."""

from __future__ import annotations

import base64
import io
import os
import time
from pathlib import Path

import pytest
from databricks.sdk.errors import (
    AlreadyExists,
    BadRequest,
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceDoesNotExist,
)

from tests.databricks_workspace.dbfs_api import BLOCK_BYTES, DEFAULT_READ_BYTES
from tests.databricks_workspace.http_server import ApiError
from tests.databricks_workspace.workspace import Workspace


@pytest.fixture
def volume(workspace: Workspace) -> str:
    return workspace.volume("main", "feedback", "pipes")


def test_a_file_in_a_volume_is_a_file_on_disk(workspace: Workspace, volume: str) -> None:
    files = workspace.client().files
    path = f"{volume}/deep/er/ö b#c.bin"
    files.create_directory(f"{volume}/deep/er")
    files.upload(path, io.BytesIO(b"\x00bytes"))
    assert Path(path).read_bytes() == b"\x00bytes"
    assert files.get_metadata(path).content_length == 6
    content = files.download("/Volumes" + path.partition("/Volumes")[2]).contents
    assert content is not None
    with content:
        assert content.read() == b"\x00bytes"
    with pytest.raises(AlreadyExists):
        files.upload(path, io.BytesIO(b""))
    files.upload(path, io.BytesIO(b"new"), overwrite=True)
    with pytest.raises(BadRequest):
        files.delete_directory(f"{volume}/deep/er")
    files.delete(path)
    files.delete_directory(f"{volume}/deep/er")
    with pytest.raises(NotFound):
        files.download(path)
    with pytest.raises(NotFound):
        list(files.list_directory_contents(f"{volume}/deep/er"))


def test_a_long_listing_comes_in_pages(workspace: Workspace, volume: str) -> None:
    workspace.files.page_size = 3
    for number in range(8):
        Path(volume, f"{number}.txt").write_text("a")
    listed = list(workspace.client().files.list_directory_contents(volume))
    assert [entry.name for entry in listed] == [f"{n}.txt" for n in range(8)]
    assert sum("fs/directories" in line for line in workspace.asked) == 3


def test_nothing_outside_a_volume_is_served(workspace: Workspace, volume: str) -> None:
    with pytest.raises(PermissionDenied):
        workspace.client().files.download("/etc/hostname")
    # The SDK's client resolves these before it asks; another client may not.
    for path in ("/Volumes/../../etc/hostname", f"{volume}/../../../../runs", "relative"):
        with pytest.raises(ApiError, match="Invalid path"):
            workspace.storage.in_volume(path)
    with pytest.raises(InvalidParameterValue):
        workspace.client().dbfs.put("/../a", contents="")


def test_a_volume_that_is_not_there_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match=r"main\.feedback\.gone"):
        workspace.client().files.create_directory("/Volumes/main/feedback/gone/a")


def test_a_message_is_seen_once_it_is_whole(workspace: Workspace, volume: str) -> None:
    files = workspace.client().files
    workspace.storage.slow_messages = 600
    Path(volume, "1.json").write_text("{}")
    with pytest.raises(NotFound):
        files.get_metadata(f"{volume}/1.json")
    os.utime(f"{volume}/1.json", (time.time() - 700,) * 2)
    assert files.get_metadata(f"{volume}/1.json").content_length == 2


def test_dbfs_reads_half_a_megabyte_unless_asked_for_more(workspace: Workspace) -> None:
    dbfs = workspace.client().dbfs
    content = b"x" * (DEFAULT_READ_BYTES + 5)
    dbfs.put("/tmp/a/big", contents=base64.b64encode(content).decode())
    assert dbfs.get_status("dbfs:/tmp/a/big").file_size == len(content)
    # A chunk of Pipes messages longer than this is cut, and read without a length.
    assert dbfs.read("/tmp/a/big").bytes_read == DEFAULT_READ_BYTES
    assert dbfs.read("/tmp/a/big", length=BLOCK_BYTES).bytes_read == len(content)
    too_long = base64.b64encode(b"x" * (BLOCK_BYTES + 1)).decode()
    with pytest.raises(BadRequest, match="at most"):
        dbfs.put("/tmp/a/bigger", contents=too_long)
    with pytest.raises(BadRequest, match="Cannot read over"):
        dbfs.read("/tmp/a/big", length=BLOCK_BYTES + 1)


def test_dbfs_keeps_files_and_folders(workspace: Workspace) -> None:
    dbfs = workspace.client().dbfs
    dbfs.mkdirs("/tmp/folder")
    with dbfs.open("/tmp/folder/a", write=True) as file:
        file.write(b"in blocks")
    with dbfs.open("/tmp/folder/a", read=True) as file:
        assert file.read() == b"in blocks"
    assert [entry.path for entry in dbfs.list("/tmp/folder")] == ["/tmp/folder/a"]
    with pytest.raises(ResourceAlreadyExists):
        dbfs.put("/tmp/folder/a", contents="")
    with pytest.raises(BadRequest):
        dbfs.put("/tmp/folder/b", contents="no base64!")
    dbfs.put("/tmp/folder/a", contents="", overwrite=True)
    dbfs.delete("/tmp", recursive=True)
    for path in ("/tmp/folder/a", "/tmp"):
        with pytest.raises(ResourceDoesNotExist):
            dbfs.get_status(path)
