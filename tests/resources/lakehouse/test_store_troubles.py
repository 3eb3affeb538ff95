"""What a wrongly set object store makes of the tables: an error that says what to change."""

from __future__ import annotations

import traceback

import pytest

from resources.lakehouse.base import ConcurrentCommit
from resources.lakehouse.delta import DeltaLakehouse
from resources.storage.options import StorageOptions
from resources.storage.troubles import StorageTrouble, told_plainly
from tests.resources.lakehouse.numbers_table import FIRST, TABLE, batch
from tests.s3_emulator import READS_ONLY, SECRET_KEY, S3Emulator
from tests.stores import Place


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIAWRONG"}, "refuses these credentials: check AWS_ACCESS_KEY_ID"),
        ({"AWS_ALLOW_HTTP": "false"}, "set AWS_ALLOW_HTTP to true"),
    ],
)
def test_wrong_options_are_named(s3_place: Place, option: dict[str, str], says: str) -> None:
    lakehouse = DeltaLakehouse(s3_place.root, {**s3_place.options, **option})
    for call in (
        lambda: lakehouse.exists("numbers"),
        lambda: lakehouse.scan("numbers"),
        lambda: lakehouse.append(TABLE, [batch((FIRST, "a", 1))]),
        lambda: lakehouse.replace(TABLE, f"day = '{FIRST}'", [batch((FIRST, "a", 1))]),
    ):
        with pytest.raises(StorageTrouble, match=says) as told:
            call()
        assert SECRET_KEY not in "".join(traceback.format_exception(told.value))


def test_a_missing_bucket_is_named(s3_store: S3Emulator) -> None:
    lakehouse = DeltaLakehouse("s3://nowhere/tables", s3_store.options())
    with pytest.raises(StorageTrouble, match=r"nowhere does not exist.*create it"):
        lakehouse.exists("numbers")
    with pytest.raises(StorageTrouble, match=r"nowhere does not exist.*create it"):
        lakehouse.append(TABLE, [batch((FIRST, "a", 1))])


def test_a_commit_refused_for_its_rights_is_no_lost_race(s3_place: Place) -> None:
    DeltaLakehouse(s3_place.root, s3_place.options).ensure(TABLE)
    reader = DeltaLakehouse(s3_place.root, {**s3_place.options, "AWS_ACCESS_KEY_ID": READS_ONLY})
    assert reader.scan("numbers").read_all().num_rows == 0
    with pytest.raises(StorageTrouble, match="refuses these credentials") as told:
        reader.append(TABLE, [batch((FIRST, "a", 1))])
    assert not isinstance(told.value, ConcurrentCommit)


def test_what_a_store_repeats_of_a_secret_is_struck_out() -> None:
    options = StorageOptions({"AZURE_STORAGE_SAS_TOKEN": "sv=2024-11-04&sig=aB%2Bc%2FdEf%3D"})
    said = "Error performing GET https://a.blob/c?sv=2024-11-04&sig=aB%2Bc%2FdEf%3D: odd"
    with pytest.raises(StorageTrouble, match="odd") as told:  # noqa: SIM117
        with told_plainly("abfss://c@a.dfs.core.windows.net/t", options):
            raise OSError(said)
    shown = "".join(traceback.format_exception(told.value))
    assert "aB%2Bc" not in shown
    assert "aB+c/dEf=" not in shown


@pytest.mark.parametrize(
    "said",
    [
        "the model's service said 401 Unauthorized",
        "StorageTrouble: s3://landing: landing refuses these credentials. Error performing GET 403",
    ],
)
def test_errors_of_other_origin_pass(said: str) -> None:
    error = RuntimeError(said)
    with pytest.raises(RuntimeError) as told, told_plainly("s3://bucket/t", StorageOptions()):
        raise error
    assert told.value is error
