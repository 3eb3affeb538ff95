"""Calls, tokens and cost of the cascade for real items, beside asking for everything.

Run: ``python -m benchmarks.model_cost ../shared/real_feed/landing [--items 1000]``

Three ways over the same items, by the same count of tokens (a token is four characters, schema
included) and the same prices:

- cascade: tier 1 first, and only its doubts are asked, several items to a request;
- every stage: each stage asked about each item, one item to a request;
- one prompt: all stages' instructions in one prompt, asked about each item.

The scripted model is always right. On the golden set that makes the last two perfect by
construction; what the cascade reaches there is printed beside its cost.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from benchmarks.scripted_reader import PerfectReader
from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.gold.answers import ANSWERS
from feedback_assets.gold.evaluation.contenders import contender
from feedback_assets.gold.evaluation.evaluate import evaluate
from feedback_assets.gold.language_model.cascade import Cascade
from feedback_assets.gold.language_model.confidence import AS_STATED
from feedback_assets.gold.language_model.doubts import FACTS
from feedback_assets.gold.language_model.questions import content_of
from feedback_assets.gold.model_store import (
    load,
    load_suspicion,
    train_and_keep,
    version_in_force,
)
from feedback_assets.gold.prompts import Prompt, active_versions, read_prompt
from feedback_assets.gold.recommendation import RuleBook
from feedback_assets.gold.stages import Stamp
from feedback_assets.gold.suspicion import FILE
from feedback_assets.pipeline.model_plan import ModelPlan, Prices
from feedback_assets.pipeline.runtime import Runtime, build_runtime
from feedback_assets.pipeline.step import run_step
from feedback_assets.silver.silver_step import SILVER
from resources.landing.zone import LandingZone
from resources.llm.base import Usage
from resources.llm.scripted import ScriptedModel
from resources.settings import Settings

PRICES = Prices(input=2.50, cached=1.25, output=10.00)
"""Euros or dollars a million tokens; only the ratios matter here."""
CHARACTERS_A_TOKEN = 4
STAGES = ("translation", "sentiment", "topics", "root_cause", "recommendation")
PASSED_ON = {
    "translation": ("english",),
    "sentiment": ("sentiment",),
    "topics": ("primary_category", "sub_category", "severity", "evidence_spans", "confidence"),
    "root_cause": ("root_cause_summary", "root_cause_type"),
    "recommendation": (),
}


@dataclass
class Spent:
    """What one way of asking took."""

    calls: int = 0
    read: int = 0
    written: int = 0

    def add(self, read: int, written: int) -> None:
        """Count one request, in characters."""
        self.calls += 1
        self.read += read // CHARACTERS_A_TOKEN
        self.written += written // CHARACTERS_A_TOKEN

    def line(self, name: str, least: Spent) -> str:
        """A line of the table; ratios to `least`."""
        tokens = self.read + self.written
        ratio = tokens / (least.read + least.written)
        cost = PRICES.cost(Usage(self.read, 0, self.written))
        return f"| {name} | {self.calls:,} | {tokens:,} | {cost:.2f} | {ratio:.1f} |"


def main() -> None:
    """Print both tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("landing", type=Path)
    arguments.add_argument("--items", type=int, default=1000)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), landing=str(asked.landing.absolute()))
        train_and_keep(settings.golden_set / "train", settings.models_folder)
        runtime = build_runtime(settings, "benchmark")
        batch = silver(runtime, asked.items)
        print(f"{batch.num_rows} items of {asked.landing.name}\n")
        least, reader = cascade(runtime, batch)
        print("| way | calls | tokens | cost | tokens to cascade |\n|---|---:|---:|---:|---:|")
        print(least.line("cascade", least))
        whole = everything(runtime, batch, reader)
        print(whole["every stage"].line("every stage for every item", least))
        print(whole["one prompt"].line("one prompt for every item", least))
        shutil.rmtree(settings.lakehouse_root)
        golden(runtime, settings.golden_set)


