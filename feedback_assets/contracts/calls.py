"""The words for what happens to a question put to a language model.

Belongs here: closed vocabularies of the ledger and of batches. Does not belong here: asking.
"""

from __future__ import annotations

TRANSIENT_OUTCOMES = ("rate_limited", "server_error", "connection_error", "timeout")
"""The service was in trouble: the same question may be asked again later."""

UNUSABLE_OUTCOMES = ("malformed", "cut_off", "refused", "filtered", "unfounded")
"""There was an answer, and it can't be used: one repair attempt may mend it, then a person."""

CALL_OUTCOMES = ("answered", *UNUSABLE_OUTCOMES, *TRANSIENT_OUTCOMES, "rejected", "submitted")
"""As `resources.llm.base` has them, and two of the pipeline's own: `unfounded`, the answer's
shape is right but its content fails a check (evidence that is not in the text, labels that
contradict each other); `submitted`, handed to the batch service and not answered yet."""

CALL_PURPOSES = ("ask", "repair", "batch")
"""`ask`: the first question. `repair`: the one more try after an answer that can't be used."""

BATCH_STATES = ("submitted", "collected", "failed", "expired", "cancelled")
