"""Language: right where there is enough to go by, honest where there is not."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path

import pytest

from feedback_assets.silver import language
from feedback_assets.silver.language import UNDETERMINED, detect

PHRASES = {
    "en": ["The parcel never arrived", "works great on my phone", "please fix the login"],
    "de": ["Die App stürzt ständig ab", "Wo bleibt meine Erstattung?", "geht nicht mehr"],
    "fr": ["Je n'arrive pas à payer", "Colis jamais reçu", "merci beaucoup"],
    "es": ["No me deja pagar", "El paquete llegó roto", "la app va muy lenta"],
    "pt": ["Não consigo finalizar a compra", "A encomenda está parada", "péssimo atendimento"],
    "it": ["Non riesco a pagare", "Il pacco è arrivato rotto", "grazie mille"],
    "nl": ["Ik kan niet betalen", "Het pakket is nooit aangekomen", "werkt niet meer"],
    "pl": ["Nie mogę zapłacić", "Paczka przyszła uszkodzona", "dziękuję bardzo"],
    "sv": ["Jag kan inte betala", "Var är min återbetalning?", "tack så mycket"],
    "ja": ["支払いができません", "アプリが落ちる", "返金はいつですか"],
    "th": ["แอปเปิดไม่ได้", "ส่งของช้ามาก app แย่"],
    "ko": ["결제가 안 돼요"],
    "el": ["Δεν μπορώ να πληρώσω"],
    "he": ["האפליקציה לא נפתחת"],
    "am": ["አፑ አይከፈትም"],
    "vi": ["không mở được ứng dụng", "tệ"],
    "zh": ["无法付款"],
    "ru": ["приложение не открывается"],
    "ar": ["التطبيق لا يعمل على هاتفي"],
}


def undeclared(text: str) -> str:
    return detect([text], [None])[0]


@pytest.mark.parametrize(
    ("expected", "text"), [(code, text) for code, texts in PHRASES.items() for text in texts]
)
def test_short_phrases(expected: str, text: str) -> None:
    assert undeclared(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "👍👍👍", "12345", "100% !!!", "ok", "https://shop.example/a", "[EMAIL_0123456789ab]"],
)
def test_too_few_letters_are_undetermined(text: str) -> None:
    assert undeclared(text) == UNDETERMINED


def test_declared_language_settles_a_short_text_it_fits() -> None:
    assert detect(["good", "super"], ["en-US", "DE"]) == ["en", "de"]


def test_declared_language_does_not_overrule_the_text() -> None:
    texts = ["Die App stürzt ständig ab", "支払いができません", "👍"]
    assert detect(texts, ["en", "en", "en"]) == ["de", "ja", UNDETERMINED]


@pytest.mark.parametrize("declared", ["", "english", "x", "12", "-", "🙂"])
def test_unusable_declarations_are_ignored(declared: str) -> None:
    assert detect(["The parcel never arrived"], [declared]) == ["en"]


def test_masking_tokens_say_nothing() -> None:
    assert undeclared("Wo bleibt [PHONE_0123456789ab] meine Erstattung?") == "de"


def test_lengths_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        detect(["a"], [])


@pytest.mark.disable_socket
def test_models_load_without_the_network() -> None:
    fresh = importlib.reload(language)
    assert fresh.detect(["Il pacco è arrivato rotto"], [None]) == ["it"]


def _landing() -> Path:
    default = Path(__file__).parents[2] / "../shared/real_feed"
    folder = Path(os.environ.get("FEEDBACK_REAL_FEED", default)) / "landing"
    if not folder.is_dir():
        pytest.skip("no real feed here")
    return folder


@pytest.mark.parametrize(("source", "expected"), [("intercom", "en"), ("social", "th")])
def test_real_feed(source: str, expected: str) -> None:
    lines = [
        json.loads(line)
        for path in sorted((_landing() / source).glob("*/feed.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    texts = [line["source"]["body"] if source == "intercom" else line["text"] for line in lines]
    right = detect(texts, [None] * len(texts)).count(expected)
    assert right / len(texts) >= 0.98
