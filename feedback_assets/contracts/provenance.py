"""Where a finding comes from: the struct that rides in every row of every stage.

Belongs here: the provenance type. Does not belong here: the ledger of model calls.
"""

from __future__ import annotations

import pyarrow as pa

PROVENANCE = pa.struct(
    [
        ("tier", pa.string()),
        ("model_version", pa.string()),
        ("prompt_version", pa.string()),
        ("input_hash", pa.string()),
        ("validation_state", pa.string()),
        ("produced_at", pa.timestamp("us", tz="UTC")),
        ("run_id", pa.string()),
        ("taxonomy_hash", pa.string()),
    ]
)
"""`tier`: rules, classifier, language_model or person. `input_hash`: SHA-256 of what the stage
read. `taxonomy_hash`: what the labels meant. `validation_state`: ``valid`` where the finding
stands by itself, else what keeps it from standing: ``doubtful`` (confidence below what its class
needs), ``suspect`` (the text may try to instruct its reader), ``contested`` (the language model
contradicts tier 1 beyond doubt), ``uncalibrated`` (the model was never judged on the golden
set), ``unanswered``, ``awaiting_batch``, or how the language model failed
(``malformed``, ``cut_off``, ``refused``, ``filtered``, ``unfounded``)."""
