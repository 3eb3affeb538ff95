"""Customer feedback to governed product tickets, as a Dagster asset project."""
