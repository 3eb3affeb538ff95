"""Tickets' assets."""

from __future__ import annotations

from feedback_assets.contracts.tables import TICKET_ITEMS
from feedback_assets.pipeline.assets import contract_check, step_asset, table_spec
from feedback_assets.tickets.outcome_step import OUTCOMES
from feedback_assets.tickets.ticket_step import TICKETS_STEP

ASSETS = [
    # Two partitions may hold the same complaint, so writers take turns.
    step_asset(TICKETS_STEP, {"spark", "deltalake"}, ["feedback_profile"], pool="tickets"),
    # Written as tickets are delivered.
    table_spec(TICKET_ITEMS, deps=["tickets"]),
    step_asset(OUTCOMES, {"spark", "deltalake"}, pool="tickets"),
]
CHECKS = [contract_check(TICKETS_STEP), contract_check(OUTCOMES)]
