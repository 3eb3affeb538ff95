"""What a word is, in any script, and which words are known."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_assets.quality.words import (
    COUNTS,
    LONGEST_WORD,
    MOST_CHARACTERS,
    known_words,
    share_unknown,
    with_shares,
    word_counter,
    words_of,
)
from tests.conftest import DAY

# Text with surrogates and null bytes in it, and more of each script than chance brings.
WILD = st.text(st.characters() | st.sampled_from("กำลังไม่好的カタ한글नमस्ते\u0301\0\ud800😀A_b[]"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The app CRASHED, the app!", {"the", "app", "crashed"}),
        ("I can't pay 42 € a_b x2y", {"can", "pay"}),
        ("Straße und Größe", {"strasse", "und", "grösse"}),
        ("naïve cafe\u0301", {"naïve", "cafe\u0301"}),
        ("приложение Не", {"приложение", "не"}),
        ("नमस्ते दुनिया", {"नमस्ते", "दुनिया"}),
        ("결제가 안 돼요", {"결제가", "돼요"}),
        ("لا يعمل", {"لا", "يعمل"}),
        ("[EMAIL_1a2b3c4d] wrote [NATIONAL_ID_00ff] twice", {"wrote", "twice"}),
        ("支払い", {"支払", "払い"}),
        ("iPhone用アプリ", {"iphone", "用ア", "アプ", "プリ"}),
        ("ช้า มาก", {"ช้", "้า", "มา", "าก"}),
        ("好", set()),
        ("𝐟𝐚𝐬𝐭 refund", {"𝐟𝐚𝐬𝐭", "refund"}),
        ("👍🏽❤️1️⃣ 😀!!", set()),
        ("", set()),
    ],
)
def test_words(text: str, words: set[str]) -> None:
    assert words_of(text) == words


@given(WILD)
def test_every_word_is_a_short_run_of_folded_letters(text: str) -> None:
    folded = text.casefold()
    for word in words_of(text):
        assert 2 <= len(word) <= LONGEST_WORD
        assert word in folded
        assert all(unicodedata.category(c)[0] in "LM" or c > "\uffff" for c in word)


@given(WILD, WILD)
def test_the_words_of_two_texts_are_those_of_both(first: str, second: str) -> None:
    assert words_of(f"{first} {second}") == words_of(first) | words_of(second)


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_has_the_words_it_has_beside_other_letters(text: str) -> None:
    assert words_of(f"{text} é") == words_of(text)


def test_of_an_endless_text_the_beginning_is_looked_at() -> None:
    start = "word " * (MOST_CHARACTERS // 5)
    assert words_of(start + "late " * 200_000) == {"word"}
    assert words_of("y" * 1_000_000) == {"y" * LONGEST_WORD}


def test_known_words_are_those_of_the_training_texts(tmp_path: Path) -> None:
    train = tmp_path / "train"
    train.mkdir()
    for name, text in (("a", "Parcel late"), ("b", "late again")):
        (train / f"{name}.jsonl").write_bytes(orjson.dumps({"text": text}) + b"\n\n")
    (tmp_path / "held_out.jsonl").write_bytes(b'{"text": "unseen"}\n')
    assert known_words(tmp_path) == frozenset(("parcel", "late", "again"))


def test_without_training_texts_no_word_is_known(tmp_path: Path) -> None:
    assert known_words(None) is None
    assert known_words(tmp_path) is None


@pytest.mark.parametrize("line", ["{", "[]", '{"words": "x"}', '{"text": 3}'])
def test_a_broken_training_text_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.jsonl").write_text(f'{{"text": "fine"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.jsonl:2: no example with a text"):
        known_words(tmp_path)


@pytest.mark.parametrize(
    ("unknown", "of", "name"),
    [
        (0, 7, "0%"), (1, 200, "1-10%"), (1, 10, "1-10%"), (11, 100, "11-25%"), (1, 4, "11-25%"),
        (26, 100, "26-50%"), (1, 2, "26-50%"), (51, 100, "51-100%"), (3, 3, "51-100%"),
        (0, 0, "none"),
    ],
)  # fmt: skip
def test_shares_of_unknown_words(unknown: int, of: int, name: str) -> None:
    words = {f"w{n}" for n in range(of)}
    known = frozenset(f"w{n}" for n in range(unknown, of)) | {"other"}
    assert share_unknown(words, known) == name


def batch(*texts: str) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {"day": [DAY] * len(texts), "source": ["survey"] * len(texts), "text": list(texts)}
    )


def test_a_text_counts_once_for_each_of_its_words() -> None:
    (found,) = word_counter(frozenset({"late"}))(batch("late late parcel", "parcel"))
    assert found.schema == COUNTS
    assert {(r["feature"], r["bin"]): r["items"] for r in found.to_pylist()} == {
        ("word", "late"): 1, ("word", "parcel"): 2, ("unknown_word", "parcel"): 2,
    }  # fmt: skip


def test_where_nothing_is_known_nothing_is_unknown() -> None:
    (found,) = word_counter(None)(batch("late parcel"))
    assert set(found.column("feature").to_pylist()) == {"word"}
    (shares,) = with_shares(None)(batch("late parcel"))
    assert shares.column("unknown_words").to_pylist() == [None]


def test_no_texts_have_no_words() -> None:
    empty = batch().cast(pa.schema([("day", pa.date32()), ("source", "str"), ("text", "str")]))
    (found,) = word_counter(None)(empty)
    assert found.num_rows == 0
