"""Storage options: read from one setting, never shown."""

from __future__ import annotations

import copy
import json
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from pyspark import cloudpickle

from resources.landing.zone import LandingZone
from resources.storage.hadoop import hadoop_settings
from resources.storage.options import NO_OPTIONS, StorageOptions, read_options
from resources.storage.roots import kind_of, plain_path

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCY"
OPTIONS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}


def test_options_are_read_from_an_object() -> None:
    read = read_options(SecretStr('{"aws_region": "eu-west-1", "AWS_ALLOW_HTTP": true}'))
    assert read.plain() == {"AWS_REGION": "eu-west-1", "AWS_ALLOW_HTTP": "true"}
    assert read_options(None) == read_options(SecretStr("  ")) == NO_OPTIONS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SECRET, "no JSON object"),
        (f'{{"AWS_SECRET_ACCESS_KEY": "{SECRET}"', "no JSON object"),
        (f'["{SECRET}"]', "no JSON object"),
        (f'{{"AWS_SECRET_ACCESS_KEY": ["{SECRET}"]}}', "AWS_SECRET_ACCESS_KEY must be a text"),
        (f'{{"secret_access_key": "{SECRET}"}}', "don't know SECRET_ACCESS_KEY: keys begin with"),
    ],
)
def test_what_is_no_object_is_told_without_repeating_it(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as told:
        read_options(SecretStr(text))
    error: BaseException | None = told.value
    assert SECRET not in "".join(traceback.format_exception(error))
    while error is not None:
        assert SECRET not in repr(vars(error)) + repr(error.args)
        error = error.__context__


def test_values_show_nowhere() -> None:
    options = StorageOptions(OPTIONS)
    zone = LandingZone("s3://bucket/landing", options)

    def reads() -> object:
        return zone.files

    for shown in (repr(options), str(options), f"{options}", repr(zone)):
        assert SECRET not in shown
    for sent in (pickle.dumps(options), pickle.dumps(zone), cloudpickle.dumps(reads)):
        assert SECRET.encode() not in sent
        assert SECRET not in str(sent)


@given(st.dictionaries(st.from_regex(r"AWS_[A-Z_]{1,20}", fullmatch=True), st.text()))
def test_options_survive_being_sent(values: dict[str, str]) -> None:
    options = StorageOptions(values)
    assert pickle.loads(pickle.dumps(options)) == options
    assert copy.deepcopy(options).plain() == options.plain()


def test_a_zone_survives_being_sent() -> None:
    zone = pickle.loads(pickle.dumps(LandingZone("s3://bucket/landing", StorageOptions(OPTIONS))))
    assert zone._root == "s3://bucket/landing"
    assert zone._options.plain() == OPTIONS


@pytest.mark.parametrize(
    "said",
    [
        f"key {SECRET} is unknown",
        "https://host/?key=wJalrXUtnFEMI/K7MDENG%2BbPxRfiCY",
        "https://host/?key=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCY&x=1",
        json.dumps(OPTIONS),
    ],
)
def test_secrets_are_struck_out(said: str) -> None:
    assert "wJalrXUtnFEMI" not in StorageOptions(OPTIONS).scrubbed(said)


def test_hadoop_is_told_what_opens_a_store() -> None:
    options = StorageOptions({**OPTIONS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9000"})
    assert hadoop_settings("s3a://bucket/tables", options) == {
        "fs.s3a.access.key": "AKIAEXAMPLE",
        "fs.s3a.secret.key": SECRET,
        "fs.s3a.endpoint": "http://127.0.0.1:9000",
        "fs.s3a.path.style.access": "true",
        "fs.s3a.connection.ssl.enabled": "false",
    }
    host = "account.dfs.core.windows.net"
    azure = StorageOptions({"AZURE_STORAGE_ACCOUNT_KEY": "a2V5"})
    assert hadoop_settings(f"abfss://c@{host}/t", azure) == {f"fs.azure.account.key.{host}": "a2V5"}
    assert hadoop_settings("/data/tables", options) == {}


@pytest.mark.parametrize(
    ("root", "kind", "path"),
    [
        ("/data/landing/", "folder", "/data/landing"),
        ("file:///data/with%20space", "folder", "/data/with space"),
        ("relative/Volumes/x", "folder", "relative/Volumes/x"),
        ("/Volumes/main/feedback/landing", "volume", "/Volumes/main/feedback/landing"),
        ("dbfs:/Volumes/main/feedback/landing/", "volume", "/Volumes/main/feedback/landing"),
        ("s3://bucket/path/", "s3", "s3://bucket/path"),
        ("s3a://bucket", "s3", "s3a://bucket"),
        ("abfss://c@a.dfs.core.windows.net/x", "azure", "abfss://c@a.dfs.core.windows.net/x"),
        ("gs://bucket/x", "gcs", "gs://bucket/x"),
    ],
)
def test_roots_are_told_apart(root: str, kind: str, path: str) -> None:
    assert (kind_of(root), plain_path(root)) == (kind, path)


@pytest.mark.parametrize(
    ("root", "says"),
    [("https://host/x", "https:// is not known"), ("wasbs://c@a/x", "use a folder, /Volumes"),
     ("s3:///x", "names no bucket")],
)  # fmt: skip
def test_other_roots_are_refused(root: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        kind_of(root)
