"""An operator's override of the gate on a real Dagster instance: what it lets through, and where
it shows for good.
"""

from __future__ import annotations

import dagster as dg
import orjson

from feedback_assets.audit.trace import trace
from feedback_assets.contracts.partitions import Partition
from feedback_assets.orchestration.gate_jobs import override_gate, revoke_gate_override
from feedback_assets.pipeline.gate import closed, openings
from feedback_assets.pipeline.gate_overrides import revoke
from tests.shop import BAD, CHECK, FAILED, GOOD, ITEMS, LAST, Shop, failures, let_pass, unreadable


def items_of(shop: Shop, partition: Partition) -> list[dict[str, str]]:
    where = f"day = '{partition.day}' AND source = '{partition.source}'"
    found: list[dict[str, str]] = (
        shop.lakehouse.scan("ticket_items", predicate=where).read_all().to_pylist()
    )
    return found


def test_an_override_shows_on_the_tickets_it_opened_and_for_good_in_the_trail(
    spoiled: Shop,
) -> None:
    override = let_pass(spoiled)
    assert spoiled.run(BAD, only=["tickets"]).success
    assert spoiled.tickets_of(BAD) == ITEMS
    # Once it has run out, the gate is closed again.
    assert openings(spoiled.lakehouse, [BAD], now=override.expires_at)[BAD].reasons
    revoke(spoiled.lakehouse, override.override_id, "eli")
    for path in spoiled.compute.settings.tickets_folder.glob("*.md"):
        reasons = path.read_text(encoding="utf-8").split("## Why it came here")[1]
        assert "an operator:** dana let 2026-06-02 zendesk pass until" in reasons
        assert "known duplicates" in reasons
    item = items_of(spoiled, BAD)[0]
    for identifier in (item["feedback_id"], item["idempotency_key"]):
        told = orjson.loads(trace(spoiled.lakehouse, identifier).to_json())
        holder = told["item"]["tickets"][0] if told["item"] else told["ticket"]
        (given,) = holder["let_through"]
        assert (given["override_id"], given["operator"]) == (override.override_id, "dana")
        assert given["reason"] == "known duplicates (taken back by eli)"
        assert given["verdict"] == override.verdict
    assert closed(spoiled.lakehouse, [BAD])


def test_an_override_shows_in_the_note_where_its_items_joined_a_ticket(spoiled: Shop) -> None:
    assert spoiled.run(GOOD, only=["tickets"]).success
    let_pass(spoiled)
    assert spoiled.run(BAD, only=["tickets"]).success
    opened = {item["idempotency_key"] for item in items_of(spoiled, GOOD)}
    joined = [item for item in items_of(spoiled, BAD) if item["idempotency_key"] in opened]
    assert joined
    texts = [p.read_text("utf-8") for p in spoiled.compute.settings.tickets_folder.glob("*.md")]
    told = [text for text in texts if "dana let 2026-06-02 zendesk pass" in text]
    assert len(told) == len({item["idempotency_key"] for item in items_of(spoiled, BAD)})
    assert any("dana" not in text.split("more report")[0] for text in told)
    untouched = trace(spoiled.lakehouse, items_of(spoiled, GOOD)[0]["feedback_id"]).item
    assert untouched is not None
    assert untouched.tickets[0].let_through == ()


def test_an_override_lets_nothing_through_once_it_ran_out_or_was_taken_back(spoiled: Shop) -> None:
    let_pass(spoiled, hours=1e-9)
    assert FAILED in failures(spoiled.run(BAD, only=["tickets"]))["tickets"]
    override = let_pass(spoiled)
    revoke(spoiled.lakehouse, override.override_id, "eli")
    assert FAILED in failures(spoiled.run(BAD, only=["tickets"]))["tickets"]
    assert spoiled.tickets_of(BAD) == 0


def test_an_override_covers_no_other_check(spoiled: Shop) -> None:
    let_pass(spoiled)
    assert closed(spoiled.lakehouse, [BAD]) == {}
    with unreadable(spoiled, "triage", BAD):
        spoiled.judge(BAD, "triage", "triage_contract")
    told = failures(spoiled.run(BAD, only=["tickets"]))["tickets"]
    assert "triage_contract: failed" in told
    assert CHECK not in told
    assert spoiled.tickets_of(BAD) == 0


def test_with_an_override_the_run_goes_on_with_a_warning(spoiled: Shop) -> None:
    let_pass(spoiled)
    result = spoiled.run(BAD, only=LAST)
    assert result.success, failures(result)
    (said,) = [e for e in result.get_asset_check_evaluations() if e.check_name == CHECK]
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert said.description is not None
    assert said.description.startswith("let pass by dana: known duplicates")
    assert spoiled.tickets_of(BAD) == ITEMS


def speak(shop: Shop, job: dg.JobDefinition, **config: object) -> dg.ExecuteInProcessResult:
    (op,) = job.nodes
    return job.execute_in_process(
        instance=shop.instance,
        resources={"compute": shop.compute},
        run_config={"ops": {op.name: {"config": config}}},
        raise_on_error=False,
    )


def test_an_operator_without_a_shell_overrides_and_takes_back_by_a_job(spoiled: Shop) -> None:
    asked = {"day": str(BAD.day), "source": BAD.source, "check": CHECK, "operator": "dana",
             "reason": "known duplicates", "hours": 24.0}  # fmt: skip
    for wrong, says in (
        ({"operator": " "}, "needs a name"),
        ({"reason": ""}, "needs a reason"),
        ({"hours": 1e6}, "at most 336 hours"),
        ({"source": "email"}, "source must be one of"),
        ({"check": "tickets_contract"}, "closes no gate"),
        ({"new_normal": True}, "measures no drift"),
    ):
        refused = speak(spoiled, override_gate, **(asked | wrong))
        assert says in " ".join(failures(refused).values())
    assert closed(spoiled.lakehouse, [BAD])
    given = speak(spoiled, override_gate, **asked)
    assert given.success, failures(given)
    run = spoiled.instance.get_run_by_id(given.run_id)
    assert run is not None
    assert "known duplicates" in str(run.run_config)
    (override,) = openings(spoiled.lakehouse, [BAD])[BAD].overridden
    by = {"override_id": override.override_id, "operator": "eli"}
    assert speak(spoiled, revoke_gate_override, **by).success
    assert closed(spoiled.lakehouse, [BAD])
    again = speak(spoiled, revoke_gate_override, **by)
    assert "was taken back before" in " ".join(failures(again).values())
