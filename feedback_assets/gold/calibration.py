"""From scores to calibrated probabilities and decisions.

Belongs here: the maps, and what is decided by them. Does not belong here: how they are fitted
(`training_calibration`), the scores (`classifier`), and from where a finding stands (`guarantee`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from feedback_assets.contracts.taxonomy import CATEGORIES, ROOT_CAUSE_TYPES, SENTIMENTS
from feedback_assets.gold.heads import (
    CATEGORY_HEADS,
    FUNCTIONS,
    HOW_IT_RUNS,
    OTHER,
    PARENT,
    SENTIMENT_HEADS,
    SEVERITY_HEADS,
    SUB_HEADS,
)
from feedback_assets.gold.reliability import UNTESTED, Reliability

Probabilities = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated probabilities, a row a text.

    `categories` (n, 10) are independent of each other; `sentiment` (n, 3) and `severity` (n, 4)
    sum to 1, `said` (n, 3) is the tone by the words alone; `sub_categories` (n, 46) sum to 1
    within each category. `applies` (n, 10) says which categories are decided, `primary` (n) the
    one of most weight, `confidence` (n) the probability that it is among those a person names.
    `tone` (n) and `worst` (n) are the sentiment and the severity decided.
    """

    categories: Probabilities
    sentiment: Probabilities
    said: Probabilities
    tone: Index
    severity: Probabilities
    worst: Index
    sub_categories: Probabilities
    applies: Flags
    primary: Index
    confidence: Probabilities

    def take(self, rows: Index) -> Prediction:
        """The prediction of the given rows, in their order."""
        return Prediction(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True)
class Calibration:
    """Numbers that turn scores to probabilities.

    `platt` (2, 10): category scores, as 1 / (1 + exp(-(a * score + b))) (Platt, 1999), a pair a
    class. `thresholds` (10) decide each category. `primary` (3): confidence in the leading one,
    from the logits of the two best. Tone and severity are multinomial logistic models over their
    heads' scores and the text's form (`scored_texts.FORM`), columns last the bias; those of rated
    items read the rating's distance from the middle and its square too: `tone` (3, 9),
    `rated_tone` (3, 11), `severity` (4, 9), `rated_severity` (4, 11). `tone_rates` (3) and
    `severity_rates` (4) are how often each is found among the examples. `cause` (23): confidence
    in a kind of root cause, an offset for each kind and tone, then the slopes of the area's
    confidence and of the kind's own score. `actions`: confidence in what the rules advise.
    """

    platt: Probabilities
    thresholds: Probabilities
    primary: Probabilities
    tone: Probabilities
    rated_tone: Probabilities
    severity: Probabilities
    rated_severity: Probabilities
    tone_rates: Probabilities
    severity_rates: Probabilities
    cause: Probabilities
    actions: Reliability = UNTESTED

    def judge(
        self, scores: Probabilities, form: Probabilities, ratings: Probabilities
    ) -> Prediction:
        """Probabilities and decisions from scores (n, heads), form (n, 5), ratings (n, or nan)."""
        areas = sigmoid(self.platt[0] * scores[:, CATEGORY_HEADS] + self.platt[1])
        subs = sigmoid(scores[:, SUB_HEADS])
        totals = np.stack(
            [subs[:, number == PARENT].sum(axis=1) for number in range(len(CATEGORIES))], axis=1
        )
        applies, primary = decide(areas, self.thresholds)
        tones, levels = tone_evidence(scores, form), severity_evidence(scores, form)
        said = multinomial(tones, self.tone)
        sentiment = rated(tones, ratings, said, self.rated_tone)
        severity = rated(levels, ratings, multinomial(levels, self.severity), self.rated_severity)
        evidence = primary_evidence(leading(areas, self.thresholds))
        return Prediction(
            areas,
            sentiment,
            said,
            outstanding(sentiment, self.tone_rates),
            severity,
            outstanding(severity, self.severity_rates),
            subs / totals[:, PARENT],
            applies,
            primary,
            sigmoid(evidence @ self.primary[:2] + self.primary[2]),
        )

    def cause_confidence(
        self, kinds: Index, tones: Index, areas: Probabilities, scores: Probabilities
    ) -> Probabilities:
        """Probability that a person would name the same kind (n) of root cause, given the tone
        (n), the confidence in the area (n) and the scores of all kinds (n, 7)."""
        return sigmoid(cause_evidence(kinds, tones, areas, scores) @ self.cause)


