"""An evaluation as one HTML page that needs nothing but itself.

Belongs here: the page as a whole, and how numbers are written on it. Does not belong here: what
stands there of a stage (`report_sections`), and how it looks (report.html.jinja).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from feedback_assets.gold.evaluation.configuration import Configuration
from feedback_assets.gold.evaluation.evaluate import Evaluation
from feedback_assets.gold.evaluation.measures import METRICS
from feedback_assets.gold.evaluation.report_sections import section

TITLES = {
    "translation": "Translation",
    "sentiment": "Sentiment",
    "topics": "Topics",
    "root_cause": "Root cause",
    "recommendation": "Recommendation",
}


def write_report(evaluation: Evaluation, path: Path, made_at: dt.datetime) -> Path:
    """Write the page to `path`, its folder made where it is missing; the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(evaluation, made_at), encoding="utf-8")
    return path


def render(evaluation: Evaluation, made_at: dt.datetime) -> str:
    """The page. The same evaluation and time give the same page."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "signed": signed, "words": words}
    template = (files(__package__) / "report.html.jinja").read_text(encoding="utf-8")
    now, before = evaluation.outcomes.configuration, evaluation.against
    return environment.from_string(template).render(
        evaluation=evaluation,
        made_at=made_at,
        configurations=list(_configurations(now, before.configuration if before else None)),
        stages=[section(evaluation, stage) for stage in evaluation.outcomes.frames],
        titles=TITLES,
    )


def number(value: float | None, kind: str = "share") -> str:
    """A value as it is read: shares with three places, counts with none, amounts with four."""
    if value is None:
        return "–"
    return {"share": f"{value:.3f}", "count": f"{value:,.0f}", "amount": f"{value:,.4f}"}[kind]


def signed(value: float, kind: str = "share") -> str:
    """A difference with its sign, a true minus."""
    said = number(abs(value), kind)
    zero = float(said.replace(",", "")) == 0
    return said if zero else f"{'+' if value > 0 else '−'}{said}"


def words(name: str) -> str:
    """A label or metric as words."""
    return METRICS[name].title if name in METRICS else name.replace("_", " ")


def _configurations(now: Configuration, before: Configuration | None) -> Iterator[dict[str, Any]]:
    def described(configuration: Configuration) -> dict[str, str]:
        return {
            "Configuration": configuration.configuration_hash,
            "Tier 1 model": configuration.model_version,
            "Language model": configuration.language_model or "none",
            "Prompts": _pairs(configuration.prompt_versions) or "none",
            "Recommendation rules": configuration.rules_version,
            "Taxonomy": configuration.taxonomy_hash,
            "Thresholds": _pairs(
                {
                    name: "never" if math.isinf(at) else f"{at:.3g}"
                    for name, at in configuration.thresholds.items()
                }
            ),
        }

    old = described(before) if before else {}
    for name, value in described(now).items():
        yield {"name": name, "now": value, "before": old.get(name)}


def _pairs(named: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(named.items()))
