"""Asking the language model, and writing every attempt down.

Belongs here: the order of asking, mending, committing and stopping. Does not belong here:
transport, its retries and rate limits (resources/llm), questions, and what answers mean.

At most `uncommitted` items are sent and not yet in the ledger, so a killed run repeats no more
than those.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from feedback_assets.contracts.calls import TRANSIENT_OUTCOMES, UNUSABLE_OUTCOMES
from feedback_assets.gold.answers import Answer, Finding, problems
from feedback_assets.gold.language_model import ledger
from feedback_assets.gold.language_model.ledger import Call, Row
from feedback_assets.gold.language_model.questions import Question, packs, request
from feedback_assets.gold.language_model.spending import Spending
from feedback_assets.gold.prompts import Prompt
from feedback_assets.pipeline.model_plan import ModelPlan
from resources.lakehouse.base import Lakehouse
from resources.llm.base import ModelReply

Ended = tuple[str, bool, str | None, str]
"""How an item's part of a call ended: outcome, settled, finding as JSON, what was wrong."""
FAILURES_IN_A_ROW = 3
"""Requests that fail for good before the service is left alone for this run."""


@dataclass
class AskReport:
    """What asking came to. `stopped` says why it ended early, empty if it did not."""

    items: int = 0
    answered: int = 0
    unusable: int = 0
    unanswered: int = 0
    attempts: int = 0
    cost: float = 0.0
    stopped: str = ""
    outcomes: dict[str, int] = field(default_factory=dict)


class Asker:
    """Asks one stage's questions of the plan's model."""

    def __init__(self, plan: ModelPlan, prompt: Prompt, lakehouse: Lakehouse, run_id: str) -> None:
        self._plan = plan
        self._prompt = prompt
        self._lakehouse = lakehouse
        self._run_id = run_id
        self._spending = Spending(
            plan.prices,
            plan.cap,
            ledger.spent(lakehouse, run_id=run_id),
            ledger.spent(lakehouse, day=dt.datetime.now(dt.UTC).date()),
        )
        self._report = AskReport()
        self._rows: list[Row] = []
        self._finished = 0
        self._failed_in_a_row = 0

    def ask(self, questions: Iterable[Question]) -> AskReport:
        """Ask all of `questions` (drawn as there is room for them); what came of it.

        Returns early, with the reason, when a spending cap is reached, the service refuses
        requests for good, or nothing comes back from it any more.
        """
        self._plan.loop.run(self._run(iter(questions)))
        return self._report

    async def _run(self, questions: Iterator[Question]) -> None:
        self._room = asyncio.Semaphore(self._plan.uncommitted)
        self._committing = asyncio.Lock()
        size = min(self._plan.items_per_request, self._plan.uncommitted)
        drawn = packs(questions, size)
        try:
            async with asyncio.TaskGroup() as tasks:
                while pack := await asyncio.to_thread(next, drawn, None):
                    for _ in pack:
                        await self._room.acquire()
                    if self._report.stopped:
                        self._report.unanswered += len(pack)
                        self._report.items += len(pack)
                        break
                    tasks.create_task(self._settle(pack))
        finally:
            await self._commit()

    async def _settle(self, pack: Sequence[Question]) -> None:
        """Ask for `pack`, mend what can't be used one by one, and count."""
        self._report.items += len(pack)
        mending = [(question, question.unusable) for question in pack if question.unusable]
        fresh = [question for question in pack if not question.unusable]
        if fresh:
            for question, ended in zip(fresh, await self._call(fresh, "ask", ""), strict=True):
                if ended[0] in UNUSABLE_OUTCOMES:
                    mending.append((question, ended[3] or ended[0]))
                else:
                    self._count(ended[0])
        for question, wrong in mending:
            (ended,) = await self._call([question], "repair", _complaint(wrong))
            self._count(ended[0])
        self._finished += len(pack)
        if self._finished >= self._plan.uncommitted // 4:
            await self._commit()

    def _count(self, outcome: str) -> None:
        report = self._report
        report.outcomes[outcome] = report.outcomes.get(outcome, 0) + 1
        report.answered += outcome == "answered"
        report.unusable += outcome in UNUSABLE_OUTCOMES
        report.unanswered += outcome not in ("answered", *UNUSABLE_OUTCOMES)

    async def _call(self, pack: Sequence[Question], purpose: str, complaint: str) -> list[Ended]:
        """One request with its attempts, each on record; how it ended for each item."""
        asked = request(self._prompt, pack, complaint)
        amount = self._spending.estimate(asked, len(pack))
        stopped = self._report.stopped or self._spending.reserve(amount)
        if stopped:
            self._report.stopped = stopped
            return [("not_asked", False, None, "")] * len(pack)
        replies = await self._plan.model.ask(asked)
        cost = sum(self._plan.prices.cost(reply.usage) for reply in replies)
        self._spending.spend(amount, cost)
        self._report.cost += cost
        self._report.attempts += len(replies)
        ended: list[Ended] = []
        for number, reply in enumerate(replies):
            last = number == len(replies) - 1
            ended = read_reply(self._prompt.stage, pack, reply, purpose)
            call = Call(
                self._prompt, self._plan.model.name, purpose, pack,
                number + 1 + (purpose == "repair"), self._run_id,
            )  # fmt: skip
            on_record = ended if last else [(e[0], False, None, e[3]) for e in ended]
            self._rows += ledger.call_rows(call, reply, self._plan.prices, on_record)
        self._watch(replies[-1])
        return ended

    def _watch(self, last: ModelReply) -> None:
        """Stop when the service refuses for good, or fails request after request."""
        if last.outcome == "rejected":
            self._report.stopped = f"the language model refuses requests: {last.error}"
        self._failed_in_a_row = (
            self._failed_in_a_row + 1 if last.outcome in TRANSIENT_OUTCOMES else 0
        )
        if self._failed_in_a_row >= FAILURES_IN_A_ROW:
            self._report.stopped = (
                f"the language model's service fails ({last.outcome}: {last.error}); "
                "what is in doubt stays so until the next run"
            )

    async def _commit(self) -> None:
        async with self._committing:
            rows, self._rows = self._rows, []
            finished, self._finished = self._finished, 0
            await asyncio.to_thread(ledger.append, self._lakehouse, rows)
            for _ in range(finished):
                self._room.release()


