"""`feedback evaluate`: what options mean, and a prompt beside another through a real service."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rich.console import Console

from feedback_assets.evaluation_command import Asked, UnclearChoice, choices, run
from feedback_assets.gold.evaluation.contenders import IN_FORCE, Choice
from feedback_assets.gold.examples import read_examples
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.gold.language_model.golden_models import over_http, perfect
from tests.llm_server import API_KEY, LlmServer

GOLDEN_SET = Path(__file__).parents[1] / "golden_set"


def test_without_a_choice_what_is_in_force_is_judged() -> None:
    assert choices(Asked()) == (IN_FORCE, None)
    assert choices(Asked(stage="topics")) == (IN_FORCE, None)


def test_a_choice_is_held_against_another_or_what_is_in_force(tmp_path: Path) -> None:
    assert choices(Asked(stage="topics", prompt="v2", against="v1")) == (
        Choice(prompts={"topics": "v2"}), Choice(prompts={"topics": "v1"})
    )  # fmt: skip
    assert choices(Asked(model="tier1-a")) == (Choice(model_version="tier1-a"), IN_FORCE)
    rules = tmp_path / "rules.yaml"
    rules.touch()
    assert choices(Asked(rules=str(rules))) == (Choice(rules=rules), IN_FORCE)
    assert choices(Asked(thresholds=str(rules))) == (Choice(thresholds=rules), IN_FORCE)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Asked(stage="nonsense"), "expected one of translation, sentiment"),
        (Asked(prompt="v2"), "needs --stage"),
        (Asked(model="a", rules="b"), "one at a time"),
        (Asked(against="v1"), "--against needs"),
        (Asked(rules="nowhere.yaml"), "no file nowhere.yaml"),
    ],
)
def test_an_unclear_choice_is_refused(asked: Asked, says: str) -> None:
    with pytest.raises(UnclearChoice, match=says):
        choices(asked)


@pytest.fixture
def home(settings: Settings, models_folder: Path, tmp_path: Path) -> Settings:
    """A home with a trained model, and prompts among which is a draft."""
    shutil.copytree(models_folder, settings.models_folder)
    prompts = tmp_path / "prompts"
    shutil.copytree(settings.prompts, prompts)
    first = (prompts / "topics" / "v1.md").read_text(encoding="utf-8")
    draft = first.replace("version: v1", "version: v2") + "\nBe quick.\n"
    (prompts / "topics" / "v2.md").write_text(draft, encoding="utf-8")
    return settings.model_copy(update={"prompts": prompts})


def test_a_prompt_needs_a_language_model(home: Settings) -> None:
    with pytest.raises(UnclearChoice, match="FEEDBACK_LLM_SERVICE"):
        run(home, Asked(stage="topics", prompt="v2"), None, Console(quiet=True))


def test_thresholds_beside_those_in_force(home: Settings, tmp_path: Path) -> None:
    path = tmp_path / "thresholds.yaml"
    path.write_text("stands: {category: {payment: 0.0, search: .inf}}\n", encoding="utf-8")
    console = Console(record=True, width=100)
    done = run(home, Asked(stage="topics", thresholds=str(path)), tmp_path / "r.html", console)
    assert done.comparison is not None
    standing = done.comparison.differences["topics", "all", "standing"]
    assert standing.now != standing.before
    shown = console.export_text()
    assert "Share that stands" in shown
    assert "95% interval" in shown
    assert "payment" in (tmp_path / "r.html").read_text(encoding="utf-8")
    path.write_text("stands: {category: {nonsense: 0.5}}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no class 'nonsense'"):
        run(home, Asked(thresholds=str(path)), None, console)


def test_a_prompt_beside_another_asks_only_what_is_new(home: Settings, tmp_path: Path) -> None:
    examples = read_examples(GOLDEN_SET)
    right = perfect(examples)
    worse = perfect([{**example, "severity": "low"} for example in examples])

    def answer(body: dict) -> str:  # type: ignore[type-arg]
        draft = "Be quick." in body["messages"][0]["content"]
        return over_http(worse if draft else right)(body)

    with LlmServer(answer) as server:
        settings = Settings(
            home=home.home, prompts=home.prompts, llm_service="openai", llm_key=API_KEY,
            llm_endpoint=f"{server.address}/v1", llm_model="gpt", llm_requests_per_minute=60_000,
            llm_tokens_per_minute=100_000_000,
        )  # fmt: skip
        asked = Asked(stage="topics", prompt="v2", against="v1")
        done = run(settings, asked, tmp_path / "report.html", Console(quiet=True))
        sent = len(server.received)
        again = run(settings, asked, tmp_path / "report.html", Console(quiet=True))
        assert len(server.received) == sent
    assert done.comparison is not None
    severity = done.comparison.differences["topics", "all", "severity_macro_f1"]
    assert severity.worse
    assert severity.high < 0
    assert again.comparison is not None
    assert again.comparison.differences == done.comparison.differences
    now = done.outcomes.configuration
    assert (now.language_model, now.prompt_versions["topics"]) == ("gpt", "v2")
    asked_of = DeltaLakehouse(settings.lakehouse_root).scan("model_calls", ["stage"]).read_all()
    assert {"topics"} <= set(asked_of.column("stage").to_pylist())
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    for words in ("<svg", "Reliability", "Risk and coverage", "misses"):
        assert words in report
