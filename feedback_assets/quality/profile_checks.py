"""The checks that are judged on the profile: their names and what they promise.

Belongs here: names and descriptions. Does not belong here: judging (profile_judging.py).
"""

from __future__ import annotations

from feedback_assets.contracts.monitoring import FEEDBACK_PROFILE
from feedback_assets.contracts.quality_rules import (
    OVERRIDE_RATE,
    PLAUSIBILITY,
    PROFILE_CHECKS,
    SOURCE_FIELDS,
)
from feedback_assets.pipeline.work import Judging
from feedback_assets.quality.profile_judging import judge_profiles

WHAT = {
    PLAUSIBILITY: "Nothing that no source sends in earnest: one text again and again, rows that "
    "can't be read, dates to come, ratings off their scale.",
    SOURCE_FIELDS: "Fields of the payload are those the source sent before, in the same types.",
    OVERRIDE_RATE: "People rarely change findings that stood by themselves.",
    "drift_category": "Product areas are mixed as on the days before.",
    "drift_sentiment": "Tones are mixed as on the days before.",
    "drift_severity": "Severities are mixed as on the days before.",
    "drift_language": "Languages are mixed as on the days before.",
    "drift_rating": "Ratings are spread as on the days before.",
    "drift_text_length": "Texts are as long as on the days before.",
    "drift_unknown_words": "As few words are unknown to the model as on the days before.",
    "drift_confidence": "In each area the model is as confident as on the days before.",
    "drift_tiers": "As many items are left to each tier as on the days before.",
    "drift_invalid_answers": "The language model's answers are as usable as on the days before.",
    "drift_content_filter": "The content filter stops as few questions as on the days before.",
    "drift_source_mix": "Sources have the shares of the day that they had on the days before.",
    "drift_volume": "As many items came as on the days before.",
    "drift_latency": "An item takes as long as on the days before.",
    "drift_cost": "An item costs as much as on the days before.",
}
ADVICE = " What blocks, what warns and every threshold: contracts/quality_rules.yaml."

DRIFT = Judging(
    "feedback_profile_checks",
    FEEDBACK_PROFILE,
    {name: WHAT[name] + ADVICE for name in PROFILE_CHECKS},
    judge_profiles,
    deps=("gold_feedback",),
)
