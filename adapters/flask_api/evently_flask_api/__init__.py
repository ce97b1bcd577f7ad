"""Evently over HTTP: a Flask application on the core's use cases."""
