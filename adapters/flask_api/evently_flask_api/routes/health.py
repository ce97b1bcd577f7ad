"""Whether this process lives, and whether it can work."""

from __future__ import annotations

from typing import Literal

from evently_core.errors import Unavailable
from evently_flask_api.callers import Caller, Who
from evently_flask_api.routing import Answer, Routes
from evently_flask_api.schemas.health import Health, Instance, Instances
from evently_flask_api.services import OK, Check, Services
from evently_flask_api.settings import ApiSettings

DOWN = "down"
RETRY_AFTER_SECONDS = 2

routes = Routes("Health", "For load balancers and whoever watches.", prefix="/health", base="")


@routes.get("/live")
def live(settings: ApiSettings) -> Health:
    """Tell whether the process answers at all."""
    return _health(settings, {}, {})


@routes.get("/ready", also={503: Health}, headers=("Retry-After",))
def ready(services: Services, settings: ApiSettings) -> Answer[Health]:
    """Tell whether everything that is needed is there.

    What it can do without is looked at, too: without that it is degraded, and ready.
    """
    needed = {name: _looked_at(check) for name, check in services.checks.items()}
    courtesies = {name: _looked_at(check) for name, check in services.courtesies.items()}
    health = _health(settings, needed, courtesies)
    if health.status == DOWN:
        return Answer(health, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}, status=503)
    return Answer(health)


@routes.get("/instances", who=Who.ADMIN)
def list_instances(services: Services, caller: Caller) -> Instances:
    """List the processes that are live, by name.

    Each beats once a second, and is gone within five seconds of its death. Without Redis, or while it is away, the
    list holds the process that answers, and nobody else.
    """
    live = services.presence.live() if services.presence else ()
    return Instances(items=[Instance.of(each) for each in live])


def _looked_at(check: Check) -> str:
    try:
        return check()
    except Unavailable:
        return DOWN


def _health(settings: ApiSettings, needed: dict[str, str], courtesies: dict[str, str]) -> Health:
    status: Literal["ok", "degraded", "down"] = "ok"
    if any(found != OK for found in needed.values()):
        status = "down"
    elif any(found != OK for found in courtesies.values()):
        status = "degraded"
    return Health(status=status, checks=needed | courtesies, instance=settings.instance)
