"""What every connector keeps to, whichever source it reads. One suite, run over `SOURCES`."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.connectors import SOURCES
from resources.connectors.base import Connector, SourceItem, UnreadableItem

ROOT = Path(__file__).parents[3]
REAL_FEED = Path(os.environ.get("FEEDBACK_REAL_FEED", ROOT.parent / "shared" / "real_feed"))
REASONS = {
    "absurd_date",
    "deleted",
    "missing_body",
    "not_feedback",
    "rating_out_of_scale",
    "wrong_type",
}

# One sound record of each shape; the second fuzz test breaks them, one value at a time.
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "app_store": [
        {
            "reviewId": "r1",
            "authorName": "Ada",
            "comments": [
                {
                    "userComment": {
                        "text": "Slow\tTakes a minute to open",
                        "lastModified": {"seconds": "1780272000", "nanos": 1},
                        "starRating": 2,
                        "reviewerLanguage": "en_GB",
                        "appVersionName": "5.2.0",
                    }
                },
                {"developerComment": {"text": "Sorry to hear that"}},
            ],
        },
        {"reviewId": "r2", "content": "fine", "score": 4, "at": "2026-06-01 10:00:00", "app": "x"},
        {
            "type": "customerReviews",
            "id": "r3",
            "attributes": {
                "rating": 5,
                "title": "Nice",
                "body": "Works",
                "createdDate": "2026-06-01T10:00:00-07:00",
                "territory": "PRT",
            },
        },
    ],
    "zendesk": [
        {
            "id": 1,
            "subject": "Refund",
            "description": "Where is it?",
            "created_at": "2026-06-01T10:00:00Z",
            "requester_id": 9,
            "tags": ["refund"],
            "via": {"channel": "email", "source": {"from": {"address": "a@example.com"}}},
            "custom_fields": [{"id": "order_id", "value": "MRL-1"}],
            "satisfaction_rating": {"score": "bad", "comment": "slow"},
        },
        {"id": 2, "score": "good", "comment": "Thanks", "created_at": "2026-06-01T10:00:00Z"},
    ],
    "intercom": [
        {
            "id": "3",
            "created_at": 1780272000,
            "source": {"subject": "Hi", "body": "<p>Hi</p>", "author": {"type": "user", "id": 4}},
            "conversation_parts": {
                "conversation_parts": [{"author": {"type": "user"}, "body": "Still there?"}]
            },
            "conversation_rating": {"rating": 3, "remark": "ok"},
            "custom_attributes": {"app_version": "5.1.4", "customer_tier": "Plus"},
            "tags": {"tags": [{"name": "delivery"}]},
        }
    ],
    "survey": [
        {
            "landing_id": "t1",
            "response_id": "t1",
            "submitted_at": "2026-06-01T10:00:00Z",
            "hidden": {"country": "de"},
            "answers": [
                {"type": "number", "number": 9, "field": {"type": "opinion_scale", "ref": "nps"}},
                {"type": "text", "text": "Good", "field": {"type": "long_text", "ref": "why"}},
                {"type": "choice", "choice": {"label": "App"}, "field": {"ref": "product"}},
                {"type": "choices", "choices": {"labels": ["A"]}, "field": {"ref": "segment"}},
            ],
        },
        {
            "Response ID": "s1",
            "Comment": "Easy",
            "Score": "2",
            "Score Scale": "1=very good .. 5=very poor",
            "Submitted At": "2026-06-01",
        },
    ],
    "community": [
        {
            "id": 5,
            "title": "Dark mode",
            "created_at": "2026-06-01T10:00:00.000Z",
            "tags": ["app"],
            "post_stream": {"posts": [{"id": 6, "cooked": "<p>Please</p>", "username": "kim"}]},
        },
        {"id": 6, "topic_id": 5, "topic_title": "Dark mode", "post_number": 1, "raw": "Please"},
        {"topic_id": 7, "title": "Lost parcel", "body": "Since Monday", "author": "kim"},
    ],
    "social": [
        {"post_id": "m1", "text": "love it", "author": "kim", "platform": "instagram"},
        {
            "id": "8",
            "text": "down again",
            "note_tweet": {"text": "down again, all day"},
            "edit_history_tweet_ids": ["7", "8"],
            "public_metrics": {"like_count": 1},
            "lang": "en",
        },
    ],
}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key within `value`."""
    pairs: Any = ()
    if type(value) is dict:
        pairs = list(value.items())
    elif type(value) is list:
        pairs = list(enumerate(value))
    for key, inner in pairs:
        yield value, key
        yield from places(inner)