def sigmoid(scores: Probabilities) -> Probabilities:
    """1 / (1 + exp(-score)), without overflow."""
    squashed: Probabilities = 1 / (1 + np.exp(-np.clip(scores, -35, 35)))
    return squashed


def logit(probabilities: Probabilities) -> Probabilities:
    """The inverse of `sigmoid`, held to one in a million at both ends."""
    held = np.clip(probabilities, 1e-6, 1 - 1e-6)
    scores: Probabilities = np.log(held / (1 - held))
    return scores


def multinomial(evidence: Probabilities, weights: Probabilities) -> Probabilities:
    """Probabilities (n, classes) of a multinomial logistic model; the last weight is the bias."""
    scores = evidence @ weights[:, :-1].T + weights[:, -1]
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    scaled: Probabilities = shares / shares.sum(axis=1, keepdims=True)
    return scaled


def tone_evidence(scores: Probabilities, form: Probabilities) -> Probabilities:
    """What the tone is read from, (n, 8)."""
    return np.hstack([scores[:, SENTIMENT_HEADS], form])


def severity_evidence(scores: Probabilities, form: Probabilities) -> Probabilities:
    """What the severity is read from, (n, 8)."""
    return np.hstack([scores[:, SEVERITY_HEADS], form])


def rating_evidence(evidence: Probabilities, ratings: Probabilities) -> Probabilities:
    """`evidence` with the rating's distance from the middle and its square."""
    middle = ratings - 0.5
    return np.column_stack([evidence, middle, middle**2])


def rated(
    evidence: Probabilities,
    ratings: Probabilities,
    said: Probabilities,
    weights: Probabilities,
) -> Probabilities:
    """`said`, with the model of rated items in its place where there is a rating (not nan)."""
    combined = said.copy()
    known = ~np.isnan(ratings)
    combined[known] = multinomial(rating_evidence(evidence[known], ratings[known]), weights)
    return combined


def outstanding(probabilities: Probabilities, rates: Probabilities) -> Index:
    """The class that stands out most against how often it occurs in the examples (n).

    The most probable one alone would hardly ever be critical, the rarest and the dearest to miss,
    and most often negative, for most examples are complaints, which the items of a source need
    not be. Dividing by the square root of the rate lies between that and treating all as equally
    common.
    """
    chosen: Index = (probabilities / np.sqrt(rates)).argmax(axis=1)
    return chosen


def cause_evidence(
    kinds: Index, tones: Index, areas: Probabilities, scores: Probabilities
) -> Probabilities:
    """What the confidence in a kind of root cause is read from, (n, 23)."""
    each = np.arange(len(kinds))
    evidence = np.zeros((len(kinds), len(ROOT_CAUSE_TYPES) * len(SENTIMENTS) + 2))
    evidence[each, kinds * len(SENTIMENTS) + tones] = 1.0
    evidence[:, -2], evidence[:, -1] = logit(areas), scores[each, kinds]
    return evidence


def leading(areas: Probabilities, thresholds: Probabilities) -> Probabilities:
    """`areas` without reliability and performance wherever a function of the product applies.

    That paying fails makes it a payment matter first: those who own the function act on it.
    """
    function_applies = ((areas >= thresholds) & FUNCTIONS).any(axis=1, keepdims=True)
    led: Probabilities = np.where(function_applies & HOW_IT_RUNS, 0.0, areas)
    return led


def decide(areas: Probabilities, thresholds: Probabilities) -> tuple[Flags, Index]:
    """Which categories apply, and the primary: the most probable that may lead.

    The primary always applies. ``other`` stands alone, and only where it is the most probable.
    """
    primary = leading(areas, thresholds).argmax(axis=1)
    applies = areas >= thresholds
    applies[:, OTHER] = False
    applies[primary == OTHER] = False
    applies[np.arange(len(areas)), primary] = True
    return applies, primary


def primary_evidence(led: Probabilities) -> Probabilities:
    """Logits of the most and second most probable category of `leading`, (n, 2)."""
    return logit(np.sort(led, axis=1)[:, :-3:-1])
