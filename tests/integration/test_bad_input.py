"""Whatever lands: each record is kept or quarantined by name, and its neighbours go on."""

from __future__ import annotations

import gzip
from pathlib import Path

import orjson

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.contract_check import check_contract
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import run_step
from feedback_assets.silver.silver_step import SILVER
from tests.conftest import DAY, Land, rows

SURVEY = Partition(DAY, "survey")
ANSWER = orjson.dumps({"response_id": "good", "answer": "Payment fails at checkout"})
FILES: dict[str, bytes] = {
    "big.jsonl": orjson.dumps({"response_id": "big", "answer": "x " * 5_000_000}) + b"\n" + ANSWER,
    "nul.jsonl": b'{"response_id":"n1","answer":"null\\u0000byte"}\n{"answer":"raw\x00nul"}\n',
    "empty.jsonl": b"",
    "cut.jsonl.gz": gzip.compress(b'{"answer":"slow app"}\n' * 2000)[:40],
    "utf16.jsonl": '{"answer":"hé"}'.encode("utf-16"),
    "notes.txt": b"hello",
    "fake.parquet": b"PAR1nope",
    "deep.jsonl": b"[" * 200_000 + b"\n",
    "half.jsonl": b'{"response_id":"h","answer":"cut',
    "_writing.jsonl": b'{"half',
}
HELD = {
    "big.jsonl#1": "record_too_large",
    "nul.jsonl#2": "broken_json",
    "cut.jsonl.gz#1": "truncated_gzip",
    "utf16.jsonl#1": "invalid_encoding",
    "notes.txt#1": "unsupported_file_type",
    "fake.parquet#1": "broken_parquet",
    "deep.jsonl#1": "broken_json",
    "half.jsonl#1": "truncated_record",
}


def write(runtime: Runtime, name: str, content: bytes) -> None:
    folder = Path(runtime.landing_root) / "survey" / DAY.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def run(runtime: Runtime) -> None:
    for step in (BRONZE, SILVER):
        run_step(step, [SURVEY], runtime)
        found = check_contract(step.writes, [SURVEY], runtime.lakehouse, step.row_for_row, "test")
        assert found[SURVEY].problems == []


def test_each_bad_record_is_named_and_the_rest_goes_on(runtime: Runtime) -> None:
    for name, content in FILES.items():
        write(runtime, name, content)
    run(runtime)
    held = {
        row["origin"].removeprefix(f"survey/{DAY}/"): row["reason"].partition(":")[0]
        for row in rows(runtime, "quarantine")
    }
    assert held == HELD
    texts = {row["native_id"]: row["text"] for row in rows(runtime, "silver_feedback")}
    assert texts == {"good": "Payment fails at checkout", "n1": "nullbyte"}
    whole = max(rows(runtime, "quarantine"), key=lambda row: len(row["raw"]))
    assert whole["raw"].encode() == FILES["big.jsonl"].split(b"\n")[0]


def test_a_file_completed_later_is_taken_whole(runtime: Runtime) -> None:
    write(runtime, "half.jsonl", FILES["half.jsonl"])
    run(runtime)
    assert len(rows(runtime, "quarantine")) == 1
    write(runtime, "half.jsonl", FILES["half.jsonl"] + b' off no more"}\n')
    run(runtime)
    assert rows(runtime, "quarantine") == []
    assert [row["text"] for row in rows(runtime, "silver_feedback")] == ["cut off no more"]


def test_the_same_file_under_another_name_adds_nothing(runtime: Runtime, land: Land) -> None:
    records = [{"response_id": f"s{n}", "answer": f"late again {n}"} for n in range(5)]
    land("survey", records, name="a.jsonl")
    run(runtime)
    land("survey", records, name="b.jsonl")
    run(runtime)
    assert len(rows(runtime, "bronze_feedback")) == 10
    assert len(rows(runtime, "silver_feedback")) == 5
