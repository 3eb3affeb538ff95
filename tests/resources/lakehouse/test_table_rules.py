"""Where tables may lie, what protocol they are created with, and which ones can be written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deltalake import DeltaTable

from feedback_assets.contracts.tables import TABLES
from resources.lakehouse.delta import DeltaLakehouse
from resources.lakehouse.opening import open_lakehouse
from resources.lakehouse.table_rules import WRITABLE, UnwritableTable
from resources.settings import Settings
from tests.resources.lakehouse.numbers_table import FIRST, TABLE, batch
from tests.s3_emulator import S3Emulator
from tests.stores import Place

READERS_TOO = {"deletionVectors", "v2Checkpoint", "timestampNtz", "typeWidening"}
NOT_WRITABLE = [
    "rowTracking", "domainMetadata", "clustering", "typeWidening", "identityColumns",
    "allowColumnDefaults", "inCommitTimestamp", "icebergCompatV2", "collations",
]  # fmt: skip


def with_feature(root: Path, feature: str) -> DeltaLakehouse:
    """A lakehouse whose table asks its writers for `feature`, as Databricks would write it."""
    DeltaLakehouse(str(root)).ensure(TABLE)
    log = root / "numbers" / "_delta_log" / "00000000000000000000.json"
    actions = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    protocol: dict[str, object] = {
        "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": [feature]
    }  # fmt: skip
    if feature in READERS_TOO:
        protocol |= {"minReaderVersion": 3, "readerFeatures": [feature]}
    for action in actions:
        if "protocol" in action:
            action["protocol"] = protocol
    log.write_text("".join(json.dumps(a) + "\n" for a in actions), encoding="utf-8")
    return DeltaLakehouse(str(root))


@pytest.mark.parametrize("name", ["bronze_feedback", "gold_topics", "model_calls"])
def test_tables_are_created_with_the_smallest_protocol(tmp_path: Path, name: str) -> None:
    lakehouse = DeltaLakehouse(str(tmp_path))
    lakehouse.ensure(TABLES[name])
    table = DeltaTable(lakehouse.uri(name))
    protocol = table.protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)
    assert not protocol.writer_features
    properties = table.metadata().configuration
    assert properties["delta.enableDeletionVectors"] == "false"
    assert properties["delta.checkpointPolicy"] == "classic"
    assert properties["delta.columnMapping.mode"] == "none"


@pytest.mark.parametrize("feature", sorted(WRITABLE))
def test_features_said_to_be_writable_are(tmp_path: Path, feature: str) -> None:
    lakehouse = with_feature(tmp_path, feature)
    lakehouse.append(TABLE, [batch((FIRST, "a", 1))])
    lakehouse.replace(TABLE, f"day = '{FIRST}'", [batch((FIRST, "b", 2))])
    assert len(lakehouse.scan("numbers").read_all()) == 1


@pytest.mark.parametrize("feature", NOT_WRITABLE)
def test_a_table_that_others_gave_features_is_refused_before_the_work(
    tmp_path: Path, feature: str
) -> None:
    lakehouse = with_feature(tmp_path, feature)
    with pytest.raises(UnwritableTable, match=f"DROP FEATURE {feature}"):
        lakehouse.ensure(TABLE)
    # And is one deltalake can't write: a list of features that grew too long would fail here.
    table = DeltaTable(lakehouse.uri("numbers"))
    assert feature in (table.protocol().writer_features or [])
    lakehouse._writable.add("numbers")
    with pytest.raises(UnwritableTable, match=f"DROP FEATURE {feature}"):
        lakehouse.append(TABLE, [batch((FIRST, "a", 1))])


@pytest.mark.parametrize(
    "root", ["/Volumes/main/feedback/tables", "dbfs:/Volumes/main/f/t", "/dbfs/mnt/tables"]
)
def test_tables_in_a_volume_are_refused(settings: Settings, root: str) -> None:
    with pytest.raises(ValueError, match=r"can't be kept in a volume.*abfss://, s3:// or gs://"):
        open_lakehouse(settings.model_copy(update={"lakehouse": root}))


@pytest.mark.parametrize(
    "option", [("AWS_CONDITIONAL_PUT", "disabled"), ("AWS_S3_ALLOW_UNSAFE_RENAME", "true")]
)
def test_options_that_would_lose_commits_are_refused(option: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="would lose commits"):
        DeltaLakehouse("s3://bucket/tables", dict([option]))


def test_each_commit_is_put_on_condition_that_none_is_there(
    s3_store: S3Emulator, s3_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The environment must not talk a commit out of it.
    monkeypatch.setenv("AWS_CONDITIONAL_PUT", "disabled")
    monkeypatch.setenv("AWS_S3_ALLOW_UNSAFE_RENAME", "true")
    lakehouse = DeltaLakehouse(s3_place.root, s3_place.options)
    before = s3_store.asked()
    lakehouse.append(TABLE, [batch((FIRST, "a", 1))])
    lakehouse.replace(TABLE, f"day = '{FIRST}'", [batch((FIRST, "b", 2))])
    since = s3_store.asked() - before
    assert since["PUT log *"] == 3
    assert since["PUT log "] == 0