def read_reply(
    stage: str, pack: Sequence[Question], reply: ModelReply, purpose: str
) -> list[Ended]:
    """How `reply` ended for each item of `pack`; a finding that fails its check is unfounded.

    What a repair brings is settled, unless the service was in trouble.
    """
    repaired = purpose == "repair"
    if reply.outcome != "answered" or reply.parsed is None:
        unusable = reply.outcome in UNUSABLE_OUTCOMES
        return [(reply.outcome, repaired and unusable, None, reply.error)] * len(pack)
    answer = cast(Answer[Finding], reply.parsed)
    findings: dict[int, list[Finding]] = {}
    for finding in answer.findings:
        findings.setdefault(finding.item, []).append(finding)
    ended: list[Ended] = []
    for number, question in enumerate(pack, 1):
        own = findings.get(number, [])
        if len(own) != 1:
            count = len(own) or "no"
            told = f"{count} finding{'s' * (count != 1 and count != 'no')} for item {number}"
            ended.append(("malformed", repaired, None, told))
            continue
        finding = own[0]
        wrong = problems(stage, finding, question.text)
        if wrong:
            ended.append(("unfounded", repaired, None, "; ".join(wrong)))
        else:
            ended.append(("answered", True, finding.model_dump_json(exclude={"item"}), ""))
    return ended


def _complaint(wrong: str) -> str:
    reasons = {
        "cut_off": "It was longer than allowed: be brief.",
        "refused": "Nothing was answered. This is a customer's complaint to be sorted, not a "
        "request to you.",
        "filtered": "Nothing was answered. This is a customer's complaint to be sorted, not a "
        "request to you.",
        "malformed": "It did not have the shape asked for.",
    }
    return reasons.get(wrong, wrong if wrong.endswith(".") else wrong + ".")
