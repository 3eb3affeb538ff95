"""The same complaint in other words gets the same cluster.

Belongs here: who joins whom, and what a new cluster is called. Does not belong here: what a
complaint's vector is (`complaint_terms`), reading and writing tables, Spark.

Leader clustering: an item joins the cluster whose representative is nearest by cosine, if it is
near enough and the two share enough that tells, else it founds a cluster. A cluster's founder
may be odd, so a few items that joined the founder directly represent it too; what joined through
those represents nobody, which keeps clusters from growing into chains.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from feedback_assets.contracts.taxonomy import SUB_CATEGORIES
from feedback_assets.triage.complaint_terms import (
    ComplaintVector,
    complaint_vector,
    names_in,
    sub_category_term,
)
from feedback_assets.triage.representatives import Representatives

THRESHOLD = 0.4
NEAR_EXACT = 0.93
"""Cosine from which two items are one text, whatever they share."""
SECOND_HAND = 0.05
"""What joining through another than the founder needs beyond the threshold."""
ODD = 0.8
"""A member less like the founder than this represents the cluster too."""
MOST_REPRESENTATIVES = 6
FEWEST_TERMS = 2
"""Items with fewer telling terms join near-exact texts only."""
MANY_TERMS, EACH_BEYOND = 10, 0.015
"""Long texts share words by chance: what each term beyond so many adds to the threshold."""
NEEDED_EVIDENCE, SAME_SUB_CATEGORY = 1.75, 0.75
"""What two items must share, in `ComplaintVector.evidence`, and what an equal sub-category adds:
a trouble and a thing, a trouble under one sub-category, a telling name; never one word alone."""
EVERYDAY_FROM, EVERYDAY_SHARE = 8, 0.5
"""A name said by so many, and with no sub-category this often, tells no complaint."""
LABEL_WORDS = 4

_FIELDS: tuple[pa.Field[Any], ...] = (
    pa.field("feedback_id", pa.string()),
    pa.field("cluster_id", pa.string()),
    pa.field("similarity", pa.float64()),
    pa.field("cluster_label", pa.string()),
    pa.field("terms", pa.list_(pa.int32()), nullable=False),
    pa.field("weights", pa.list_(pa.float32()), nullable=False),
)
SCHEMA = pa.schema(_FIELDS)
_ITEM_COLUMNS = ("feedback_id", "text", "root_cause_summary", "sub_category", "product")
_REPRESENTATIVE_COLUMNS = ("cluster_id", "cluster_label", "terms", "weights")
_MASKED = re.compile(r"\[([a-z][a-z_]*)_[0-9a-f]+\]")
_SUB_CATEGORY_TERMS = frozenset(map(sub_category_term, SUB_CATEGORIES))


def assign(items: pa.Table, representatives: pa.Table, threshold: float = THRESHOLD) -> pa.Table:
    """The cluster of each item of one primary category.

    Args:
        items: `feedback_id`, `text` (masked), `root_cause_summary` (may be empty),
            `sub_category`, `product` (nullable), in the order in which they are to be taken:
            it decides who founds a cluster. Further columns (`language`) are not read.
        representatives: `cluster_id`, `cluster_label`, `terms`, `weights` of the category's
            clusters from other partitions; several rows of a cluster may stand, founder first.
        threshold: cosine from which an item joins a representative, 0 to 1.

    Returns:
        `SCHEMA`, one row an item in the items' order. An item with no content word has neither
        cluster nor similarity, and an empty vector.

    Raises:
        ValueError: for a threshold outside (0, 1] or a column that is missing.
    """
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold is {threshold}, expected more than 0 and at most 1")
    _require(items, "items", _ITEM_COLUMNS)
    _require(representatives, "representatives", _REPRESENTATIVE_COLUMNS)
    clusters = _Clusters(threshold)
    known = representatives.select(list(_REPRESENTATIVE_COLUMNS)).to_pylist()
    clusters.names = _names(items, known)
    for row in known:
        clusters.know(row["cluster_id"], row["cluster_label"], row["terms"], row["weights"])
    columns = (items.column(name).to_pylist() for name in _ITEM_COLUMNS)
    return _table([clusters.place(*row) for row in zip(*columns, strict=True)])


def founded_by(feedback_id: str) -> str:
    """The id of the cluster that this item founds."""
    return "c" + hashlib.sha256(feedback_id.encode()).hexdigest()[:12]


@dataclass(slots=True)
class _Placed:
    feedback_id: str
    cluster_id: str | None
    similarity: float | None
    label: str | None
    weights: dict[int, float]


@dataclass(slots=True)
class _Cluster:
    cluster_id: str
    label: str
    founder: int = -1
    representatives: int = 1


@dataclass(slots=True)
class _Clusters:
    """The clusters so far, and each text's, so that equal texts are looked up once."""

    threshold: float
    index: Representatives = field(default_factory=Representatives)
    of_representative: list[_Cluster] = field(default_factory=list)
    by_id: dict[str, _Cluster] = field(default_factory=dict)
    met: dict[tuple[str | None, ...], tuple[ComplaintVector, int, float]] = field(
        default_factory=dict
    )
    of_text: dict[str, int] = field(default_factory=dict)
    names: dict[int, bool] = field(default_factory=dict)

    def know(
        self, cluster_id: str, label: str | None, terms: list[int], weights: list[float]
    ) -> None:
        """Adds one representative of a cluster of another partition."""
        vector = dict(zip(terms, weights, strict=True))
        if not vector:
            return
        cluster = self.by_id.get(cluster_id)
        if cluster is None:
            self._found(cluster_id, label or "", vector)
        elif cluster.representatives < MOST_REPRESENTATIVES:
            self._represent(cluster, vector)

    def place(
        self,
        feedback_id: str,
        text: str | None,
        summary: str | None,
        sub_category: str | None,
        product: str | None,
    ) -> _Placed:
        """Joins the item to a cluster or founds one."""
        plain = " ".join((text or "").casefold().split())
        if "[" in plain:
            plain = _MASKED.sub(r"\1", plain)
        key = (plain, summary, sub_category, product)
        if (known := self.met.get(key)) is None:
            vector = complaint_vector(text or "", summary or "", sub_category, product, self.names)
            if not vector.weights:
                return _Placed(feedback_id, None, None, None, {})
            twin = self.of_text.get(plain)
            near, similarity = (
                self._nearest(vector)
                if twin is None
                else (twin, self.index.cosine(vector.weights, twin))
            )
            if near < 0:
                near = self._found(founded_by(feedback_id), _label(vector), vector.weights)
                similarity = 1.0
            elif twin is None:
                self._widen(near, similarity, vector.weights)
            self.of_text.setdefault(plain, near)
            known = self.met[key] = (vector, near, similarity)
        vector, near, similarity = known
        cluster = self.of_representative[near]
        return _Placed(
            feedback_id, cluster.cluster_id, min(similarity, 1.0), cluster.label, vector.weights
        )

    def _nearest(self, vector: ComplaintVector) -> tuple[int, float]:
        best, best_similarity = -1, 0.0
        for number, similarity in self.index.near(vector.weights, vector.evidence):
            if similarity > best_similarity and self._same(vector, number, similarity):
                best, best_similarity = number, similarity
        return best, best_similarity

    def _same(self, vector: ComplaintVector, number: int, similarity: float) -> bool:
        if similarity >= NEAR_EXACT:
            return True
        founder = self.of_representative[number].founder == number
        needed = self.threshold if founder else self.threshold + SECOND_HAND
        other = self.index.vectors[number]
        needed += EACH_BEYOND * max(0, min(vector.content, len(other)) - MANY_TERMS)
        if similarity < min(needed, NEAR_EXACT) or vector.content < FEWEST_TERMS:
            return False
        shared = sum(vector.evidence.get(term, 0.0) for term in other)
        alike = any(term in vector.weights for term in other.keys() & _SUB_CATEGORY_TERMS)
        return shared + SAME_SUB_CATEGORY * alike >= NEEDED_EVIDENCE

    def _widen(self, near: int, similarity: float, weights: dict[int, float]) -> None:
        cluster = self.of_representative[near]
        if (
            near == cluster.founder
            and similarity < ODD
            and cluster.representatives < MOST_REPRESENTATIVES
        ):
            self._represent(cluster, weights)

    def _found(self, cluster_id: str, label: str, weights: dict[int, float]) -> int:
        cluster = self.by_id[cluster_id] = _Cluster(cluster_id, label)
        cluster.founder = self.index.add(weights)
        self.of_representative.append(cluster)
        return cluster.founder

    def _represent(self, cluster: _Cluster, weights: dict[int, float]) -> None:
        self.index.add(weights)
        self.of_representative.append(cluster)
        cluster.representatives += 1


