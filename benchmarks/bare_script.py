"""The whole path without the platform: what the pipeline is measured against.

    python -m benchmarks.bare_script LANDING MODELS OUT

Belongs here: the same work on each item, by the same pure functions, in one process of plain
Python and Polars: read, parse, clean, mask, tell languages apart, relate deliveries, four model
stages, clusters, triage, validation, insights, ticket texts. Does not belong here: anything a
platform adds. There is no Spark, no Dagster and no Delta; no contract is enforced or checked,
nothing is quarantined by contract, no run can be resumed, and no other partition is looked at.

Each stage's table is written as one parquet file and stays in memory for the next. Seconds by
stage and counts are written to ``OUT/bare.json``.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pyarrow as pa

from benchmarks.varied_feed import TOKEN_KEY
from feedback_assets.contracts.identity import feedback_id, sha256_hex
from feedback_assets.contracts.partitions import SOURCES as SOURCE_NAMES
from feedback_assets.contracts.tables import BRONZE_FEEDBACK
from feedback_assets.contracts.taxonomy import SEVERITIES
from feedback_assets.gold.model_store import load, version_in_force
from feedback_assets.gold.stages import STAGES, Stamp
from feedback_assets.silver.canonical import canonicaliser
from feedback_assets.tickets.draft import draft
from feedback_assets.tickets.evidence import QUOTES_SHOWN
from feedback_assets.tickets.facts import ClusterFacts, Quote
from feedback_assets.triage.clustering import assign
from feedback_assets.triage.routing import Routing
from resources.connectors import SOURCES
from resources.connectors.base import UnreadableItem
from resources.landing.payloads import Record
from resources.landing.records import read_records
from resources.landing.zone import LandingFile, LandingZone
from resources.tracker.local_file import document

BATCH_ROWS = 8192
"""Rows a batch of Spark work holds, here as there."""
READ = pa.schema([pa.field(f.name, f.type) for f in BRONZE_FEEDBACK.schema])
NO_CLUSTERS = pa.table(
    {
        "cluster_id": pa.array([], pa.string()),
        "cluster_label": pa.array([], pa.string()),
        "terms": pa.array([], pa.list_(pa.int32())),
        "weights": pa.array([], pa.list_(pa.float32())),
    }
)
LEADING = 2 * QUOTES_SHOWN
TELLING_LENGTH = range(20, 91)
COUNTED = {
    "sources": "source",
    "versions": "product_version",
    "platforms": "platform",
    "countries": "country",
    "tiers": "customer_tier",
    "segments": "segment",
    "languages": "language",
    "sentiments": "sentiment",
}
OF_LEADING_ITEM = (
    "cluster_id", "sub_category", "priority_score", "lane", "owner_team", "queue", "rule_ids",
    "rule_version", "root_cause_type", "action", "model_version",
)  # fmt: skip
OF_SIZES = (
    "size", "customers", "first_seen", "last_seen", "confidence_min", "confidence_mean",
    "confidence_max",
)  # fmt: skip


class _Script:
    """The stages in order, each timed and written."""

    def __init__(self, landing: str, models: Path, out: Path) -> None:
        self._landing = LandingZone(landing)
        self._models = models
        self._out = out
        self.seconds: dict[str, float] = {}
        self.rows: dict[str, int] = {}

    def run(self) -> None:
        bronze = self._stage("bronze_feedback", self._read)
        silver = self._stage("silver_feedback", lambda: _related(_canonical(bronze)))
        gold = self._gold(silver)
        clusters = self._stage("feedback_clusters", lambda: _clusters(gold))
        triage = self._stage("triage", lambda: _triage(gold, clusters))
        validated = self._stage("validated_feedback", lambda: _validated(triage, gold))
        self._stage("insights_daily", lambda: _insights(validated, gold))
        self._stage("tickets", lambda: self._tickets(validated, gold, clusters, triage, silver))

    def _stage(self, name: str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        started = time.monotonic()
        made = make()
        made.write_parquet(self._out / f"{name}.parquet")
        self.seconds[name] = time.monotonic() - started
        self.rows[name] = made.height
        return made

    def _read(self) -> pl.DataFrame:
        now = dt.datetime.now(dt.UTC)
        batches = []
        held: list[dict[str, Any]] = []
        for file in self._landing.walk(SOURCE_NAMES):
            for row in _file_rows(self._landing, file):
                row["ingested_at"] = now
                held.append(row)
                if len(held) == BATCH_ROWS:
                    batches.append(pa.RecordBatch.from_pylist(held, schema=READ))
                    held = []
        batches.append(pa.RecordBatch.from_pylist(held, schema=READ))
        return _frame(pa.Table.from_batches(batches))

    def _gold(self, silver: pl.DataFrame) -> pl.DataFrame:
        model = load(self._models, version_in_force(self._models))
        stamp = Stamp("bare", dt.datetime.now(dt.UTC))
        read = silver.filter(pl.col("duplicate_of").is_null())
        found = read.select("day", "source", "feedback_id", "text", "language", "rating")
        found = found.with_columns(
            # Nothing is looked for here: a script of this kind would not.
            attempts=pl.lit(
                [], pl.List(pl.Struct({"start": pl.Int32, "end": pl.Int32, "quote": pl.String}))
            ),
            suspect=pl.lit(False),
        )

        def infer(stage: str, rows: pl.DataFrame) -> pl.DataFrame:
            return _mapped(rows, lambda batch: STAGES[stage].infer(batch, model, stamp))

        def joined(rows: pl.DataFrame, finding: pl.DataFrame, *names: str) -> pl.DataFrame:
            return rows.join(finding.select("feedback_id", *names), on="feedback_id")

        text = found
        tone = self._stage("gold_sentiment", lambda: infer("gold_sentiment", text))
        topics = self._stage("gold_topics", lambda: infer("gold_topics", text))
        labels = ("primary_category", "sub_category", "severity", "evidence_spans", "confidence")
        known = joined(joined(text, topics, *labels), tone, "sentiment")
        cause = self._stage("gold_root_cause", lambda: infer("gold_root_cause", known))
        caused = joined(known, cause, "root_cause_summary", "root_cause_type")
        advice = self._stage("gold_recommendation", lambda: infer("gold_recommendation", caused))
        facts = topics.select(
            "feedback_id", "categories", "primary_category", "sub_category", "severity",
            "severity_confidence", "evidence_spans",
            pl.col("confidence").alias("category_confidence"),
            pl.col("provenance").struct.field("model_version"),
        )  # fmt: skip
        tones = tone.select(
            "feedback_id", "sentiment", pl.col("confidence").alias("sentiment_confidence")
        )
        causes = cause.select("feedback_id", "root_cause_summary", "root_cause_type")
        actions = advice.select("feedback_id", "action", "action_detail")

        def together() -> pl.DataFrame:
            rows = read
            for finding in (facts, tones, causes, actions):
                rows = rows.join(finding, on="feedback_id", how="left")
            return rows

        return self._stage("gold_feedback", together)

    def _tickets(
        self,
        validated: pl.DataFrame,
        gold: pl.DataFrame,
        clusters: pl.DataFrame,
        triage: pl.DataFrame,
        silver: pl.DataFrame,
    ) -> pl.DataFrame:
        due = validated.filter(
            (pl.col("validation_state") == "auto_approved")
            & pl.col("open_ticket")
            & pl.col("cluster_id").is_not_null()
        ).select(pl.col("cluster_id").unique())
        members = (
            validated.drop("day", "source")
            .join(due, on="cluster_id", how="semi")
            .join(
                gold.drop("sentiment", "severity", "action", "categories", "primary_category"),
                on="feedback_id",
            )
            .join(clusters.select("feedback_id", "cluster_label"), on="feedback_id")
            .join(triage.select("feedback_id", "rule_ids", "rule_version"), on="feedback_id")
            .drop("origin", strict=False)
            .join(silver.select("feedback_id", "origin"), on="feedback_id")
        )
        folder = self._out / "tickets"
        folder.mkdir()
        numbers: Counter[str] = Counter()
        rows = []
        for facts in _facts(members):
            issue = draft(facts)
            numbers[issue.queue] += 1
            key = f"{issue.queue}-{numbers[issue.queue]}"
            text = document(key, issue, dt.datetime.now(dt.UTC))
            (folder / f"{key}.md").write_text(text, encoding="utf-8")
            rows.append({"ticket_key": key, "cluster_id": facts.cluster_id, "title": issue.title})
        return pl.DataFrame(
            rows, schema={"ticket_key": pl.String, "cluster_id": pl.String, "title": pl.String}
        )


def _file_rows(zone: LandingZone, file: LandingFile) -> Iterator[dict[str, Any]]:
    connector = SOURCES[file.source]
    base = {"day": file.day, "source": file.source, "received_at": file.modified}
    with zone.open(file.path) as stream:
        for record in read_records(stream, file.path, connector.containers):
            if not isinstance(record, Record):
                continue
            try:
                item = connector.read(record.value)
            except UnreadableItem:
                continue
            digest = sha256_hex(record.payload)
            native_id = item.native_id or f"sha256-{digest[:16]}-1"
            yield {
                **base,
                "feedback_id": feedback_id(file.source, native_id, digest),
                "native_id": native_id,
                "payload": record.payload,
                "payload_format": record.payload_format,
                "payload_header": record.payload_header,
                "payload_sha256": digest,
                "origin": f"{file.path}#{record.line}",
            }


def _frame(table: pa.Table) -> pl.DataFrame:
    made = pl.from_arrow(table)
    assert isinstance(made, pl.DataFrame)
    return made


def _mapped(
    rows: pl.DataFrame, function: Callable[[pa.RecordBatch], pa.RecordBatch]
) -> pl.DataFrame:
    made = []
    for part in rows.iter_slices(BATCH_ROWS):
        table = part.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
        plain = table.cast(pa.schema([(f.name, _plain(f.type)) for f in table.schema]))
        made += [function(batch) for batch in plain.to_batches() if batch.num_rows]
    return _frame(pa.Table.from_batches(made))


def _plain(kind: pa.DataType) -> pa.DataType:
    """Arrow's large variants, which Polars makes, as the functions' plain ones."""
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _plain(field.type)) for field in kind])
    return kind


def _canonical(bronze: pl.DataFrame) -> pl.DataFrame:
    canonicalise = canonicaliser(SOURCES, TOKEN_KEY.encode())

    def batch_of(batch: pa.RecordBatch) -> pa.RecordBatch:
        made = next(iter(canonicalise(batch)))
        at = made.schema.get_field_index("source_metadata")
        pairs = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
        # Polars has no maps.
        return pa.RecordBatch.from_arrays(
            [c.cast(pairs) if n == at else c for n, c in enumerate(made.columns)],
            names=made.schema.names,
        )

    return _mapped(bronze, batch_of)


def _related(rows: pl.DataFrame) -> pl.DataFrame:
    """Revisions, redeliveries and resubmissions, as `silver.duplicates` tells them."""
    said = ["source", "native_id", "content_hash", "rating"]
    item = ["source", "native_id"]
    submission = [pl.coalesce("customer_token", "feedback_id"), pl.col("content_hash")]
    rows = rows.sort("day", "source", "origin")
    rows = rows.filter(pl.struct(said).is_first_distinct() & pl.col("_quarantined").is_null())
    another = pl.col("native_id").first().over(submission) != pl.col("native_id")
    return rows.with_columns(
        pl.int_range(1, pl.len() + 1).over(item).cast(pl.Int32).alias("revision"),
        pl.col("feedback_id").shift(1).over(item).alias("supersedes"),
        pl.when(another).then(pl.col("feedback_id").first().over(submission)).alias("duplicate_of"),
    ).drop("_quarantined", "_raw")


def _clusters(gold: pl.DataFrame) -> pl.DataFrame:
    complaint = (pl.col("sentiment") != "positive") & ~pl.col("sub_category").is_in(
        ["praise", "noise"]
    )
    complaints = gold.filter(complaint).with_columns(pl.col("product").fill_null(""))
    complaints = complaints.sort("day", "created_at", "feedback_id")
    assigned = _frame(
        assign(complaints.to_arrow(compat_level=pl.CompatLevel.oldest()), NO_CLUSTERS)
    )
    keyed = assigned.join(
        gold.select("feedback_id", "day", "source", "primary_category"), on="feedback_id"
    )
    others = gold.filter(~complaint).select("feedback_id", "day", "source", "primary_category")
    return pl.concat([keyed, others], how="diagonal")


def _triage(gold: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    members = clusters.drop_nulls("cluster_id")
    asked = members.select("cluster_id", "day").unique()

    def until_each_day(*by: str) -> pl.DataFrame:
        counted = members.group_by("cluster_id", pl.col("day").alias("_day"), *by).len("_items")
        before = asked.join(counted, on="cluster_id").filter(pl.col("_day") <= pl.col("day"))
        return before.group_by("cluster_id", "day", *by).agg(pl.col("_items").sum().cast(pl.Int64))

    # The feed holds three days, so all that came before came in the week before.
    sizes = until_each_day().select(
        "cluster_id",
        "day",
        pl.col("_items").alias("cluster_size"),
        pl.col("_items").alias("cluster_size_7d"),
    )
    areas = until_each_day("primary_category").rename({"_items": "area_size"})
    facts = (
        gold.join(clusters.select("feedback_id", "cluster_id"), on="feedback_id", how="left")
        .join(sizes, on=["cluster_id", "day"], how="left")
        .join(areas, on=["cluster_id", "day", "primary_category"], how="left")
        .with_columns(
            (pl.col("area_size") / pl.col("cluster_size")).alias("cluster_agreement"),
            pl.col("cluster_size", "cluster_size_7d").fill_null(0),
            pl.col("evidence_spans").list.len().cast(pl.Int32).alias("evidence_count"),
        )
        .select(
            "day", "source", "feedback_id", "cluster_id", "language", "sentiment",
            "sentiment_confidence", "primary_category", "categories", "sub_category",
            "category_confidence", "severity", "severity_confidence", "root_cause_type", "action",
            "customer_tier", "country", "rating", "evidence_count", "cluster_size",
            "cluster_size_7d", "cluster_agreement",
        )
    )  # fmt: skip
    routing = Routing.from_file(None)
    routes = _mapped(facts, lambda batch: routing.route_batch(batch, "confident"))
    return pl.concat(
        [facts.select("day", "source", "feedback_id", "cluster_id"), routes], how="horizontal"
    )


def _validated(triage: pl.DataFrame, gold: pl.DataFrame) -> pl.DataFrame:
    state = pl.when("auto_approve").then(pl.lit("auto_approved")).otherwise(pl.lit("pending"))
    by_rule = pl.lit("rules ") + pl.col("rule_ids").list.join(", ")
    found = gold.select(
        "feedback_id", "sentiment", "categories", "primary_category", "severity", "action",
        pl.col("category_confidence").alias("confidence"),
    )  # fmt: skip
    return (
        triage.join(found, on="feedback_id", how="left")
        .with_columns(
            state.alias("validation_state"),
            pl.when("auto_approve").then(by_rule).alias("decision_reason"),
        )
        .drop("rule_ids", "rule_version", "auto_approve")
    )


def _insights(validated: pl.DataFrame, gold: pl.DataFrame) -> pl.DataFrame:
    return (
        validated.join(gold.select("feedback_id", "rating"), on="feedback_id", how="left")
        .group_by("day", "source", "primary_category", "sentiment", "severity", "lane")
        .agg(
            pl.len().alias("items"),
            (pl.col("validation_state") == "auto_approved").sum().alias("auto_approved"),
            (pl.col("validation_state") == "pending").sum().alias("pending"),
            pl.col("rating").mean().alias("mean_rating"),
        )
    )


def _facts(members: pl.DataFrame) -> Iterator[ClusterFacts]:
    ranks = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    sizes = members.group_by("cluster_id").agg(
        pl.len().alias("size"),
        pl.when(pl.col("customer_token").is_not_null().all())
        .then(pl.col("customer_token").n_unique())
        .alias("customers"),
        pl.col("day").min().alias("first_seen"),
        pl.col("day").max().alias("last_seen"),
        pl.col("confidence").min().alias("confidence_min"),
        pl.col("confidence").mean().alias("confidence_mean"),
        pl.col("confidence").max().alias("confidence_max"),
        pl.col("severity").replace_strict(ranks).quantile(0.8, "lower").alias("severity_rank"),
    )
    counts: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for fact, column in COUNTED.items():
        counted = members.drop_nulls(column).group_by("cluster_id", column).len()
        for cluster, value, number in counted.iter_rows():
            counts[cluster][fact][value] = number
    weightiest = (
        members.with_columns(
            pl.len().over("cluster_id", "primary_category").alias("_alike"),
            pl.len().over("cluster_id", "primary_category", "sub_category").alias("_same_matter"),
        )
        .sort(
            ["_alike", "_same_matter", "priority_score", "confidence", "day", "feedback_id"],
            descending=[True, True, True, True, False, False],
        )
        .group_by("cluster_id", maintain_order=True)
        .head(LEADING)
    )
    leading: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in weightiest.iter_rows(named=True):
        leading[row["cluster_id"]].append(row)
    for size in sizes.sort("cluster_id").iter_rows(named=True):
        yield _cluster_facts(size, counts[size["cluster_id"]], leading[size["cluster_id"]])


def _cluster_facts(
    size: dict[str, Any], counts: dict[str, dict[str, int]], items: list[dict[str, Any]]
) -> ClusterFacts:
    first, telling = items[0], max(items, key=_tells)
    facts: dict[str, Any] = {name: first[name] for name in OF_LEADING_ITEM}
    facts |= {name: size[name] for name in OF_SIZES}
    facts |= {fact: counts.get(fact, {}) for fact in COUNTED}
    return ClusterFacts(
        **facts,
        label=first["cluster_label"] or "",
        category=first["primary_category"],
        severity=SEVERITIES[int(size["severity_rank"])],
        root_cause_summary=telling["root_cause_summary"],
        action_detail=telling["action_detail"],
        quotes=[_quote(item) for item in items[:QUOTES_SHOWN]],
        run_id="bare",
    )


def _tells(item: dict[str, Any]) -> tuple[bool, bool, bool]:
    said: str = item["root_cause_summary"]
    return "[" not in said, len(said) in TELLING_LENGTH, item["language"] == "en"


def _quote(row: dict[str, Any]) -> Quote:
    said = " … ".join(span["quote"] for span in row["evidence_spans"] or ()) or row["text"]
    return Quote(
        row["feedback_id"], row["source"], row["day"], row["language"], said, row["origin"]
    )


def main() -> None:
    """Run the script on the command line's landing zone, models and target folder."""
    landing, models, out = sys.argv[1:]
    folder = Path(out)
    folder.mkdir(parents=True)
    started = time.monotonic()
    script = _Script(landing, Path(models), folder)
    script.run()
    report = {
        "wall": time.monotonic() - started,
        "seconds": script.seconds,
        "rows": script.rows,
    }
    (folder / "bare.json").write_bytes(orjson.dumps(report))


if __name__ == "__main__":
    main()
