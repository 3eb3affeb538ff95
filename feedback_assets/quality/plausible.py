"""What no source sends in earnest, whatever came before: shares held against fixed bounds.

Belongs here: the check `plausibility`. Does not belong here: comparisons with earlier days.
"""

from __future__ import annotations

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import PLAUSIBILITY, QualityRules
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.quality.moved import what_to_do
from feedback_assets.quality.reference import Profile

OUT_OF = {
    "one_text": "submitted",
    "quarantined": "landed",
    "future_dates": "volume",
    "no_words": "volume",
}
"""What each oddity is a share of, a feature of the profile; unread ratings are of those given."""
WORDS = {
    "one_text": "bear one and the same text",
    "quarantined": "could not be read (see the table quarantine)",
    "future_dates": "claim to be written after they were received",
    "unread_ratings": "bear a rating outside of its scale",
    "no_words": "hold no word",
}


def judge_plausibility(partition: Partition, profile: Profile, rules: QualityRules) -> Finding:
    """All oddities in one finding; its value is the share nearest to, or furthest past, its bound.

    An oddity with fewer items than its rule wants is not judged.
    """
    finding = Finding(rows=profile.items("volume"))
    nearest, judged = -1.0, 0
    for name, rule in rules.plausibility.items():
        odd = profile.items(name)
        items = profile.items(OUT_OF[name]) if name in OUT_OF else odd + _read_ratings(profile)
        if items < rule.least_items:
            continue
        judged += 1
        share = odd / items
        relative = share / rule.most if rule.most else float(share > 0) * 2
        if relative > nearest:
            nearest, finding.value, finding.threshold = relative, share, rule.most
            finding.good = (
                f"{share:.0%} of {items:,} {WORDS[name]}, up to {rule.most:.0%} is let pass; "
                "the other shares lie further below theirs"
            )
        if share > rule.most:
            finding.report(
                f"{odd:,} of {items:,} items ({share:.0%}) {WORDS[name]}; at most "
                f"{rule.most:.0%} is let pass",
                odd,
                rule.action,
            )
    if not judged:
        finding.too_little = f"{profile.items('landed')} items landed"
    if finding.problems:
        listed = "\n".join(f"- {problem}" for problem in finding.problems)
        finding.shown = f"{listed}\n\n{what_to_do(partition, PLAUSIBILITY)}"
    return finding


def _read_ratings(profile: Profile) -> int:
    return profile.items("rating") - profile.counts["rating"].get("none", 0)