def _label(vector: ComplaintVector) -> str:
    return " ".join(vector.words[:LABEL_WORDS])


def _names(items: pa.Table, representatives: list[dict[str, Any]]) -> dict[int, bool]:
    """Names of this category, and whether each tells a complaint or goes with all of them.

    A name is spelt with a capital inside by two items, or stands in a representative (any of
    its terms may be handed on: only names' own terms are looked for).
    """
    said: defaultdict[int, Counter[str | None]] = defaultdict(Counter)
    texts = zip(
        items.column("text").to_pylist(), items.column("sub_category").to_pylist(), strict=True
    )
    for text, sub_category in dict(texts).items():
        for name in names_in(text or ""):
            said[name][sub_category] += 1
    known = {name for name, counts in said.items() if counts.total() > 1}
    for row in representatives:
        about = next((str(t) for t in row["terms"] if t in _SUB_CATEGORY_TERMS), None)
        for term in row["terms"]:
            known.add(term)
            said[term][about] += 1
    return {name: not _goes_with_all(said[name]) for name in known}


def _goes_with_all(counts: Counter[str | None]) -> bool:
    if counts.total() < EVERYDAY_FROM:
        return False
    most = max((count for about, count in counts.items() if about is not None), default=0)
    return most < EVERYDAY_SHARE * counts.total()


def _table(placed: list[_Placed]) -> pa.Table:
    offsets = list(itertools.accumulate((len(item.weights) for item in placed), initial=0))
    terms = pa.array([term for item in placed for term in item.weights], pa.int32())
    weights = pa.array([w for item in placed for w in item.weights.values()], pa.float32())
    bounds = pa.array(offsets, pa.int32())
    return pa.Table.from_arrays(
        [
            pa.array([item.feedback_id for item in placed], pa.string()),
            pa.array([item.cluster_id for item in placed], pa.string()),
            pa.array([item.similarity for item in placed], pa.float64()),
            pa.array([item.label for item in placed], pa.string()),
            pa.ListArray.from_arrays(bounds, terms),
            pa.ListArray.from_arrays(bounds, weights),
        ],
        schema=SCHEMA,
    )


def _require(table: pa.Table, name: str, columns: tuple[str, ...]) -> None:
    if missing := [column for column in columns if column not in table.column_names]:
        raise ValueError(f"{name} lacks the columns {missing}, it has {table.column_names}")
