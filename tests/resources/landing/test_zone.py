"""Landing zones in a folder, an object store and a volume list and open files alike."""

from __future__ import annotations

import datetime as dt
import gzip
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from resources.landing import folders
from resources.landing.folders import REMOTE_BUFFER
from resources.landing.records import read_records
from resources.landing.zone import LandingZone
from resources.storage.options import StorageOptions
from resources.storage.troubles import StorageTrouble
from tests.conftest import PLACES
from tests.files_api import TOKEN, VOLUME, files_api
from tests.s3_emulator import S3Emulator
from tests.stores import Place

DAY = dt.date(2026, 6, 1)
FOLDER = "zendesk/2026-06-01"
ODD_NAMES = ["a b.jsonl", "ü#1.json", "50%25 off.csv", "x[1]?.json", "日本.json", "a'b+c=d.json"]


@pytest.fixture(params=[*PLACES, "volume"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A landing zone's root; a volume's is what its workspace says."""
    if request.param == "volume":
        monkeypatch = cast(pytest.MonkeyPatch, request.getfixturevalue("monkeypatch"))
        (tmp_path / "volume").mkdir()
        with files_api(tmp_path / "volume") as address:
            monkeypatch.setenv("DATABRICKS_HOST", address)
            monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
            yield InVolume(str(tmp_path / "volume"))
    elif request.param == "s3":
        yield request.getfixturevalue("s3_place")
    elif request.param == "azure":
        yield request.getfixturevalue("azure_place")
    else:
        yield Place(str(tmp_path / "root"))


class InVolume(Place):
    """Files are put into the volume by another way than they are read."""

    @property
    def address(self) -> str:
        return VOLUME


def zone_of(place: Place) -> LandingZone:
    root = place.address if isinstance(place, InVolume) else place.root
    return LandingZone(root, place.storage_options)


def test_files_of_a_day_are_listed_by_name_and_half_written_ones_not(place: Place) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)
    for name in ("b.jsonl", "a.csv", "c.jsonl.gz", "_half.jsonl", ".hidden", "deeper/d.jsonl"):
        place.put(f"{FOLDER}/{name}", b"12345")
    files = zone_of(place).files("zendesk", DAY)
    assert [file.path for file in files] == [
        f"{FOLDER}/{n}" for n in ("a.csv", "b.jsonl", "c.jsonl.gz")
    ]
    assert {(file.source, file.day, file.size) for file in files} == {("zendesk", DAY, 5)}
    now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
    assert all(before <= file.modified <= now for file in files)


def test_walk_passes_over_what_is_no_day(place: Place) -> None:
    for path in (
        f"{FOLDER}/a.json",
        "zendesk/2026-06-02/b.json",
        "zendesk/archive/c.json",
        "zendesk/readme.txt",
        "survey/2026-06-01/d.csv",
        "stranger/2026-06-01/e.csv",
    ):
        place.put(path, b"x")
    found = [file.path for file in zone_of(place).walk(("survey", "zendesk", "social"))]
    assert found == ["survey/2026-06-01/d.csv", f"{FOLDER}/a.json", "zendesk/2026-06-02/b.json"]


def test_where_nothing_has_landed_there_are_no_files(place: Place) -> None:
    place.put("survey/2026-06-01/d.csv", b"x")
    zone = zone_of(place)
    assert zone.files("zendesk", DAY) == []
    assert list(zone.walk(("zendesk",))) == []


def test_bytes_come_as_they_are(place: Place) -> None:
    contents = {f"{FOLDER}/{name}": name.encode() for name in ODD_NAMES}
    packed = gzip.compress(b'{"id": 1}\n{"id": 2}\n')
    contents[f"{FOLDER}/z.jsonl.gz"] = packed
    for path, content in contents.items():
        place.put(path, content)
    # Sent as it is sent to the machines that read.
    zone = pickle.loads(pickle.dumps(zone_of(place)))
    assert {file.path for file in zone.files("zendesk", DAY)} == set(contents)
    for path, content in contents.items():
        with zone.open(path) as stream:
            assert stream.read() == content
    with zone.open(f"{FOLDER}/z.jsonl.gz") as stream:
        records = list(read_records(stream, f"{FOLDER}/z.jsonl.gz", (), 1000))
    assert [record.line for record in records] == [1, 2]


def test_a_long_file_is_read_in_few_requests(s3_store: S3Emulator, s3_place: Place) -> None:
    content = b"".join(b'{"id": %d}\n' % n for n in range(1_000_000))
    s3_place.put(f"{FOLDER}/long.jsonl", content)
    before = s3_store.asked()
    with zone_of(s3_place).open(f"{FOLDER}/long.jsonl") as stream:
        assert b"".join(stream) == content
    # One for the size, one for each buffer, and one that finds the end.
    assert (s3_store.asked() - before).total() <= len(content) // REMOTE_BUFFER + 3


def test_a_file_that_went_is_missed(place: Place) -> None:
    place.put(f"{FOLDER}/a.json", b"x")
    with pytest.raises(FileNotFoundError):
        zone_of(place).open(f"{FOLDER}/gone.json")


def test_a_missing_bucket_is_no_empty_landing_zone(s3_store: S3Emulator) -> None:
    zone = LandingZone("s3://nowhere/landing", StorageOptions(s3_store.options()))
    with pytest.raises(StorageTrouble, match="nowhere does not exist"):
        zone.files("zendesk", DAY)


def test_wrong_keys_are_no_empty_landing_zone(s3_place: Place) -> None:
    wrong = StorageOptions({**s3_place.options, "AWS_ACCESS_KEY_ID": "AKIAWRONG"})
    with pytest.raises(StorageTrouble, match="refuses these credentials"):
        LandingZone(s3_place.root, wrong).files("zendesk", DAY)


def test_a_missing_volume_is_no_empty_landing_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with files_api(tmp_path) as address:
        monkeypatch.setenv("DATABRICKS_HOST", address)
        monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
        zone = LandingZone("/Volumes/main/feedback/other")
        with pytest.raises(FileNotFoundError, match="READ VOLUME"):
            zone.files("zendesk", DAY)


def test_a_volume_without_a_workspace_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ValueError, match="DATABRICKS_HOST"):
        LandingZone(VOLUME).files("zendesk", DAY)


def test_a_mounted_volume_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "a.json").write_bytes(b"x")
    monkeypatch.setattr(folders, "kind_of", lambda root: "volume")
    assert [f.path for f in LandingZone(str(tmp_path)).files("zendesk", DAY)] == [
        f"{FOLDER}/a.json"
    ]