# Keys some connector looks at, so that wild records get past the first check.
KEYS = sorted({key for _, key in places(EXAMPLES) if type(key) is str})
WORDS = st.sampled_from(
    [
        "",
        " ",
        "3",
        "admin",
        "opinion_scale",
        "1=very good .. 5=very poor",
        "2026-06-01",
        "0001-01-01T00:00:00+14:00",
        "<p>ok</p>",
        "\ud83d",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, 1780272000, 1780272000000])
    | st.floats()
    | st.text(max_size=20)
    | WORDS
)
NAMES = st.sampled_from(KEYS) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=25,
)
RECORDS = st.dictionaries(NAMES, VALUES, max_size=12)


def assert_read_or_refused(connector: Connector, record: dict[str, Any]) -> None:
    try:
        item = connector.read(record)
    except UnreadableItem as refusal:
        code, separator, explanation = str(refusal).partition(": ")
        assert code in REASONS
        assert separator
        assert explanation
    else:
        assert_sound(item, connector, record)


@pytest.fixture(params=sorted(SOURCES))
def connector(request: pytest.FixtureRequest) -> Connector:
    return SOURCES[request.param]


def assert_sound(item: SourceItem, connector: Connector, record: dict[str, Any]) -> None:
    """What holds for every item of every source."""
    assert item.body.strip()
    assert item.native_id == connector.native_id(record)
    assert item.rating is None or (0.0 <= item.rating <= 1.0 and item.rating_original)
    for moment in (item.created_at, item.updated_at):
        assert moment is None or (moment.tzinfo is UTC and 1990 <= moment.year <= 2100)
    for name, value in item.metadata.items():
        assert not name.startswith("_")
        assert type(value) is str
        assert value
    for field in dataclasses.fields(item):
        value = getattr(item, field.name)
        if type(value) is str:
            assert value.encode("utf-8")
            assert value.strip()


def test_the_registry_names_each_connector_by_its_source_in_the_agreed_order() -> None:
    assert list(SOURCES) == ["app_store", "zendesk", "intercom", "survey", "community", "social"]
    assert [connector.source for connector in SOURCES.values()] == list(SOURCES)


@pytest.mark.parametrize("source", sorted(SOURCES))
@settings(max_examples=100, deadline=None)
@given(record=RECORDS)
def test_any_object_is_read_or_refused_with_a_reason(source: str, record: dict[str, Any]) -> None:
    assert_read_or_refused(SOURCES[source], record)


@pytest.mark.parametrize("source", sorted(SOURCES))
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_sound_record_with_wild_values_is_read_or_refused(
    source: str, data: st.DataObject
) -> None:
    record = copy.deepcopy(data.draw(st.sampled_from(EXAMPLES[source])))
    for _ in range(data.draw(st.integers(1, 2))):
        container, key = data.draw(st.sampled_from(list(places(record))))
        container[key] = data.draw(VALUES)
    assert_read_or_refused(SOURCES[source], record)


def test_sound_records_of_every_shape_are_read(connector: Connector) -> None:
    for record in EXAMPLES[connector.source]:
        assert_sound(connector.read(record), connector, record)


def test_unknown_and_private_fields_change_nothing(connector: Connector) -> None:
    for record in EXAMPLES[connector.source]:
        noisy = record | {"_provenance": "a", "_question": "b", "brand_new_field": {"c": [1]}}
        assert connector.read(noisy) == connector.read(record)


def test_an_empty_object_has_no_body(connector: Connector) -> None:
    with pytest.raises(UnreadableItem, match=r"^missing_body: "):
        connector.read({})
    assert connector.native_id({}) is None


def test_connectors_survive_pickling(connector: Connector) -> None:
    twin = pickle.loads(pickle.dumps(connector))
    for record in EXAMPLES[connector.source]:
        assert twin.read(record) == connector.read(record)


def test_a_json_files_wrapper_keys_are_named(connector: Connector) -> None:
    assert connector.containers
    assert all(type(key) is str for key in connector.containers)


def real_records(source: str) -> Iterator[dict[str, Any]]:
    for path in sorted((REAL_FEED / "landing" / source).glob("*/feed.jsonl")):
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


@pytest.mark.skipif(not REAL_FEED.is_dir(), reason="no real feed on this machine")
def test_real_feedback_is_read_whole(connector: Connector) -> None:
    refused: list[str] = []
    ids: set[str | None] = set()
    for record in real_records(connector.source):
        try:
            item = connector.read(record)
        except UnreadableItem as refusal:
            refused.append(str(refusal))
            continue
        assert_sound(item, connector, record)
        assert item.created_at is None or item.created_at < datetime(2026, 4, 15, tzinfo=UTC)
        ids.add(item.native_id)
    assert None not in ids
    assert len(ids) > 150
    assert refused == []
