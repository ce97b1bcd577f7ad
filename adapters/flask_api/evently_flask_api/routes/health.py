"""Whether this process lives, and whether it can work."""

from __future__ import annotations

from evently_core.errors import Unavailable
from evently_flask_api.routing import Answer, Routes
from evently_flask_api.schemas.health import Health
from evently_flask_api.services import OK, Check, Services
from evently_flask_api.settings import ApiSettings

DOWN = "down"
RETRY_AFTER_SECONDS = 2

routes = Routes("Health", "For load balancers and whoever watches.", prefix="/health", base="")


@routes.get("/live")
def live(settings: ApiSettings) -> Health:
    """Tell whether the process answers at all."""
    return _health(settings, {})


@routes.get("/ready", also={503: Health}, headers=("Retry-After",))
def ready(services: Services, settings: ApiSettings) -> Answer[Health]:
    """Tell whether everything that is needed is there."""
    health = _health(settings, {name: _looked_at(check) for name, check in services.checks.items()})
    if health.status == OK:
        return Answer(health)
    return Answer(health, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}, status=503)


def _looked_at(check: Check) -> str:
    try:
        return check()
    except Unavailable:
        return DOWN


def _health(settings: ApiSettings, checks: dict[str, str]) -> Health:
    well = all(found == OK for found in checks.values())
    return Health(status="ok" if well else "down", checks=checks, instance=settings.instance)
