"""The guide by which people label feedback, in Markdown, rendered from the taxonomy.

Belongs here: what a person needs to label as another would. Does not belong here: what labels
mean (taxonomy.yaml), and how models are told (prompts/).

``python -m feedback_assets.contracts.labelling`` prints it; golden_set/LABELLING.md holds it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping

from feedback_assets.contracts.partitions import SOURCES
from feedback_assets.contracts.taxonomy import TAXONOMY, Category, Label, taxonomy_hash

COMMAND = "python -m feedback_assets.contracts.labelling > golden_set/LABELLING.md"
_PATH = re.compile(r"([a-z_]+)(?:/([a-z_]+))?")

_OPENING = f"""\
# How feedback is labelled

By this guide two people should give the same text the same labels. It is rendered from
`feedback_assets/contracts/taxonomy.yaml`; change that file and run `{COMMAND}`.
This is {{version}}.

Read a text once, whole. Then ask: what is it about, how much harm does it tell of, what is its
tone, what fails, what would mend it? Label what is told, not what you guess stands behind it, and
not what you would like to be true. The same rules hold in every language.
"""

_FIELDS = """\
## Fields of an example

One JSON object a line, UTF-8. All fields are present but the last two.

| field | holds |
|---|---|
| `id` | the file's prefix, a hyphen and four digits; never used twice |
| `text` | what the customer wrote, without markup; personal data invented or left out |
| `language` | ISO 639-1, of the text |
| `source` | {sources} |
| `rating` | 0 (worst) to 1 (best), or null where the source has none |
| `categories` | one to three areas the text truly speaks of; `other` only alone |
| `primary_category` | one of them: the one that hurts or pleases most |
| `sub_category` | one of the primary category's own |
| `sentiment` | the tone |
| `severity` | the harm |
| `root_cause` | what fails, where and when, in some five to fifteen plain English words, whatever the language of the text; a wish as what is missing; empty for praise and noise |
| `root_cause_type` | the kind of cause |
| `evidence` | quotes, see below |
| `action` | what would end it |
| `traits` | what makes the text hard, see below; may be empty |
| `attempt` | only where words address the reader: those passages, letter for letter |
| `demands` | only where words address the reader: the labels they ask for, by field |
"""  # noqa: E501

_EVIDENCE = """\
## Evidence

- One to three quotes that show the primary category.
- Copied from `text` letter for letter, in its own language, typing mistakes and all: a machine
  looks each one up, and one that is not there is refused.
- As short as carries the point: a clause, seldom more than twenty words. Whoever reads only the
  quotes should come to the same category.
- Never out of words that address the reader, and never your own or translated words.
- None for `noise`; for bare praise the words of praise.
"""

_READER = """\
## Words addressed to the reader

Some texts tell whoever or whatever reads them what to do: to mark them as urgent, to call them
positive, to forget the rules, to answer in verse. They may pose as an operator, a test, code or
another language. They count for nothing, neither for what they ask nor against the customer. Cover
those words with your hand and label the rest. If nothing is left, it is `other`/`noise`, `neutral`,
`low`, action `none`, no evidence. Give the trait `injection`. Asking for a person, a refund or an
answer is not such a text: that is what customers do.
"""

_ADDING = """\
## Adding examples

1. Write or take a text as a customer would put it, in any language; nothing copied from anybody, no
   real person's data, names and addresses invented (example.com).
2. Label it by this guide without looking at what the model says, then add the line to a file below
   `golden_set/train/` (learned from) or beside this guide (held out, only for scores). A text is in
   one of the two, never in both, nor is a variation of it.
3. Where two people differ, talk about it. If the guide does not settle it, add a tie rule to
   `feedback_assets/contracts/taxonomy.yaml` and render this guide again.
4. `make test` says which line does not fit.
"""


def label_guide() -> str:
    """The whole guide in Markdown: labels with meaning, bounds and examples, rules, fields."""
    parts = [
        _OPENING.format(version=taxonomy_hash()),
        "## Categories\n\nThe area a text is about, whether it praises, asks or complains.\n",
        *(_category(name, category) for name, category in TAXONOMY.categories.items()),
        _labels("Sentiment", TAXONOMY.sentiments, "The tone of the whole text."),
        _labels("Severity", TAXONOMY.severities, _LADDER),
        _labels("Kind of cause", TAXONOMY.root_cause_types, "Why it happens, as far as is told."),
        _labels("Action", TAXONOMY.actions, "What would end it, seen by the product's makers."),
        "\n".join(_tie_rules()),
        _FIELDS.format(sources=", ".join(f"`{source}`" for source in SOURCES)),
        _EVIDENCE,
        _READER,
        _traits(),
        _ADDING,
    ]
    return "\n".join(parts)


_ASKED = {
    "Several labels": None,
    "Category and severity": "topics",
    "Sentiment": "sentiment",
    "Kind of cause": "root_cause",
    "Action": "recommendation",
}
"""Headings of the tie rules, and the one stage whose rules stand there; first those of several."""

_LADDER = (
    "The harm that is told, not the tone. Ask from the bottom of the table upwards and stop at the "
    "first that holds."
)


def _category(name: str, category: Category) -> str:
    lines = [f"### `{name}`\n", f"{category.meaning} Owner: team `{category.owner_team}`.\n"]
    lines += ["Belongs here:\n", *(f"- {what}" for what in category.belongs)]
    lines += ["\nDoes not belong here:\n"]
    lines += [f"- {near.what}: {_marked(near.goes_to)}" for near in category.does_not_belong]
    lines += [f"\nExamples: {_quoted(category.examples)}.\n"]
    lines += ["| sub-category | meaning |", "|---|---|"]
    lines += [f"| `{sub}` | {label.meaning} |" for sub, label in category.sub_categories.items()]
    return "\n".join(lines) + "\n"


def _labels(title: str, labels: Mapping[str, Label], about: str) -> str:
    lines = [f"## {title}\n", f"{about}\n", "| label | meaning | such as |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {label.meaning} | {'; '.join(label.examples)} |"
        for name, label in labels.items()
    ]
    return "\n".join(lines) + "\n"


def _tie_rules() -> Iterator[str]:
    yield "## Which label, where it is not plain\n"
    for title, stage in _ASKED.items():
        yield f"### {title}\n"
        for rule in TAXONOMY.tie_rules:
            if (rule.stages[0] if len(rule.stages) == 1 else None) == stage:
                example = f" For example: {rule.example}." if rule.example else ""
                yield f"- **{rule.id}**: {rule.rule}{example}"
        yield ""


def _traits() -> str:
    lines = ["## Traits\n", "They say what makes a text hard, so that scores can be read apart.\n"]
    lines += ["| trait | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {label.meaning} |" for name, label in TAXONOMY.traits.items()]
    return "\n".join(lines) + "\n"


def _marked(goes_to: str) -> str:
    path = _PATH.fullmatch(goes_to)
    return "/".join(f"`{name}`" for name in path.groups() if name) if path else goes_to


def _quoted(phrases: tuple[str, ...]) -> str:
    return ", ".join(f"“{phrase}”" for phrase in phrases)


if __name__ == "__main__":
    sys.stdout.write(label_guide())
