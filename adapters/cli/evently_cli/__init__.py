"""The `evently` command."""
