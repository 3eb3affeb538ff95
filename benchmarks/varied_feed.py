"""A landing zone of any size, made from the sample feed.

Belongs here: how items are varied and laid out in files. Does not belong here: running anything
on them.

Every item is a record of `sample_feed` in its vendor's shape, of the same source and day, in turn:

- a native id and a customer of its own (a pool of half as many customers as items, so that some
  write more than once);
- numbers that stand alone get other digits, so order numbers, prices and minutes differ;
- words for a product become another product's in the same language (`PRODUCTS`);
- of texts with five words or more, each word is left out with probability 0.06, and each pair of
  neighbours changes places with probability 0.03; HTML tags stay where they are;
- one item in fifty is followed by its own redelivery, the same line again.

What a complaint is about survives, so clusters grow with the items rather than in number, and
short praise (``Great.``) repeats word for word, as it does in life. The same size and seed give
the same bytes.
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from resources.connectors import SOURCES
from resources.landing.payloads import Record
from resources.landing.records import read_records

SAMPLE_FEED = Path(__file__).parents[1] / "sample_feed" / "landing"
ITEMS_A_FILE = 5_000
TOKEN_KEY = "measured with this key, so both make the same tokens"
"""Secret under which whatever is measured masks the feed: tokens are words to the models."""
LEFT_OUT, SWAPPED, REDELIVERED = 0.06, 0.03, 0.02
PRODUCTS = (
    "wardrobe lamp sofa table chair rug mug desk shelf mirror basket mattress bench vase",
    "Schrank Lampe Sofa Tisch Stuhl Teppich Becher Regal Spiegel Matratze Bank Vase",
    "armoire lampe canapé table chaise tapis tasse bureau étagère miroir matelas vase",
    "armario lámpara sofá mesa silla alfombra taza escritorio espejo colchón banco jarrón",
    "armário candeeiro sofá mesa cadeira tapete caneca secretária espelho colchão banco jarra",
    "szafa lampa sofa stół krzesło dywan kubek biurko regał lustro materac ławka wazon",
    "armadio lampada divano tavolo sedia tappeto tazza scrivania specchio materasso panca vaso",
)
_OTHERS = {
    word: words
    for words in reversed([line.casefold().split() for line in PRODUCTS])
    for word in words
}
_IDS = frozenset(
    ("id", "reviewId", "response_id", "token", "landing_id", "post_id", "topic_id", "Response ID")
)
_TEXTS = frozenset(
    ("title", "body", "text", "subject", "description", "comment", "cooked", "raw", "content",
     "Comment", "answer", "topic_title")
)  # fmt: skip
_CUSTOMERS = frozenset(
    ("requester_id", "username", "author", "author_id", "authorName", "userName",
     "reviewerNickname")
)  # fmt: skip
_NOT_THE_CUSTOMERS = frozenset(("developerComment", "conversation_parts", "custom_fields"))
_FIRST = "Ada Bruno Carla Dario Emma Felix Greta Hugo Ines Jonas Klara Liam Mara Nils Olga Paul"
_LAST = "Abbot Bauer Costa Duval Ekman Ferro Gray Hansen Ivers Jung Keller Lopes Moreau Novak"
_NUMBER = re.compile(r"(?<![\w.&#;-])\d{1,7}(?![\w.;-])|(?<=MRL-)\d+")
_WORD = re.compile(r"\w+")
_TAGS = re.compile(r"(<[^>]*>)")


def write_varied_feed(root: Path, items: int, seed: int = 20260601) -> int:
    """Write `items` items to the landing zone `root`, redeliveries not counted; returns lines.

    Sources and days keep their shares of the sample feed.
    """
    partitions = {folder: list(_records(folder)) for folder in sorted(SAMPLE_FEED.glob("*/*"))}
    in_all = sum(len(records) for records in partitions.values())
    lines = begun = taken = 0
    for folder, records in partitions.items():
        taken += len(records)
        until = items * taken // in_all
        target = root / folder.parent.name / folder.name
        target.mkdir(parents=True, exist_ok=True)
        made = _Variation(random.Random(f"{seed} {folder.name} {folder.parent.name}"), items)
        for number, first in enumerate(range(begun, until, ITEMS_A_FILE)):
            last = min(first + ITEMS_A_FILE, until)
            with (target / f"part-{number:04}.jsonl").open("wb") as file:
                for item in range(first, last):
                    line = made.line(records[(item - begun) % len(records)], item)
                    again = 2 if made.chance.random() < REDELIVERED else 1
                    file.write(line * again)
                    lines += again
        begun = until
    return lines


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    containers = SOURCES[folder.parent.name].containers
    for path in sorted(folder.iterdir()):
        with path.open("rb") as stream:
            for outcome in read_records(stream, path.name, containers):
                if isinstance(outcome, Record):
                    yield outcome.value


class _Variation:
    """Variations of records, from one stream of chance."""

    def __init__(self, chance: random.Random, items: int) -> None:
        self.chance = chance
        self._customers = items // 2 + 1

    def line(self, record: dict[str, Any], item: int) -> bytes:
        """`record` as the `item`-th item: one line of JSON."""
        customer = self.chance.randrange(self._customers)
        varied = {
            key: _named(value, item) if key in _IDS else self._vary(key, value, customer)
            for key, value in record.items()
        }
        return orjson.dumps(varied, option=orjson.OPT_APPEND_NEWLINE)

    def _vary(self, key: str, value: Any, customer: int) -> Any:
        if key in _CUSTOMERS:
            return _customer(value, customer)
        if key in _NOT_THE_CUSTOMERS:
            return value
        if isinstance(value, dict):
            return {k: self._vary(k, v, customer) for k, v in value.items()}
        if isinstance(value, list):
            return [self._vary(key, each, customer) for each in value]
        if key in _TEXTS and isinstance(value, str):
            return self._text(value)
        return value

    def _text(self, text: str) -> str:
        text = _NUMBER.sub(lambda number: self._digits(number[0]), text)
        text = _WORD.sub(lambda word: self._product(word[0]), text)
        if "<" not in text:
            return self._words(text)
        pieces = _TAGS.split(text)
        return "".join(p if p.startswith("<") else self._words(p) for p in pieces)

    def _digits(self, number: str) -> str:
        least = 10 ** (len(number) - 1)
        return str(self.chance.randrange(least, 10 * least))

    def _product(self, word: str) -> str:
        others = _OTHERS.get(word.casefold())
        if others is None:
            return word
        other = others[self.chance.randrange(len(others))]
        return other.capitalize() if word[0].isupper() else other

    def _words(self, text: str) -> str:
        words = text.split(" ")
        if len(words) < 5:
            return text
        chance = self.chance.random
        kept = [word for word in words if chance() >= LEFT_OUT]
        for at in range(len(kept) - 1):
            if chance() < SWAPPED:
                kept[at], kept[at + 1] = kept[at + 1], kept[at]
        return " ".join(kept)


def _named(value: Any, item: int) -> Any:
    """An id as the vendor writes them, of this item alone."""
    number = 10**9 + item
    if isinstance(value, int):
        return number
    if isinstance(value, str) and value.isdigit():
        return str(number)
    if isinstance(value, str) and value.count("-") == 4:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
    return f"m-{number}"


def _customer(value: Any, customer: int) -> Any:
    first, last = _FIRST.split(), _LAST.split()
    name = f"{first[customer % len(first)]} {last[customer // len(first) % len(last)]}"
    if isinstance(value, dict):
        return {
            **value,
            "id": f"{customer:012x}",
            "name": name,
            "email": f"{name.casefold().replace(' ', '.')}.{customer}@example.com",
        }
    if isinstance(value, int):
        return 360_000_000_000 + customer
    if isinstance(value, str) and value.isdigit():
        return str(1_700_000_000_000_000_000 + customer)
    return f"{name.replace(' ', '_').casefold()}_{customer}"
