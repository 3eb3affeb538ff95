"""How many rows tables hold, by partition.

Belongs here: counting from a table's log, which needs neither Spark nor a schema. Does not belong
here: reading rows.
"""

from __future__ import annotations

from feedback_assets.contracts.partitions import Partition
from resources.lakehouse.base import Lakehouse


def rows_by_partition(
    lakehouse: Lakehouse, table: str, version: int | None = None
) -> dict[Partition, int]:
    """Rows of a table by partition, from its log alone."""
    rows: dict[Partition, int] = {}
    for file in lakehouse.files(table, version):
        partition = Partition(file["day"], file["source"])
        rows[partition] = rows.get(partition, 0) + int(file["num_records"])
    return rows
