"""What the API stands on: the use cases, and what tells whether they can work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from evently_core.counting import Counters
from evently_core.evently import Evently
from evently_core.memory.counters import MemoryCounters
from evently_core.services.accounts import AccountService
from evently_core.services.presence import Presence
from evently_core.services.webhooks import WebhookService
from evently_flask_api.metrics import Measure, Metrics

OK = "ok"

Check = Callable[[], str]
"""Looks whether something that is needed is there, within two seconds.

Returns ``ok``, or a word for what is wrong (``behind``); raises ``Unavailable`` when it cannot be reached.
"""


@attrs.frozen(kw_only=True)
class Services:
    """The use cases behind the routes."""

    accounts: AccountService
    evently: Evently
    webhooks: WebhookService | None = None
    """None: there are no webhooks here."""
    counters: Counters = attrs.field(factory=MemoryCounters)
    """Count requests for the rate limits."""
    metrics: Metrics = attrs.field(factory=Metrics)
    """Counts what this process does."""
    measures: Sequence[Measure] = ()
    """What is read when somebody looks at the metrics."""
    checks: Mapping[str, Check] = attrs.field(factory=dict)
    """What has to be well for this process to be ready, by name: ``database``, ``migrations``."""
    courtesies: Mapping[str, Check] = attrs.field(factory=dict)
    """What the process can do without, by name: ``redis``. It is ready without them, but degraded."""
    presence: Presence | None = None
    """This process among those that are live; None: it is told to nobody."""
