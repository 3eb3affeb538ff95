"""What a language model answers, a closed schema a stage, and what a schema can't say.

Belongs here: the shape of answers, and the checks that make an answer a valid finding.
Does not belong here: asking, and how a finding becomes a row.

The schemas hold only what every service's structured outputs accept: types, closed lists of
names, all fields required, none added. Ranges, lengths and what fits together are checked here.
Fields are generated in the order they have here, so reasons come before labels. Docstrings of
findings are part of the schema, and so of a prompt's hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from feedback_assets.contracts.taxonomy import (
    ACTIONS,
    CATEGORIES,
    ROOT_CAUSE_TYPES,
    SENTIMENTS,
    SEVERITIES,
    SUB_CATEGORIES,
    TAXONOMY,
)
from feedback_assets.gold.evidence import LONGEST
from feedback_assets.gold.quotes import locate, locate_all

__all__ = ["ANSWERS", "Answer", "Finding", "locate", "locate_all", "problems"]

if TYPE_CHECKING:
    _Category = str
    _SubCategory = str
    _Sentiment = str
    _Severity = str
    _RootCauseType = str
    _Action = str
else:
    _Category, _SubCategory = Literal[CATEGORIES], Literal[SUB_CATEGORIES]
    _Sentiment, _Severity = Literal[SENTIMENTS], Literal[SEVERITIES]
    _RootCauseType, _Action = Literal[ROOT_CAUSE_TYPES], Literal[ACTIONS]

MOST_CATEGORIES = 3
LONGEST_SUMMARY = LONGEST
LONGEST_DETAIL = 240


class Finding(BaseModel):
    """What is found of one item; `item` is its number in the question."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    item: int

    def problems(self, text: str) -> Iterator[str]:
        """What is wrong with this finding about `text`, without a word of the text."""
        raise NotImplementedError


class TranslationFinding(Finding):
    """One item in English."""

    english: str

    def problems(self, text: str) -> Iterator[str]:
        """A translation has words."""
        if not self.english.strip():
            yield "english is empty"


class _Reasoned(Finding):
    rationale: str
    evidence: list[str]

    def _reasons(self, text: str, *, may_be_empty: bool) -> Iterator[str]:
        if not self.rationale.strip():
            yield "rationale is empty"
        if not self.evidence and not may_be_empty:
            yield "evidence is empty; quote the words that show it"
        for number, quote in enumerate(self.evidence, 1):
            if not quote.strip():
                yield f"evidence {number} is blank"
            elif locate(text, quote) is None:
                yield f"evidence {number} does not stand in the text; copy it word for word"


class SentimentFinding(_Reasoned):
    """Tone of one item."""

    sentiment: _Sentiment
    confidence: float

    def problems(self, text: str) -> Iterator[str]:
        """A tone needs words that show it, save for none."""
        yield from self._reasons(text, may_be_empty=self.sentiment == "neutral")
        yield from _not_a_probability("confidence", self.confidence)


class TopicsFinding(_Reasoned):
    """Product areas and severity of one item."""

    categories: list[_Category]
    primary_category: _Category
    sub_category: _SubCategory
    severity: _Severity
    confidence: float
    severity_confidence: float

    def problems(self, text: str) -> Iterator[str]:
        """Areas, primary area and sub-category fit together; noise and praise need no words."""
        yield from self._reasons(text, may_be_empty=self.sub_category in ("noise", "praise"))
        if not 1 <= len(self.categories) <= MOST_CATEGORIES:
            yield f"categories: 1 to {MOST_CATEGORIES} expected, got {len(self.categories)}"
        if len(set(self.categories)) < len(self.categories):
            yield "categories: one is named twice"
        if "other" in self.categories and len(self.categories) > 1:
            yield "categories: 'other' stands alone"
        if self.primary_category not in self.categories:
            yield f"primary_category {self.primary_category!r} is not among the categories"
        allowed = TAXONOMY.categories[self.primary_category].sub_categories
        if self.sub_category not in allowed:
            yield (
                f"sub_category {self.sub_category!r} is none of {self.primary_category!r}; "
                f"it has {', '.join(allowed)}"
            )
        yield from _not_a_probability("confidence", self.confidence)
        yield from _not_a_probability("severity_confidence", self.severity_confidence)


class RootCauseFinding(_Reasoned):
    """What fails in one item, and the kind of cause."""

    root_cause_summary: str
    root_cause_type: _RootCauseType
    confidence: float

    def problems(self, text: str) -> Iterator[str]:
        """Only where nothing fails may the summary, and with it the words, be missing."""
        silent = not self.root_cause_summary.strip()
        yield from self._reasons(text, may_be_empty=silent)
        if silent and self.root_cause_type != "other":
            yield "root_cause_summary is empty; only root_cause_type 'other' goes without"
        yield from _no_short_line("root_cause_summary", self.root_cause_summary, LONGEST_SUMMARY)
        yield from _not_a_probability("confidence", self.confidence)


class RecommendationFinding(_Reasoned):
    """The action that one item calls for."""

    action: _Action
    action_detail: str
    confidence: float

    def problems(self, text: str) -> Iterator[str]:
        """An action is told in a line; thanks and nothing to do need no words."""
        yield from self._reasons(text, may_be_empty=self.action in ("none", "thank_customer"))
        if self.action != "none" and not self.action_detail.strip():
            yield "action_detail is empty; only action 'none' goes without"
        yield from _no_short_line("action_detail", self.action_detail, LONGEST_DETAIL)
        yield from _not_a_probability("confidence", self.confidence)


F_co = TypeVar("F_co", bound=Finding, covariant=True)


class Answer(BaseModel, Generic[F_co]):
    """Findings about the items of one question, one an item."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    findings: list[F_co]


# Classes of their own: services refuse brackets in the name of a schema.
class TranslationAnswer(Answer[TranslationFinding]):
    """The items in English."""


class SentimentAnswer(Answer[SentimentFinding]):
    """Tone of the items."""


class TopicsAnswer(Answer[TopicsFinding]):
    """Product areas and severity of the items."""


class RootCauseAnswer(Answer[RootCauseFinding]):
    """What fails in the items."""


class RecommendationAnswer(Answer[RecommendationFinding]):
    """Actions that the items call for."""


ANSWERS: dict[str, type[Answer[Finding]]] = {
    "translation": TranslationAnswer,
    "sentiment": SentimentAnswer,
    "topics": TopicsAnswer,
    "root_cause": RootCauseAnswer,
    "recommendation": RecommendationAnswer,
}
"""The stages that ask a language model, in order, and what each answers."""


def problems(stage: str, finding: Finding, text: str) -> list[str]:
    """What makes `finding` of `stage` unusable for `text`, each a line; empty if nothing does.

    No line holds words of the text, so they may be recorded and sent back. Evidence that
    differs from the text in white space, case or quotation marks only is no problem:
    `locate_all` gives the text's own words. Raises `TypeError` for another stage's finding.
    """
    expected = ANSWERS[stage].model_fields["findings"].annotation
    if list[type(finding)] != expected:  # type: ignore[misc]
        raise TypeError(f"{type(finding).__name__} is no finding of stage {stage!r}")
    return list(finding.problems(text))


def _not_a_probability(name: str, value: float) -> Iterator[str]:
    if not 0 <= value <= 1:
        yield f"{name}: 0 to 1 expected"


def _no_short_line(name: str, value: str, longest: int) -> Iterator[str]:
    if len(value) > longest:
        yield f"{name}: {len(value)} characters, at most {longest} allowed"
    if len(value.splitlines()) > 1:
        yield f"{name}: one line expected"
