"""The words for what happens to an item after the models: lanes, states, decisions, verdicts.

Belongs here: closed vocabularies of triage, review, tickets and the gate.
Does not belong here: the rules that choose among them.
"""

from __future__ import annotations

LANES = ("fast", "review", "bulk")
VALIDATION_STATES = ("auto_approved", "approved", "edited", "rejected", "pending")
PASSING_STATES = ("auto_approved", "approved", "edited")
DECISIONS = ("approve", "edit", "reject")
TICKET_STATES = ("planned", "open", "unknown", "failed", "closed")
GATE_STATES = ("passed", "warned", "failed", "not_enough_data")
"""All but `failed` let a partition pass."""
