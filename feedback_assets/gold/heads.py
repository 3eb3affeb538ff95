"""The linear scores of tier 1 by number: which label each one speaks for.

Belongs here: the order of the heads, and what they have to do with each other.
Does not belong here: how a head is learned (`training_heads`) or turned to a probability
(`calibration`).
"""

from __future__ import annotations

import numpy as np

from feedback_assets.contracts.taxonomy import (
    CATEGORIES,
    ROOT_CAUSE_TYPES,
    SENTIMENTS,
    SEVERITIES,
    SUB_CATEGORIES,
    TAXONOMY,
)

ABOVE: tuple[str, ...] = tuple(f"above {severity}" for severity in SEVERITIES[:-1])
"""Severities are ordered, so their heads ask how much worse than the least: above low, above
medium, above high (Frank and Hall, "A simple approach to ordinal classification", 2001)."""
CAUSES: tuple[str, ...] = tuple(f"cause {kind}" for kind in ROOT_CAUSE_TYPES)
HEADS: tuple[str, ...] = (*CATEGORIES, *SENTIMENTS, *ABOVE, *SUB_CATEGORIES, *CAUSES)
"""One linear score each, in this order."""
CATEGORY_HEADS = slice(0, len(CATEGORIES))
SENTIMENT_HEADS = slice(CATEGORY_HEADS.stop, CATEGORY_HEADS.stop + len(SENTIMENTS))
SEVERITY_HEADS = slice(SENTIMENT_HEADS.stop, SENTIMENT_HEADS.stop + len(ABOVE))
SUB_HEADS = slice(SEVERITY_HEADS.stop, SEVERITY_HEADS.stop + len(SUB_CATEGORIES))
CAUSE_HEADS = slice(SUB_HEADS.stop, len(HEADS))

OTHER = CATEGORIES.index("other")
HOW_IT_RUNS = np.array([name in ("reliability", "performance") for name in CATEGORIES])
FUNCTIONS = np.array([name != "other" for name in CATEGORIES]) & ~HOW_IT_RUNS
"""Categories of how the product runs, and those of what it is for; masks over categories."""
PARENT = np.array(
    [
        number
        for number, category in enumerate(TAXONOMY.categories.values())
        for _ in category.sub_categories
    ]
)
"""The category, by number, of each sub-category."""
