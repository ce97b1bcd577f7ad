"""``evently analytics``: figures, with curves and bars that fit a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import click

from evently_cli.completion import event_names
from evently_cli.desk import acting, application, as_option, event_named, json_option, show
from evently_cli.following import bar, sparkline
from evently_core.analytics import (
    Interval,
    Ranking,
    Takings,
    cancellation_rate,
    offer_acceptance,
    refill_rate,
    takings,
    utilisation,
    waitlist_conversion,
)
from evently_core.figure_shapes import (
    event_in_depth_shape,
    overview_shape,
    ranked_shape,
    revenue_shape,
    users_shape,
)
from evently_core.figures import Figures
from evently_core.paging import PageRequest
from evently_core.presentation import money_text
from evently_core.services.analytics import EventInDepth, Period

_CURVE = 60
"""How many days or months a curve shows."""
_BAR = 24


class _Day(click.ParamType[date]):
    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no day; write 2030-05-01.", param, context)


_from_option = click.option("--from", "since", type=_Day(), metavar="DAY", help="The first day.")
_to_option = click.option(
    "--to", "until", type=_Day(), metavar="DAY", help="The last day; today, if left out."
)


@click.group(epilog="Example: evently analytics overview")
def analytics() -> None:
    """Figures of one's events; of all for admins and the operator.

    A day is one of the event's own zone. Revenue counts at confirmation.
    """


@analytics.command(epilog="Example: evently analytics overview --as olga@example.org")
@as_option
@json_option
def overview(as_email: str | None, as_json: bool) -> None:
    """Show what all events come to."""
    with application() as app:
        actor = acting(app, as_email)
        users = app.accounts.count(actor) if actor.is_admin else None
        shape = overview_shape(app.evently.analytics.overview(actor), users)
        if as_json:
            show(shape, as_json=True)
            return
        states = ", ".join(f"{each['events']} {each['status']}" for each in shape["events_by_status"])
        rows = [
            ("events", f"{shape['events']}  {states}"),
            *([("users", shape["users"])] if users is not None else []),
            ("bookings", shape["bookings"]),
            ("seats sold", f"{shape['seats_sold']} of {shape['capacity']}  {_share(shape['utilisation'])}"),
            ("held", shape["held"]),
            ("waiting", f"{shape['waiting_entries']} for {shape['waiting']} seats"),
            *(("taken in", money_text(Takings(**money))) for money in shape["revenue"]),
        ]
        show(None, as_json=False, columns=("", ""), rows=rows)


@analytics.command(epilog="Example: evently analytics revenue --from 2030-01-01 --interval month")
@_from_option
@_to_option
@click.option(
    "--interval", type=click.Choice([each.value for each in Interval]), default="day", show_default=True
)
@as_option
@json_option
def revenue(
    since: date | None, until: date | None, interval: str, as_email: str | None, as_json: bool
) -> None:
    """Show what each day or month took in; what was given back is negative on its own day."""
    with application() as app:
        actor, chosen = acting(app, as_email), Interval(interval)
        span, periods = app.evently.analytics.revenue(actor, since, until, chosen)
        if as_json:
            show(revenue_shape(span, periods, chosen), as_json=True)
            return
        currencies = sorted({currency for period in periods for currency in period.figures})
        for currency in currencies:
            _show_revenue(periods, currency, chosen)
        if not currencies:
            click.echo(f"Nothing was taken in from {span.since} to {span.until}.")


def _show_revenue(periods: Sequence[Period], currency: str, interval: Interval) -> None:
    """Show what came in of one currency: a curve of all, and a bar for each period in which there was anything."""
    amounts = [period.figures.get(currency, Figures()).revenue for period in periods]
    click.echo(
        f"{currency}  {sparkline(amounts, _CURVE)}  {money_text(Takings(sum(amounts), currency))} in all"
    )
    most = max(*amounts, 1)
    rows = [
        (
            f"{period.begins:%Y-%m}" if interval is Interval.MONTH else period.begins.isoformat(),
            money_text(Takings(amount, currency)),
            bar(max(0, amount), most, _BAR),
            period.figures[currency].sold,
            period.figures[currency].confirmed,
            period.figures[currency].cancelled,
        )
        for period, amount in zip(periods, amounts, strict=True)
        if currency in period.figures
    ]
    show(
        None,
        as_json=False,
        columns=(interval.value, "taken in", "", "seats", "booked", "cancelled"),
        rows=rows,
    )
    click.echo()


@analytics.command(epilog="Example: evently analytics events --sort utilisation")
@click.option(
    "--sort",
    type=click.Choice([each.value for each in Ranking]),
    default=Ranking.SEATS.value,
    show_default=True,
    help="The greatest come first.",
)
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@as_option
@json_option
def events(sort: str, limit: int, as_email: str | None, as_json: bool) -> None:
    """Rank the events that are or were on sale."""
    with application() as app:
        actor = acting(app, as_email)
        page = app.evently.analytics.ranked(actor, Ranking(sort), PageRequest(limit))
        rows = []
        for each in page.items:
            total = each.total
            sold = utilisation(total, each.event.capacity)
            rows.append(
                (
                    each.event.title,
                    f"{total.sold} of {each.event.capacity}",
                    bar(total.sold, each.event.capacity, _BAR) if sold is not None else "",
                    _share(sold),
                    ", ".join(map(money_text, takings(each.figures))),
                    _share(cancellation_rate(total)),
                    _share(waitlist_conversion(total)),
                )
            )
        show(
            ranked_shape(page),
            as_json=as_json,
            columns=("event", "seats sold", "", "sold", "taken in", "cancelled", "served of who waited"),
            rows=rows,
            empty="No event is or was on sale.",
        )


@analytics.command(epilog="Example: evently analytics event Jazz")
@click.argument("event", shell_complete=event_names)
@as_option
@json_option
def event(event: str, as_email: str | None, as_json: bool) -> None:
    """Show one event in depth: how it sold, and how its line was served."""
    with application() as app:
        actor = acting(app, as_email)
        found = app.evently.analytics.event(actor, event_named(app, actor, event).id)
        if as_json:
            show(event_in_depth_shape(found), as_json=True)
        else:
            _show_event(found)


def _show_event(found: EventInDepth) -> None:
    total, capacity = found.totals.total, found.totals.event.capacity
    curves = {
        name: sparkline([getattr(each, name) for each in found.course], _CURVE)
        for name in ("sold", "held", "waiting")
    }
    rows = [
        ("seats sold", f"{total.sold} of {capacity}", bar(total.sold, capacity, _BAR), curves["sold"]),
        ("held", total.held, bar(total.held, capacity, _BAR), curves["held"]),
        ("waited for", total.waiting, bar(total.waiting, capacity, _BAR), curves["waiting"]),
    ]
    show(None, as_json=False, columns=(found.totals.event.title, "now", "of the seats", "by day"), rows=rows)
    click.echo()
    shares = [
        ("bookings cancelled", cancellation_rate(total), f"{total.cancelled} of {total.confirmed}"),
        ("freed seats refilled", refill_rate(total), f"{total.refilled} of {total.freed}"),
        ("served of who waited", waitlist_conversion(total), f"{total.served} of {total.joined}"),
        (
            "offers accepted",
            offer_acceptance(total),
            f"{total.accepted} of {total.accepted + total.declined}",
        ),
    ]
    rows = [
        (name, _share(share), "" if share is None else bar(round(share * 100), 100, _BAR), figures)
        for name, share, figures in shares
    ]
    show(None, as_json=False, columns=("", "share", "", "figures"), rows=rows)
    click.echo()
    click.echo(f"Taken in: {', '.join(map(money_text, takings(found.totals.figures))) or 'nothing'}")
    click.echo(f"Half of those who were served had waited less than: {_length(found.median_wait)}")


@analytics.command(epilog="Example: evently analytics users --from 2030-05-01")
@_from_option
@_to_option
@as_option
@json_option
def users(since: date | None, until: date | None, as_email: str | None, as_json: bool) -> None:
    """Show by day who did something about the events; for admins, who registered, too."""
    with application() as app:
        actor, figures = acting(app, as_email), app.evently.analytics
        span = figures.span(since, until)
        active = figures.active_users(actor, span)
        registered = app.accounts.registrations(actor, span) if actor.is_admin else None
        if as_json:
            known = app.accounts.count(actor) if actor.is_admin else None
            show(users_shape(span, known, registered, active), as_json=True)
            return
        click.echo(f"active      {sparkline(list(active.values()), _CURVE)}")
        if registered is not None:
            click.echo(f"registered  {sparkline(list(registered.values()), _CURVE)}")
        of_day: Mapping[date, int] = registered or {}
        rows = [
            (
                day.isoformat(),
                active[day],
                bar(active[day], max(*active.values(), 1), _BAR),
                of_day.get(day, ""),
            )
            for day in span.days()
            if active[day] or of_day.get(day)
        ]
        show(None, as_json=False, columns=("day", "active", "", "registered"), rows=rows, empty="Nobody.")


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"  # noqa: RUF001  # a dash stands for what is not known


def _length(length: timedelta | None) -> str:
    """Return a length of time in its two largest units."""
    if length is None:
        return "nobody was served yet"
    seconds = int(length.total_seconds())
    found: list[str] = []
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if seconds >= size or (name == "s" and not found):
            found.append(f"{seconds // size} {name}")
            seconds %= size
    return " ".join(found[:2])
