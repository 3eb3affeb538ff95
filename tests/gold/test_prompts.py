"""Prompts are rendered whole, refused when they can't be, and never change once released."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedback_assets.contracts import taxonomy
from feedback_assets.gold.answers import ANSWERS, problems
from feedback_assets.gold.prompts import (
    PromptError,
    active_versions,
    read_prompt,
    release_problems,
)

ROOT = Path(__file__).parents[2]
PROMPTS = ROOT / "prompts"
LABELLING_STAGES = [stage for stage in ANSWERS if stage != "translation"]
TOKEN_AT_LEAST = re.compile(r"[^\W\d_]+(?:'[a-z]+)?|\d{1,3}")
"""What no tokenizer of the services makes less than one token of: a word, three digits."""
VOCABULARIES = {
    "sentiment": [taxonomy.SENTIMENTS],
    "topics": [taxonomy.CATEGORIES, taxonomy.SUB_CATEGORIES, taxonomy.SEVERITIES],
    "root_cause": [taxonomy.ROOT_CAUSE_TYPES],
    "recommendation": [taxonomy.ACTIONS],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the prompts, to be spoilt."""
    return Path(shutil.copytree(PROMPTS, tmp_path / "prompts"))


def worked_examples(stage: str) -> Iterator[tuple[str, str]]:
    """Text and finding of each example in a stage's active prompt."""
    system = read_prompt(PROMPTS, stage, active_versions(PROMPTS)[stage]).system
    yield from re.findall(r'^Text: "(.*)".*\n(\{.*\})$', system, re.MULTILINE)


def test_released_prompts_are_never_edited() -> None:
    assert release_problems(PROMPTS) == []


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_the_list_of_released_prompts_is_one_that_sha256sum_reads() -> None:
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    ended = subprocess.run(check, cwd=PROMPTS, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("stage", LABELLING_STAGES)
def test_a_prompt_explains_every_label_and_is_long_enough_to_be_cached(stage: str) -> None:
    system = read_prompt(PROMPTS, stage, active_versions(PROMPTS)[stage]).system
    names = [name for names in VOCABULARIES[stage] for name in names]
    assert [
        name for name in names if f"\n- {name}: " not in system and f"\n{name}: " not in system
    ] == []
    rules = [rule.rule for rule in taxonomy.TAXONOMY.tie_rules if stage in rule.stages]
    assert [rule for rule in rules if rule not in system] == []
    assert len(TOKEN_AT_LEAST.findall(system)) >= 1_024


@pytest.mark.parametrize("stage", LABELLING_STAGES)
def test_worked_examples_are_findings_that_pass_their_check(stage: str) -> None:
    examples = list(worked_examples(stage))
    answer = ANSWERS[stage].model_validate_json(
        f'{{"findings": [{",".join(finding for _, finding in examples)}]}}'
    )
    assert len(examples) >= 3
    assert [finding.item for finding in answer.findings] == [*range(1, len(examples) + 1)]
    for finding, (text, _) in zip(answer.findings, examples, strict=True):
        assert problems(stage, finding, text) == []
        assert list(json.loads(finding.model_dump_json())) == list(type(finding).model_fields)


def test_no_labelled_example_is_shown_to_a_model() -> None:
    shown = [text for stage in LABELLING_STAGES for text, _ in worked_examples(stage)]
    labelled = {
        json.loads(line)["text"].casefold()
        for path in (ROOT / "golden_set").rglob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    }
    told = [text for text in labelled if len(text) >= 20]
    leaks = [
        text
        for text in map(str.casefold, shown)
        if text in labelled or any(text in other or other in text for other in told)
    ]
    assert len(told) > 1_000
    assert leaks == []


def test_the_same_prompt_has_one_hash_and_a_changed_one_another(folder: Path) -> None:
    path = folder / "topics" / "v1.md"
    before = read_prompt(folder, "topics", "v1")
    assert read_prompt(PROMPTS, "topics", "v1") == before
    assert before.parameters == {"max_output_tokens": 450, "temperature": 0, "seed": 7}
    text = path.read_text(encoding="utf-8")
    hashes = {before.hash}
    for old, new in (
        ("seed: 7", "seed: 8"),
        ("# Severity", "# Harm"),
        ("description: ", "description: New. "),
    ):
        path.write_text(text.replace(old, new), encoding="utf-8")
        hashes.add(read_prompt(folder, "topics", "v1").hash)
    # The description is for people, and decides nothing.
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("---\nstage", "stage", "no front matter"),
        ("stage: topics", "stage: sentiment", "says stage 'sentiment'; expected 'topics'"),
        ("version: v1", "version: v2", "front matter says version 'v2'; expected 'v1'"),
        ("seed: 7\n", "", "seed: Field required"),
        ("seed: 7", "seed: 7\nmodel: best", "model: Extra inputs are not permitted"),
        ("temperature: 0", "temperature: 9", "temperature: Input should be less than or equal"),
        ("# Severity", "{{ harm }}", "'harm' is undefined; a prompt may name: taxonomy"),
        ("# Severity", "{% if %}", "a prompt may name: taxonomy"),
        ("# Severity", "{{ tie_rules.__class__ }}", "unsafe"),
    ],
)  # fmt: skip
def test_a_prompt_that_cannot_be_used_says_why(
    folder: Path, old: str, new: str, complaint: str
) -> None:
    path = folder / "topics" / "v1.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PromptError) as refused:
        read_prompt(folder, "topics", "v1")
    assert complaint in str(refused.value)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("stage", "version", "complaint"),
    [
        ("mood", "v1", "unknown stage 'mood'; known: translation, sentiment"),
        ("topics", "v99", "no version 'v99'; there: v1"),
        ("topics", "../sentiment/v1", "no version '../sentiment/v1'; there: v1"),
    ],
)
def test_an_unknown_prompt_is_named_beside_those_there_are(
    stage: str, version: str, complaint: str
) -> None:
    with pytest.raises(PromptError, match=re.escape(complaint)):
        read_prompt(PROMPTS, stage, version)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("topics: v1\n", "one line each expected for translation, sentiment"),
        ("- topics\n", "one line each expected"),
        ("a: [\n", "not YAML"),
        ("{translation: v1, sentiment: 1, topics: v1, root_cause: v1, recommendation: v1}",
         "versions are v1, v2, …; got sentiment: 1"),
    ],
)  # fmt: skip
def test_a_wrong_list_of_active_versions_says_what_it_should_hold(
    folder: Path, content: str, complaint: str
) -> None:
    (folder / "active.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(PromptError, match=re.escape(complaint)):
        active_versions(folder)


def test_a_folder_without_active_versions_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"active\.yaml: missing; it names the active version"):
        active_versions(tmp_path)


