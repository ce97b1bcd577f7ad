"""Evently over HTTP: a Flask application on the core's use cases.

`create_app` makes it of the use cases (`Services`) and of how it is to run (`ApiSettings`).
"""

from evently_flask_api.app import create_app
from evently_flask_api.limits import SteadyCounters
from evently_flask_api.metrics import Measure, Metrics
from evently_flask_api.openapi import openapi_document
from evently_flask_api.services import Check, Services
from evently_flask_api.settings import ApiSettings, RateLimits

__all__ = [
    "ApiSettings",
    "Check",
    "Measure",
    "Metrics",
    "RateLimits",
    "Services",
    "SteadyCounters",
    "create_app",
    "openapi_document",
]
