"""Where Delta tables may lie, how they are created, and which of them delta-rs can write.

Belongs here: the rules that keep concurrent commits safe and tables writable by both delta-rs
and Spark. Does not belong here: commits (delta.py).

**Roots.** A commit is safe where a store can put a file only if none is there. Folders of a
local disk (by hard links), Azure and Google Cloud Storage do; S3 does by conditional puts, which
deltalake 1.6 uses unless told otherwise. An S3-compatible store that passes over the condition
would lose commits and say nothing: ask its makers for ``If-None-Match: *``. Spark on a JVM does
not put on condition, so it must not commit to these tables on S3: it reads. Volumes
(``/Volumes``, and ``/dbfs``) are object stores behind a mount that knows no hard link: delta-rs
either fails there or, told to rename unsafely, lets a commit overwrite another that came at the
same moment. Unity Catalog takes no table that lies in a volume either. So they are refused.

**Features.** Tables are created with the smallest protocol (reader 1, writer 2). By Databricks'
documentation a workspace's defaults apply to tables that it creates, not to ones it finds.
Row tracking, type widening and in-commit timestamps can't be named here, for delta-rs refuses the
property even where it says false; the protocol shuts them out. Predictive optimisation and
automatic clustering are for managed tables only; these are external.
"""

from __future__ import annotations

from collections.abc import Sequence

from resources.storage.options import StorageOptions
from resources.storage.roots import kind_of

PROPERTIES = {
    # delta-rs reads deletion vectors but writes none.
    "delta.enableDeletionVectors": "false",
    # The kinds that delta-rs can't write, or that raise the protocol for no gain here.
    "delta.columnMapping.mode": "none",
    "delta.checkpointPolicy": "classic",
    "delta.enableChangeDataFeed": "false",
    # A writer that compacts beside a run makes the run's commit fail.
    "delta.autoOptimize.autoCompact": "false",
    "delta.logRetentionDuration": "interval 90 days",
}

WRITABLE = frozenset(
    {
        "appendOnly",
        "invariants",
        "checkConstraints",
        "changeDataFeed",
        "generatedColumns",
        "deletionVectors",
        "timestampNtz",
        "v2Checkpoint",
    }
)
"""Writer features with which deltalake 1.6 commits (tests/storage/test_table_features.py)."""

_CONDITIONAL = "AWS_CONDITIONAL_PUT"
_UNSAFE = "AWS_S3_ALLOW_UNSAFE_RENAME"


class UnwritableTable(RuntimeError):
    """The table asks of its writers what delta-rs can't do; says which features to drop."""


def commit_options(root: str, options: StorageOptions) -> StorageOptions:
    """`options` with what makes concurrent commits under `root` safe.

    Raises `ValueError` for a root or an option with which they can't be.
    """
    kind = kind_of(root)
    if kind == "volume":
        raise ValueError(
            f"{root}: tables can't be kept in a volume: its mount can't put a file only if none is "
            "there, so two runs would overwrite each other's commits. Set FEEDBACK_LAKEHOUSE to an "
            "external location: abfss://, s3:// or gs:// (landing files may lie in a volume)"
        )
    if kind != "s3":
        return options
    given = options.plain()
    if given.get(_CONDITIONAL, "etag") != "etag" or given.get(_UNSAFE, "false").lower() not in (
        "false",
        "0",
    ):
        raise ValueError(
            f"{root}: {_CONDITIONAL} must be etag and {_UNSAFE} false, or runs at the same time "
            "would lose commits. A store that knows no conditional puts can't hold the tables"
        )
    # Named although it is the default: the process's environment could say otherwise.
    return StorageOptions({**given, _CONDITIONAL: "etag", _UNSAFE: "false"})


def refuse_unwritable(place: str, writer_features: Sequence[str] | None) -> None:
    """Raise `UnwritableTable` if a table asks its writers for more than delta-rs can do."""
    beyond = sorted(set(writer_features or ()) - WRITABLE)
    if beyond:
        raise unwritable(place, beyond)


def unwritable(place: str, features: Sequence[str]) -> UnwritableTable:
    """The error for the table at `place`, with the statements that make it writable."""
    statements = "; ".join(
        f"ALTER TABLE delta.`{place}` DROP FEATURE {feature}" for feature in features
    )
    return UnwritableTable(
        f"{place}: the table has features that delta-rs can't write: {', '.join(features)}. "
        f"Something else created or altered it. Drop them in Databricks ({statements}), or "
        "move the table away and let the pipeline create and fill it anew"
    )