def test_an_edited_release_is_told_to_become_the_next_version(folder: Path) -> None:
    path = folder / "topics" / "v1.md"
    path.write_text(path.read_text(encoding="utf-8") + "\nBe quick.", encoding="utf-8")
    (problem,) = release_problems(folder)
    assert problem.startswith("topics/v1.md: released, and edited")
    assert "write your change as topics/v2.md" in problem


def test_a_release_may_not_go_away(folder: Path) -> None:
    (folder / "topics" / "v1.md").unlink()
    assert release_problems(folder)[0].startswith("topics/v1.md: released, and gone")


def test_a_draft_may_lie_there_but_not_run(folder: Path) -> None:
    draft = folder / "topics" / "v2.md"
    text = (folder / "topics" / "v1.md").read_text(encoding="utf-8")
    draft.write_text(text.replace("version: v1", "version: v2"), encoding="utf-8")
    assert release_problems(folder) == []
    active = folder / "active.yaml"
    active.write_text(active.read_text("utf-8").replace("topics: v1", "topics: v2"), "utf-8")
    (problem,) = release_problems(folder)
    assert problem.startswith("topics/v2.md: active, and a draft")
    digest = hashlib.sha256(draft.read_bytes()).hexdigest()
    with (folder / "SHA256SUMS").open("a", encoding="utf-8") as released:
        released.write(f"{digest}  topics/v2.md\n")
    assert release_problems(folder) == []


def test_a_line_that_lists_nothing_is_told(folder: Path) -> None:
    with (folder / "SHA256SUMS").open("a", encoding="utf-8") as released:
        released.write("topics/v2.md\n")
    (problem,) = release_problems(folder)
    assert problem.startswith("SHA256SUMS:6: expected a hash")
