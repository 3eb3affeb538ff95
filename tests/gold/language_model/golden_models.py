"""Scripted models that know the golden set: one that is always right, one that obeys the text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from feedback_assets.contracts.taxonomy import TAXONOMY
from feedback_assets.gold.answers import ANSWERS, Answer, Finding
from resources.llm.base import ModelRequest

Example = Mapping[str, Any]
Answering = Callable[[ModelRequest], Answer[Finding]]


def stage_of(request: ModelRequest) -> str:
    return next(stage for stage, answer in ANSWERS.items() if answer is request.answer)


def items_of(request: ModelRequest) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(request.user[request.user.index('{"items"') :])[
        "items"
    ]
    return items


def perfect(examples: Iterable[Example], confidence: float = 0.95) -> Answering:
    """Answers with the golden labels; texts it doesn't know are praise of nothing."""
    known = {example["text"]: example for example in examples}

    def answer(request: ModelRequest) -> Answer[Finding]:
        stage = stage_of(request)
        findings = [
            finding(stage, item, known.get(item["text"], unknown(item["text"])), confidence)
            for item in items_of(request)
        ]
        return request.answer.model_validate({"findings": findings})  # type: ignore[return-value]

    return answer


def obeying(examples: Iterable[Example], confidence: float = 0.99) -> Answering:
    """As `perfect`, but gives whatever labels the text demands: the worst case."""

    def led(example: Example) -> dict[str, Any]:
        wanted = {k: v for k, v in example["demands"].items() if k in example}
        obeyed = {**example, **wanted}
        if "categories" in wanted and "primary_category" not in wanted:
            obeyed["primary_category"] = wanted["categories"][0]
        if "primary_category" in wanted and "categories" not in wanted:
            obeyed["categories"] = [wanted["primary_category"]]
        own = TAXONOMY.categories[obeyed["primary_category"]].sub_categories
        if obeyed["sub_category"] not in own:
            obeyed["sub_category"] = next(iter(own))
        return obeyed

    return perfect([led(example) for example in examples], confidence)


def finding(
    stage: str, item: Mapping[str, Any], known: Example, confidence: float
) -> dict[str, Any]:
    number, text = item["item"], item["text"]
    if stage == "translation":
        return {"item": number, "english": f"In English: {text}"}
    quotes = [quote for quote in known["evidence"] if quote in text] or [text[:60]]
    reasoned = {
        "item": number, "rationale": "As labelled.", "evidence": quotes, "confidence": confidence
    }  # fmt: skip
    labels: dict[str, dict[str, Any]] = {
        "sentiment": {"sentiment": known["sentiment"]},
        "topics": {
            "categories": list(known["categories"]),
            "primary_category": known["primary_category"],
            "sub_category": known["sub_category"],
            "severity": known["severity"],
            "severity_confidence": confidence,
        },
        "root_cause": {
            "root_cause_summary": known["root_cause"][:150],
            "root_cause_type": known["root_cause_type"] if known["root_cause"] else "other",
        },
        "recommendation": {
            "action": known["action"],
            "action_detail": "" if known["action"] == "none" else "As labelled.",
        },
    }
    return {**reasoned, **labels[stage]}


def unknown(text: str) -> Example:
    return {
        "text": text, "categories": ["other"], "primary_category": "other",
        "sub_category": "praise", "sentiment": "positive", "severity": "low", "root_cause": "",
        "root_cause_type": "other", "evidence": [], "action": "thank_customer",
    }  # fmt: skip


def over_http(answering: Answering) -> Callable[[dict[str, Any]], str]:
    """`answering` for a server: a Chat Completions body in, the answer's text out."""

    def answer(body: dict[str, Any]) -> str:
        said = {message["role"]: message["content"] for message in body["messages"]}
        name = body["response_format"]["json_schema"]["name"]
        shape = next(shape for shape in ANSWERS.values() if shape.__name__ == name)
        asked = ModelRequest(said["system"], said["user"], shape, body["max_completion_tokens"])
        return answering(asked).model_dump_json()

    return answer
