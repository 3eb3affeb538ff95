"""The outside world: compute, tables, models, trackers, connectors. Nothing here knows feedback."""
