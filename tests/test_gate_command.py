"""`feedback gate`: what is shown, and what an override needs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from feedback_assets.cli import app
from feedback_assets.pipeline.gate import closed
from feedback_assets.pipeline.gate_overrides import all_overrides
from tests.audit.lake import DAY, HOME, Lake, in_order

CHECK = "triage_contract"
OTHER_DAY = DAY + dt.timedelta(days=1)
ASKED = {"--by": "dana", "--reason": "known [b]duplicates[/b]", "--hours": "24"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("LANDING", "LAKEHOUSE", "PROFILE", "QUALITY_RULES"):
        monkeypatch.delenv(f"FEEDBACK_{name}", raising=False)
    home = tmp_path / "home"
    monkeypatch.setenv("FEEDBACK_HOME", str(home))
    return home


@pytest.fixture
def lake(home: Path) -> Lake:
    """One partition whose triage failed its contract, and one that was never judged."""
    lake = Lake(str(home / "lakehouse"))
    lake.process()
    lake.land(day=OTHER_DAY)
    lake.judge(failing=CHECK)
    return lake


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["gate", *arguments])


def said(text: str) -> str:
    return " ".join(text.split())


def override(*where: str, **changes: str) -> Result:
    options = ASKED | {f"--{name}": value for name, value in changes.items()}
    place = where or (str(DAY), HOME.source, CHECK)
    return call("override", *place, *[word for option in options.items() for word in option])


def test_what_is_closed_is_shown_with_its_reason_and_what_to_do(lake: Lake) -> None:
    text = said(call("show").stdout)
    in_order(
        text, f"{DAY} app_store", "closed", "FAILED", f"{CHECK} (0 against 0): 3 rows broken",
        f"feedback run --day {DAY} --source app_store", f"gate override {DAY} app_store {CHECK}",
        f"{OTHER_DAY} app_store", "closed", "no verdict", "have it judged",
    )  # fmt: skip
    assert str(OTHER_DAY) not in call("show", "--day", str(DAY)).stdout
    assert "No gates" in call("show", "--source", "zendesk").stdout
    machine = orjson.loads(call("show", "--json", "--day", str(DAY)).stdout)
    (one,) = machine
    assert (one["day"], one["source"], one["gate"]["open"]) == (str(DAY), "app_store", False)
    assert [c["check"] for c in one["gate"]["checks"] if c["passed"] is False] == [CHECK]


def test_open_gates_are_only_counted_unless_they_are_asked_for(lake: Lake) -> None:
    lake.judge(at=dt.datetime.now(dt.UTC))
    text = said(call("show").stdout)
    assert f"{DAY} app_store" not in text
    assert "1 partition: open, and never overridden" in text
    assert "open" in call("show", "--day", str(DAY)).stdout


def test_an_override_opens_the_gate_and_is_taken_back(lake: Lake) -> None:
    given = override()
    assert given.exit_code == 0, given.stderr
    in_order(
        said(given.stdout), f"{CHECK} of {DAY} app_store holds nothing back until",
        "3 rows broken", f"The gate is open. Next: feedback run --day {DAY} --source app_store",
    )  # fmt: skip
    assert closed(lake, [HOME]) == {}
    (one,) = all_overrides(lake)
    assert (one.operator, one.reason) == ("dana", ASKED["--reason"])
    in_order(
        said(call("show").stdout), "open, by an operator's word alone", "let pass", "override",
        f"{one.override_id}: dana let {CHECK} pass", "known [b]duplicates[/b]",
    )  # fmt: skip
    assert "needs a name" in said(call("revoke", one.override_id, "--by", " ").stderr)
    taken = call("revoke", one.override_id, "--by", "eli")
    in_order(said(taken.stdout), "is taken back", "The gate is closed", CHECK)
    assert closed(lake, [HOME])
    in_order(said(call("show").stdout), "taken back", "taken back by eli")
    again = call("revoke", one.override_id, "--by", "eli")
    assert again.exit_code == 2
    assert "was taken back before" in said(again.stderr)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"by": " "}, "needs a name"),
        ({"reason": ""}, "needs a reason"),
        ({"hours": "0"}, "more than 0 and at most 336 hours"),
        ({"hours": "337"}, "at most 336 hours"),
        ({"hours": "nan"}, "at most 336 hours"),
        ({"hours": "soon"}, "unable to parse"),
    ],
)
def test_an_override_needs_a_name_a_reason_and_an_end(
    lake: Lake, changes: dict[str, str], says: str
) -> None:
    refused = override(**changes)
    assert refused.exit_code == 2
    assert says in said(refused.stderr.replace("│", ""))
    assert all_overrides(lake) == []


def test_an_override_without_its_options_is_refused(lake: Lake) -> None:
    refused = call("override", str(DAY), HOME.source, CHECK)
    assert refused.exit_code == 2
    assert "Missing option" in said(refused.stderr)


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (("yesterday", "app_store", CHECK), "the day 'yesterday': expected YYYY-MM-DD"),
        ((str(DAY), "email", CHECK), "the source 'email': expected one of app_store"),
        ((str(DAY), "app_store", "drift"), "'drift' closes no gate; those that do: bronze"),
        ((str(DAY), "app_store", "silver_feedback_contract"), "there is nothing to override"),
        ((str(OTHER_DAY), "app_store", CHECK), "has no verdict on 2026-04-14|app_store: run"),
        ((str(DAY), "app_store", CHECK, "--new-normal"), "measures no drift"),
    ],
)
def test_an_override_of_nothing_says_so(lake: Lake, where: tuple[str, ...], says: str) -> None:
    refused = override(*where)
    assert refused.exit_code == 2
    assert says in said(refused.stderr)
    assert all_overrides(lake) == []


def test_the_bound_on_hours_is_the_rules(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_in = Path("feedback_assets/contracts/quality_rules.yaml")
    rules = (Path(__file__).parents[1] / built_in).read_text(encoding="utf-8")
    own = tmp_path / "rules.yaml"
    own.write_text(rules.replace("most_hours: 336", "most_hours: 8"), encoding="utf-8")
    monkeypatch.setenv("FEEDBACK_QUALITY_RULES", str(own))
    assert "at most 8 hours, not 24" in said(override().stderr)
    broken = tmp_path / "broken.yaml"
    broken.write_text("reference: none", encoding="utf-8")
    monkeypatch.setenv("FEEDBACK_QUALITY_RULES", str(broken))
    assert "quality rules" in said(override().stderr)


def test_of_two_failed_checks_one_override_leaves_the_gate_closed(lake: Lake) -> None:
    lake.put("gate_status", check="golden_set", table="validated_feedback", passed=False,
             state="failed", detail="broken", data_version="v",
             evaluated_at=dt.datetime.now(dt.UTC))  # fmt: skip
    assert "The gate is closed: golden_set" in said(override().stdout)


@pytest.mark.parametrize(
    "arguments",
    [("override", str(DAY), "app_store", CHECK, *[w for o in ASKED.items() for w in o]),
     ("revoke", "override-1", "--by", "eli")],
)  # fmt: skip
def test_before_any_run_there_is_nothing_to_override(home: Path, arguments: tuple[str]) -> None:
    refused = call(*arguments)
    assert refused.exit_code == 2
    assert "nothing has been processed yet" in said(refused.stderr)
    assert "No gates" in call("show").stdout
    assert not home.exists()


def test_an_unknown_override_is_named(lake: Lake) -> None:
    refused = call("revoke", "override-x", "--by", "eli")
    assert refused.exit_code == 2
    assert "there is no override 'override-x'" in said(refused.stderr)
