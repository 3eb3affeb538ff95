"""Roots of tables and landing files: folders, object stores, Unity Catalog volumes.

Belongs here: telling them apart by how they are written. Does not belong here: opening them.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import unquote, urlsplit

Kind = Literal["folder", "s3", "azure", "gcs", "volume"]

_SCHEMES: dict[str, Kind] = {
    "s3": "s3",
    # How plain Spark on a JVM writes s3.
    "s3a": "s3",
    "abfss": "azure",
    "abfs": "azure",
    "az": "azure",
    "gs": "gcs",
}


def kind_of(root: str) -> Kind:
    """What `root` is. Raises `ValueError` for an address of a kind that is not known."""
    root = plain_path(root)
    if "://" not in root:
        # Volumes and the older DBFS are object stores behind a mount.
        return "volume" if f"{root}/".startswith(("/Volumes/", "/dbfs/")) else "folder"
    scheme, _, rest = root.partition("://")
    if scheme not in _SCHEMES:
        raise ValueError(
            f"{root}: storage of kind {scheme}:// is not known; use a folder, /Volumes/..., "
            + ", ".join(f"{known}://" for known in _SCHEMES)
        )
    if not rest.split("/")[0]:
        raise ValueError(f"{root}: names no bucket or container")
    return _SCHEMES[scheme]


def plain_path(root: str) -> str:
    """`root` without a slash at its end; a ``file://`` or ``dbfs:/Volumes`` address as a path."""
    if root.startswith("file:"):
        root = unquote(urlsplit(root).path)
    elif root.startswith("dbfs:/Volumes/"):
        root = root.removeprefix("dbfs:")
    return root.rstrip("/") or "/"
