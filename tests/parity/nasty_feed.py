"""Landing files that engines may read differently.

Belongs here: rows at the edges of types, times, scripts and order. Does not belong here: what
becomes of them: both engines must make the same of each.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conftest import review, ticket
from tests.parity.worker import DAYS

DOWN = "The whole shop has been down since this morning, nothing loads and I cannot order"
CHARGED = "I was charged twice for the same order and nobody has refunded me, this is outrageous"

TEXTS = (
    "😡😡😡 the app 🤦🏽‍♀️ crashes when I pay 👨‍👩‍👧‍👦",
    "التطبيق يتعطل كل مرة أفتح فيها السلة بعد التحديث الأخير",
    "האפליקציה קורסת בכל פעם, version 5.2.0, מאז העדכון",
    "\u202eoverridden to the left\u202c and back, still no refund",
    "Zalgo t̶̢̛e̵͎͝x̷̱̓t̸ crashes at checkout",
    "e\u0301te\u0301 and été are the same summer, late delivery",
    "nul \u0000 in the middle of a late parcel",
    "\ufeffbyte order mark first, then no order confirmation",
    "tab\tand\r\nCRLF and\u2028line separator and\u0085next line: no refund",
    "quotes ' \" ` \\ \\n %s {} $1 ; -- DROP TABLE, refund please",
    "<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp;amp; payment fails</p>",
    "支付失败了三次，客服没有回复。订单一直没有确认。",
    "ﬁrst ﬀ ligatures ½ ² ① ｆｕｌｌｗｉｄｔｈ, the search finds nothing",
    "a" * 20_000 + " crash",
    "refund " * 3_000,
    "?!",
    "👍",
    "0",
    "null",
    "NaN",
    "mail me at ada.lovelace@example.com or +44 20 7946 0958, card 4111 1111 1111 1111",
)
INSTANTS = (
    "2026-06-01T00:00:00Z",
    "2026-05-31T23:59:59.999999Z",
    "2026-06-02T00:00:00.000001+00:00",
    "2026-06-02T13:59:59+14:00",
    "2026-06-01T12:00:00-12:00",
    "2026-03-08T02:30:00-05:00",
    "2026-03-29T01:30:00+00:00",
    "1990-01-01T00:00:00Z",
    "1990-01-01T00:00:00+00:01",
    "2099-12-31T23:59:59Z",
    1780272000,
    1780272000123,
    0,
    -1,
    1e308,
    "9" * 40,
    "yesterday",
    "2026-02-30",
    "",
    None,
)
SCORES: tuple[Any, ...] = (
    1,
    5,
    0,
    -1,
    6,
    3.5,
    1e-7,
    10**30,
    "4",
    "４",
    "five",
    "",
    None,
    True,
    [],
    {},
    "1.0",
    "NaN",
)


def write_nasty_feed(root: Path) -> None:
    """Write the files into the landing zone `root`, on `DAYS`, each time the same."""
    one, two, three = DAYS
    _write(root / "app_store" / one / "nasty.jsonl", [*_texts(), *_instants(), *_scores()])
    _write(root / "zendesk" / one / "nasty.jsonl", [*_customers(one), *_broken()])
    _write(root / "zendesk" / two / "nasty.jsonl", _customers(two))
    _write(root / "zendesk" / three / "nasty.jsonl", _customers(three))
    # The same lines on another day, and under another name on the same.
    _write(root / "app_store" / two / "nasty.jsonl", [*_texts(), *_edited()])
    _write(root / "app_store" / two / "nasty again ünïcode 100%.jsonl", _texts()[:5])
    _write(root / "app_store" / three / "nasty.jsonl", _edited())
    _write(root / "social" / two / "nasty.jsonl", _posts())
    (root / "social" / three).mkdir(parents=True, exist_ok=True)
    (root / "social" / three / "empty.jsonl").write_bytes(b"")
    (root / "survey" / two / "nasty.csv").write_bytes(_SURVEY)


def _texts() -> list[Any]:
    return [review(f"text-{n}", text, score=1) for n, text in enumerate(TEXTS)] + [
        review("blank", ""),
        review("spaces", " \t\n "),
        review("", "no id of its own, and it crashes"),
        review("", "no id of its own, and it crashes"),
        review("naïve-ïd-😡", "an id in many scripts, search broken"),
    ]


def _instants() -> list[Any]:
    return [review(f"at-{n}", f"{DOWN}. No {n}", at=at) for n, at in enumerate(INSTANTS)]


def _scores() -> list[Any]:
    return [
        review(f"score-{n}", f"{CHARGED}. No {n}", score=score, thumbsUpCount=10**n)
        for n, score in enumerate(SCORES)
    ]


def _edited() -> list[Any]:
    """Second and third words under ids that were used before, one of them as it first was."""
    return [
        review("text-0", "Now it works, thank you"),
        review("text-1", TEXTS[1], score=5),
        review("text-2", TEXTS[2], score=1),
        review("text-3", "edited twice"),
        review("text-3", "edited twice, and again"),
    ]


def _customers(day: str) -> list[Any]:
    """One customer sends the same on every day, others share words, ids grow beyond 64 bits."""
    at = f"{day}T09:00:00Z"
    number = int(day[-2:]) * 1000
    return [
        ticket(number + 1, CHARGED, requester_id=7, created_at=at),
        ticket(number + 2, CHARGED, requester_id=8, created_at=at),
        ticket(number + 3, f"  {CHARGED.upper()}  ", requester_id=7, created_at=at),
        ticket(10**25 + number, DOWN, requester_id=10**25, created_at=at),
        ticket(number + 4, DOWN, requester_id=None, created_at=at, custom_fields=None),
        ticket(number + 5, "", requester_id=9, subject="", created_at=at),
        ticket(number + 6, "", requester_id=9, subject="Only a subject: refund?", created_at=at),
        ticket(
            number + 7,
            "Nothing arrives in Lisbon, parcel lost",
            requester_id=1.5,
            created_at=at,
            tags=["a,b", "", "ü", "'"],
            custom_fields=[
                {"id": "customer_tier", "value": "Business"},
                {"id": "country", "value": "O'Neill's land"},
                {"id": "product", "value": ""},
                {"id": "app_version", "value": 5.20},
            ],
        ),
        ticket(77, f"{DOWN}, version of {day}", requester_id=7, created_at=at),
    ]


def _broken() -> list[Any]:
    return [
        b"{",
        b"not json at all",
        b'{"id": 1, "description": "cut in the mid',
        b"[]",
        b"null",
        b"42",
        b'{"id": 2, "description": "bad \xff\xfe bytes"}',
        b'{"id": 3, "description": "half of a pair \\ud83d crashes", '
        b'"created_at": "2026-06-01T09:00:00Z", "requester_id": 1}',
        b'{"id": 4, "id": 5, "description": "two ids crash"}',
        b'{"id": 1e400, "description": "no such number"}',
        b"",
        b'{"id": 6, "description": {"nested": "no text"}}',
        ticket(9, "closed and gone", status="deleted"),
        ticket(10, "x" * 1_100_000),
    ]


def _posts() -> list[Any]:
    return [
        {
            "post_id": f"p-{n}",
            "created_at": "2026-06-02T00:00:00Z",
            "platform": ("x", "", None, "Mastodon")[n % 4],
            "text": text,
            "author": f"someone {n % 3}",
            "like_count": (0, -1, 2**63, 1e300, "12", None)[n % 6],
            "language": ("xx", "EN", "en-GB", None, "", 5)[n % 6],
        }
        for n, text in enumerate(TEXTS)
    ]


_SURVEY = (
    "Response ID,Submitted At,Question,Comment,Score,Score Scale,Country,Customer Tier,"
    "App Version\n"
    'N-1,2026-06-02T05:31:40Z,Why?,"two\nlines, and ""quotes""",0,0=worst .. 10=best,DE,,5.2.0\n'
    "N-2,2026-06-02T05:31:40Z,Why?,,10,0=worst .. 10=best,,,\n"
    "N-3,2026-06-02T05:31:40Z,Why?,Refund never came,10.0,0=worst .. 10=best,ZA,PLUS,\n"
    "N-4,2026-06-02T05:31:40Z,Why?,Refund never came,11,0=worst .. 10=best,ZA,plus,\n"
    "N-5,too,few\n"
    "N-6,2026-06-02T05:31:40Z,Why?,Refund never came 🙃,,,,,\n"
    "N-7,2026-06-02T05:31:40Z,Why?,no scale is told for this late parcel,7,,,,\n"
).encode()


def _write(path: Path, records: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False).encode()
        for record in records
    ]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
