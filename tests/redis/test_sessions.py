"""Who is signed in while the Redis that knows it is away, and afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from evently_core.accounts import Device, SessionEnded, SessionsAway
from evently_core.memory.accounts import MemoryAccounts, MemorySessions
from evently_core.memory.basics import RandomIds, ScryptPasswords, SystemClock
from evently_core.services.accounts import AccountService
from evently_core.services.sessions import StandbySessions
from evently_core.values import OPERATOR, Actor, Role, SessionId, UserId
from evently_flask_api.callers import SessionWatch
from evently_redis.connection import RedisLink
from evently_redis.sessions import RedisSessions
from tests.redis_servers import MakeRedis, RedisServer

PASSWORD = "correct horse battery"
LAPTOP = Device("api-1", "192.0.2.7", "a browser")


@attrs.frozen
class House:
    """Ada's account, with her sessions in Redis and a standby beside it."""

    redis: RedisServer
    standby: MemorySessions
    sessions: StandbySessions
    service: AccountService
    ada: Actor

    @property
    def user_id(self) -> UserId:
        assert self.ada.user_id is not None
        return self.ada.user_id


@pytest.fixture
def house(make_redis: MakeRedis) -> Iterator[House]:
    redis, standby, accounts = make_redis(), MemorySessions(), MemoryAccounts()
    link = RedisLink(redis.url)
    sessions = StandbySessions(RedisSessions(link), standby)
    service = AccountService(accounts, sessions, ScryptPasswords(cost=2), SystemClock(), RandomIds())
    user = service.create_user(OPERATOR, "ada@example.org", PASSWORD, "Ada", Role.ORGANISER).value
    yield House(redis, standby, sessions, service, Actor(user.id, user.role))
    link.close()


def test_who_logs_in_while_it_is_away_is_signed_in_then_and_afterwards(house: House) -> None:
    before = house.service.log_in("ada@example.org", PASSWORD, LAPTOP).session
    house.redis.kill()
    meanwhile = house.service.log_in("ada@example.org", PASSWORD, LAPTOP).session
    assert house.service.whoami(meanwhile.id).name == "Ada"
    refreshed = house.service.refresh(meanwhile.id, meanwhile.token_id, LAPTOP).session
    house.redis.start()
    after = house.service.log_in("ada@example.org", PASSWORD, LAPTOP).session
    found = [session.id for session in house.service.sessions(house.ada)]
    assert found == [after.id, meanwhile.id], "what was in memory of the server is lost"
    house.service.refresh(meanwhile.id, refreshed.token_id, LAPTOP)
    with pytest.raises(SessionEnded):
        house.service.whoami(before.id)


def test_a_session_opened_before_there_was_a_redis_goes_on(house: House) -> None:
    opened = house.service.log_in("ada@example.org", PASSWORD, LAPTOP).session
    old = attrs.evolve(opened, id=SessionId(RandomIds().new()))
    house.standby.open(old)
    assert house.service.whoami(old.id).name == "Ada"
    house.service.end_sessions(house.ada)
    for session in (opened, old):
        with pytest.raises(SessionEnded):
            house.service.whoami(session.id)


def test_what_cannot_be_told_or_done_without_it_is_said_and_changes_nothing(house: House) -> None:
    opened = house.service.log_in("ada@example.org", PASSWORD, LAPTOP).session
    house.redis.pause()
    service = house.service
    for impossible in (
        lambda: service.whoami(opened.id),
        lambda: service.refresh(opened.id, opened.token_id, LAPTOP),
        lambda: service.log_out(opened.id),
        lambda: service.sessions(house.ada),
        lambda: service.set_password(OPERATOR, house.user_id, "another horse battery"),
        lambda: service.change_me(house.ada, password="another horse", current_password=PASSWORD),
    ):
        with pytest.raises(SessionsAway):
            impossible()
    house.redis.resume()
    assert service.refresh(opened.id, opened.token_id, LAPTOP).session.rotations == 1
    service.log_in("ada@example.org", PASSWORD, LAPTOP)


def test_a_good_token_is_believed_while_its_session_cannot_be_looked_up(house: House) -> None:
    """But not one whose session is known here to have ended."""
    watch = SessionWatch(house.service, lambda: datetime.now(UTC).timestamp())
    goes_on, ended, found_ended = (
        house.service.log_in("ada@example.org", PASSWORD, LAPTOP).session.id for _ in range(3)
    )
    house.service.log_out(ended)
    watch.forget(ended)
    house.service.log_out(found_ended)
    with pytest.raises(SessionEnded):
        watch.user(found_ended)
    house.redis.kill()
    with pytest.raises(SessionsAway):
        watch.user(goes_on)
    assert watch.presumed(goes_on, house.user_id).role is Role.ORGANISER
    for over in (ended, found_ended):
        with pytest.raises(SessionEnded):
            watch.presumed(over, house.user_id)
    with pytest.raises(SessionEnded):
        watch.presumed(goes_on, UserId(RandomIds().new()))


def test_housekeeping_goes_on_without_it(house: House) -> None:
    opened = house.service.log_in("ada@example.org", PASSWORD, LAPTOP).session
    house.standby.open(attrs.evolve(opened, expires_at=opened.created_at))
    house.redis.kill()
    house.sessions.saw(opened.id, opened.created_at + timedelta(minutes=5))
    assert house.service.forget_sessions(opened.created_at + timedelta(seconds=1)) == 1