def silver(runtime: Runtime, count: int) -> pa.RecordBatch:
    """The first `count` clean items of the landing zone, by id: an even mix of sources."""
    files = LandingZone(runtime.landing_root).walk(SOURCES)
    partitions = sorted({Partition(file.day, file.source) for file in files})
    for step in (BRONZE, SILVER):
        run_step(step, partitions, runtime)
    names = ["day", "source", "feedback_id", "text", "language", "rating"]
    found = runtime.lakehouse.scan("silver_feedback", names, "duplicate_of IS NULL").read_all()
    # Views of strings, as the reader gives them, can't be sorted.
    plain = [
        pa.field(f.name, pa.string() if "view" in str(f.type) else f.type) for f in found.schema
    ]
    found = found.cast(pa.schema(plain))
    ordered = found.sort_by("feedback_id").slice(0, count).combine_chunks()
    return ordered.to_batches()[0]


def cascade(runtime: Runtime, batch: pa.RecordBatch) -> tuple[Spent, PerfectReader]:
    """Both tiers over `batch`."""
    reader = PerfectReader()
    model = ScriptedModel(reader)
    both = _cascade(runtime, ModelPlan(model, prices=PRICES))
    tiers: dict[str, Counter[str]] = {}
    facts = batch
    for stage in STAGES:
        found = both.decide(stage, facts)
        made = found.column("provenance").to_pylist()
        tiers[stage] = Counter(row["tier"] for row in made if row["tier"] == "language_model")
        for name in PASSED_ON[stage]:
            facts = facts.append_column(name, found.column(name))
    asked = {stage: tally.total() for stage, tally in tiers.items()}
    print(f"Items answered by the language model, by stage: {asked}\n")
    spent = Spent()
    for request in model.requests:
        schema = len(json.dumps(request.answer.model_json_schema()))
        spent.add(len(request.system) + len(request.user) + schema, reader.written(request))
    return spent, reader


def everything(runtime: Runtime, batch: pa.RecordBatch, reader: PerfectReader) -> dict[str, Spent]:
    """Every stage for every item, one item a request; and one prompt for all stages."""
    prompts = _prompts(runtime)
    staged, single = Spent(), Spent()
    schemas = {stage: len(json.dumps(ANSWERS[stage].model_json_schema())) for stage in STAGES}
    judging = STAGES[1:]
    for row in batch.to_pylist():
        item = content_of({name: row[name] for name in ("text", "language", "rating")})
        answers = {stage: reader.length(stage, row["text"]) for stage in STAGES}
        wanted = judging if row["language"] in ("en", "und") else STAGES
        for stage in wanted:
            known = sum(len(name) + 14 for name in FACTS[stage][3:])
            staged.add(
                len(prompts[stage].system) + schemas[stage] + len(item) + known, answers[stage]
            )
        together = sum(len(prompts[stage].system) + schemas[stage] for stage in wanted)
        single.add(together + len(item), sum(answers[stage] for stage in wanted))
    return {"every stage": staged, "one prompt": single}


def golden(runtime: Runtime, golden_set: Path) -> None:
    """Quality on the golden set with a model that is always right."""
    plan = ModelPlan(ScriptedModel(PerfectReader.of(golden_set)), prices=PRICES)
    judged = evaluate(golden_set, contender(replace(runtime, model_plan=plan), golden_set))
    wanted = ("macro_f1", "accuracy", "standing", "precision_standing")
    print("\n| golden set, model always right | " + " | ".join(wanted) + " |")
    print("|---|" + "---:|" * len(wanted))
    for stage in STAGES[1:]:
        values = [judged.scores.value(stage, metric) for metric in wanted]
        print(f"| {stage} | " + " | ".join("–" if v is None else f"{v:.3f}" for v in values) + " |")


def _cascade(runtime: Runtime, plan: ModelPlan) -> Cascade:
    model = load(runtime.models_folder, version_in_force(runtime.models_folder))
    prompts = _prompts(runtime)
    stated = dict.fromkeys(prompts, AS_STATED)
    stamp = Stamp(runtime.run_id, datetime.now(UTC))
    guard = load_suspicion(runtime.models_folder, version_in_force(runtime.models_folder, FILE))
    return Cascade(
        model, guard, stamp, plan, prompts, runtime.lakehouse, stated, RuleBook.read(None)
    )


def _prompts(runtime: Runtime) -> dict[str, Prompt]:
    versions = active_versions(runtime.prompts_folder)
    return {s: read_prompt(runtime.prompts_folder, s, v) for s, v in versions.items()}


if __name__ == "__main__":
    main()
