"""The engine without any server: two seats, a party of ten, and who gets what."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from evently_core import Actor, Book, NewEvent, Role, in_memory

evently, start = in_memory(), datetime.now(UTC) + timedelta(days=7)
olga, ana = Actor(uuid4(), Role.ORGANISER), Actor(uuid4(), Role.ATTENDEE)
times = {"starts_at": start, "ends_at": start + timedelta(hours=2)}
jazz = NewEvent(title="Jazz", timezone="Europe/Berlin", capacity=2, **times)
event_id = evently.events.create(olga, jazz).view.event.id
evently.events.publish(olga, event_id)
party = Book(actor=ana, user_id=ana.user_id, quantity=10, accept_partial=True, join_waitlist=True)
answer = evently.bookings.book(event_id, party)
print(answer.outcome, answer.booking.quantity, answer.entry.missing, answer.place.position)
