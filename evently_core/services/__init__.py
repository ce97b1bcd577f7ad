"""The use cases: load, decide, record. No rules and no SQL."""
