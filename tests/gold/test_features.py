from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_assets.gold.concepts import concepts
from feedback_assets.gold.features import BUCKETS, chunks, feature_count, read

PRINT_HASH = """
import hashlib
from feedback_assets.gold.features import read
print(hashlib.sha256(read(["Größe passt nicht 3.1", "หาไม่เจอ", "見つからない"]).buckets.tobytes()).hexdigest())
"""  # noqa: E501


def named(text: str) -> set[str]:
    names = concepts().names
    return {names[b - 2 * BUCKETS] for b in read([text]).buckets.tolist() if b >= 2 * BUCKETS}


def features_of(text: str) -> list[int]:
    return sorted(read([text]).buckets.tolist())


@pytest.mark.parametrize("seed", ["0", "77"])
def test_buckets_are_the_same_in_every_process(seed: str) -> None:
    here = read(["Größe passt nicht 3.1", "หาไม่เจอ", "見つからない"]).buckets.tobytes()
    done = subprocess.run(
        [sys.executable, "-c", PRINT_HASH],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == hashlib.sha256(here).hexdigest()


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Ich will mein Geld zurück, bitte erstatten", "refund"),
        ("Quero o REEMBOLSO", "refund"),
        ("ขอเงินคืนด้วยครับ", "refund"),
        ("返金してください", "refund"),
        ("nao consigo entrar", "cannot"),
        ("የይለፍ ቃል ረሳሁ", "password"),
        ("The login, it's broken.", "login"),
        ("doesn’t work", "broken"),
    ],
)
def test_concepts_are_found_in_many_languages(text: str, concept: str) -> None:
    assert concept in named(text)


def test_a_short_accented_stem_is_not_an_english_word() -> None:
    assert "damaged" not in named("to be or not to be")
    assert "data_loss" not in named("a person wrote")


def test_case_accents_and_digits_fold_to_the_same_features() -> None:
    assert features_of("ÉCRAN bloqué 12") == features_of("écran bloqué 45")


def test_a_masking_token_says_only_its_kind() -> None:
    assert features_of("to [EMAIL_1a2b3c4d] today") == features_of("to [EMAIL_99ffee00] today")


def test_nothing_crosses_from_one_text_to_the_next() -> None:
    together = read(["not", "working"])
    assert not (together.buckets >= 2 * BUCKETS).any()
    alone = [read([text]).buckets.tolist() for text in ("not", "working")]
    assert sorted(together.buckets.tolist()) == sorted(alone[0] + alone[1])


@settings(deadline=None, max_examples=150)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_batch_reads_like_its_texts_one_by_one(texts: list[str]) -> None:
    together = read(texts)
    assert together.buckets.min(initial=0) >= 0
    assert together.buckets.max(initial=0) < feature_count()
    for row, text in enumerate(texts):
        assert sorted(together.buckets[together.rows == row].tolist()) == features_of(text)
    inside = (together.starts >= 1) & (together.ends <= len(together.layout.points))
    assert np.all(inside)


def test_chunks_cover_all_texts_in_order() -> None:
    texts = ["x" * 50_000, "", "y" * 50_000, "z" * 200_000, "end"]
    bounds = list(chunks(texts))
    assert [i for first, last in bounds for i in range(first, last)] == list(range(5))
    assert len(bounds) > 2
