"""Evently's truth in PostgreSQL."""
