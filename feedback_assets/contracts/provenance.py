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
    ]
)
"""`tier`: rules, classifier, language_model or person. `input_hash`: SHA-256 of what the stage
read. `validation_state`: valid, or what kept the finding from being so."""
