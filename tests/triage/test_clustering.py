"""Who meets whom, and what never changes: ids, order, unit vectors."""

from __future__ import annotations

import hashlib
import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_assets.triage.clustering import SCHEMA, assign

ITEMS = pa.schema(
    [
        (name, pa.string())
        for name in (
            "feedback_id", "text", "root_cause_summary", "sub_category", "product", "language",
        )
    ]
)  # fmt: skip
NONE_YET = SCHEMA.empty_table()


def items(*texts: str, sub: str | None = "payment_method", start: int = 0) -> pa.Table:
    """Items named i0, i1, ... of one sub-category."""
    return pa.Table.from_pylist(
        [
            {"feedback_id": f"i{start + n}", "text": text, "root_cause_summary": "",
             "sub_category": sub, "product": None, "language": None}
            for n, text in enumerate(texts)
        ],
        schema=ITEMS,
    )  # fmt: skip


def ids(*texts: str, sub: str | None = "payment_method") -> list[str | None]:
    """The cluster of each text when they come in one call."""
    found: list[str | None] = assign(items(*texts, sub=sub), NONE_YET)["cluster_id"].to_pylist()
    return found


def test_the_founder_gives_the_cluster_its_id() -> None:
    row = assign(items("QuickWallet refuses every payment"), NONE_YET).to_pylist()[0]
    assert row["cluster_id"] == "c" + hashlib.sha256(b"i0").hexdigest()[:12]
    assert row["similarity"] == pytest.approx(1.0)
    assert "quickwallet" in row["cluster_label"]


@pytest.mark.parametrize(
    ("sub", "texts"),
    [
        ("crash", ("It crashes when I open my wishlist", "wishlist crashed the app again",
                   "App stürzt bei der Merkliste ab", "crashing: wishlist")),
        ("payment_method", ("QuickWallet keeps spinning after confirm, QuickWallet is dead",
                            "QuickWallet ne marche pas", "quickwallet still broken")),
        ("two_factor", ("The SMS code never arrives", "Ich bekomme keinen Code per SMS",
                        "No me llega el código por SMS")),
        ("refund_missing", ("Still no refund for the chair I sent back",
                            "Stuhl zurückgeschickt, Erstattung bis heute nicht da")),
    ],
)  # fmt: skip
def test_other_words_and_languages_meet(sub: str, texts: tuple[str, ...]) -> None:
    assert len(set(ids(*texts, sub=sub))) == 1


def test_different_complaints_of_one_sub_category_stay_apart() -> None:
    found = ids(
        "The camera preview stays black and does not work",
        "The barcode reader does not work with my loyalty leaflet",
        "Push notifications do not work on the tablet",
        sub="broken_feature",
    )
    assert len(set(found)) == 3


def test_different_error_codes_stay_apart() -> None:
    first, second, third = ids("Aborted with XK-402", "Aborted with XK-517", "XK-402 aborted")
    assert first == third != second


def test_masked_tokens_do_not_tell_items_apart() -> None:
    one, other = ids(
        "Refund for [NAME_1a2b3c4d] is missing, [EMAIL_00ff00ff]",
        "Refund for [NAME_99999999] is missing, [EMAIL_aaaaaaaa]",
    )
    assert one == other


def test_equal_texts_meet_though_the_classifier_erred() -> None:
    text = "Lamp had no plug"
    table = pa.concat_tables([items(text, sub="late"), items(text, sub="tracking", start=1)])
    assert len(set(assign(table, NONE_YET)["cluster_id"].to_pylist())) == 1


@pytest.mark.parametrize(
    "text", ["", "good app", "👍👍", "[EMAIL_1a2b3c4d]", "12345", "very nice!!"]
)
def test_nothing_to_act_on_is_no_cluster(text: str) -> None:
    row = assign(items(text), NONE_YET).to_pylist()[0]
    assert (row["cluster_id"], row["similarity"], row["terms"]) == (None, None, [])


def test_one_word_joins_only_its_like() -> None:
    whole, word, again = ids("refund for the blue chair is missing since March", "chair", "chair!")
    assert whole != word == again


def test_an_everyday_name_gathers_nothing() -> None:
    faults = ("toolbar", "bookmark", "history", "printing", "zoom", "spellcheck", "tab", "font",
              "cookie", "sidebar")  # fmt: skip
    table = pa.concat_tables(
        [
            items(f"BrowseMore {fault} trouble", sub=f"sub{n}", start=n)
            for n, fault in enumerate(faults)
        ]
    )
    assert len(set(assign(table, NONE_YET)["cluster_id"].to_pylist())) == len(faults)


def test_later_partitions_join_and_never_rename() -> None:
    day_one = assign(items("QuickWallet hangs after I confirm", "Fee was too high"), NONE_YET)
    later = assign(items("quickwallet geht nicht", "Mein Akku ist leer", start=9), day_one)
    assert later["cluster_id"][0] == day_one["cluster_id"][0]
    assert later["cluster_label"][0] == day_one["cluster_label"][0]
    assert later["cluster_id"][1].as_py() not in day_one["cluster_id"].to_pylist()


def test_bad_input_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match="items lacks the columns \\['text'\\]"):
        assign(items("x").drop_columns(["text"]), NONE_YET)
    with pytest.raises(ValueError, match="threshold is 0"):
        assign(items("x"), NONE_YET, threshold=0)


def test_no_items() -> None:
    assert assign(items(), NONE_YET).equals(NONE_YET)


WORDS = st.sampled_from(
    ["refund", "QuickWallet", "XK-402", "late", "parcel", "crash", "Lampe", "broken", "no",
     "nicht", "code", "good", "注文", "ช้า", "[ID_0a]"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join))


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, max_size=12), st.lists(TEXTS, max_size=4))
def test_what_holds_for_any_texts(texts: list[str], before: list[str]) -> None:
    known = assign(items(*before, start=100), NONE_YET)
    table = items(*texts)
    found = assign(table, known)
    assert found.schema == SCHEMA
    assert found.equals(assign(table, known))
    assert found["feedback_id"].to_pylist() == table["feedback_id"].to_pylist()
    allowed = {*known["cluster_id"].to_pylist(), *("c" + _digest(i) for i in range(len(texts)))}
    met: dict[str, str | None] = {}
    for row, text in zip(found.to_pylist(), texts, strict=True):
        assert met.setdefault(text, row["cluster_id"]) == row["cluster_id"]
        assert (row["cluster_id"] is None) == (row["similarity"] is None) == (not row["terms"])
        if row["cluster_id"] is not None:
            assert row["cluster_id"] in allowed
            assert 0 <= row["similarity"] <= 1.000001
            assert math.sqrt(sum(w * w for w in row["weights"])) == pytest.approx(1.0, abs=1e-5)
            assert len(set(row["terms"])) == len(row["terms"])


def _digest(number: int) -> str:
    return hashlib.sha256(f"i{number}".encode()).hexdigest()[:12]
