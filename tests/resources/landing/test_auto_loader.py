"""What Auto Loader is asked, and what is made of what it tells; the source is Databricks' own."""

from __future__ import annotations

import datetime as dt

import pytest

from resources.landing.auto_loader import Watching, landing_files

ROOT = "abfss://data@acme.dfs.core.windows.net/landing"
AT = dt.datetime(2026, 6, 1, 8, tzinfo=dt.UTC)


def told(path: str, size: int = 3, at: dt.datetime = AT) -> dict[str, object]:
    return {"file_path": path, "file_size": size, "file_modification_time": at}


def test_files_of_the_landing_zone_are_told_once_and_by_name() -> None:
    found = landing_files(
        ROOT,
        [
            told(f"{ROOT}/zendesk/2026-06-01/b%20c.jsonl"),
            told(f"{ROOT}/zendesk/2026-06-01/a.jsonl", 1),
            told(f"{ROOT}/zendesk/2026-06-01/a.jsonl", 2),
            told(f"{ROOT}/zendesk/2026-06-01/_a.jsonl"),
            told(f"{ROOT}/zendesk/2026-06-01/sub/a.jsonl"),
            told(f"{ROOT}/zendesk/lately/a.jsonl"),
            told(f"{ROOT}/readme.txt"),
        ],
    )
    assert [(file.path, file.size) for file in found] == [
        ("zendesk/2026-06-01/a.jsonl", 2),
        ("zendesk/2026-06-01/b c.jsonl", 3),
    ]
    assert {(file.source, file.day, file.modified) for file in found} == {
        ("zendesk", AT.date(), AT)
    }


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("/Volumes/main/raw/landing", "dbfs:/Volumes/main/raw/landing/survey/2026-06-01/a.csv"),
        ("dbfs:/landing/", "dbfs:/landing/survey/2026-06-01/a.csv"),
        ("/landing", "file:///landing/survey/2026-06-01/a.csv"),
    ],
)
def test_one_place_has_several_spellings(root: str, path: str) -> None:
    (file,) = landing_files(root, [told(path, at=AT.replace(tzinfo=None))])
    assert (file.path, file.modified) == ("survey/2026-06-01/a.csv", AT)


def test_a_file_of_another_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not lie under"):
        landing_files(ROOT, [told("abfss://data@acme.dfs.core.windows.net/landing2/x/y/z")])


def test_options() -> None:
    once = Watching(ROOT, "/checkpoint")
    assert once.options["cloudFiles.useNotifications"] == "false"
    assert once.trigger == {"availableNow": True}
    always = Watching(ROOT, "/checkpoint", True, dt.timedelta(seconds=20))
    assert always.options["cloudFiles.useNotifications"] == "true"
    assert always.trigger == {"processingTime": "20 seconds"}
