"""Reads a model's text as the answer asked for.

Belongs here: parsing, and saying why it failed without repeating the text. Does not belong
here: how the text came.
"""

from __future__ import annotations

from pydantic import BaseModel, ValidationError


def read_answer(text: str, answer: type[BaseModel]) -> tuple[BaseModel | None, str]:
    """`text` as an `answer` and an empty error, or None and what is wrong with it.

    The error names kinds of fault only: both values and keys come from the model, which may
    repeat the question.
    """
    if not text.strip():
        return None, "the answer is empty"
    try:
        return answer.model_validate_json(text), ""
    except ValidationError as error:
        kinds = sorted({fault["type"] for fault in error.errors(include_url=False)})
        return None, f"the answer is not a valid {answer.__name__}: {', '.join(kinds)}"
