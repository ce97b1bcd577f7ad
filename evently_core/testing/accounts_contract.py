"""What every store of users and of sessions must do. Subclass, say how stores are made, and let pytest collect it."""

# ruff: noqa: S105, S106  # the passwords and hashes in here belong to nobody

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from threading import Barrier
from typing import TypeVar

import attrs

from evently_core.accounts import (
    Act,
    ActId,
    ActKind,
    Answered,
    AnswerKey,
    BadCredentials,
    Credentials,
    Device,
    EmailTaken,
    KeyReused,
    Session,
    SessionEnded,
    TokenId,
    User,
)
from evently_core.memory.basics import FixedClock, ScryptPasswords, SequentialIds
from evently_core.ports import Accounts, Sessions
from evently_core.services.accounts import AccountService
from evently_core.values import OPERATOR, Actor, Role, SessionId, UserId

T = TypeVar("T")
E = TypeVar("E", bound=Exception)

START = datetime(2030, 5, 1, 12, 30, 15, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
LAPTOP = Device("api-1", "192.0.2.7", "Lynx/2.9 (größer)")
PASSWORD = "correct horse"
CROWD = 6
"""How many threads compete; a store of a bounded pool serves them all the same."""


def error_of(kind: type[E], call: Callable[[], object]) -> E:
    """Return the error that a call must raise."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def at_once(call: Callable[[int], T]) -> list[T | Exception]:
    """Make the same call in several threads at one moment; return what each got or was told."""
    ready = Barrier(CROWD)

    def run(number: int) -> T | Exception:
        ready.wait()
        try:
            return call(number)
        except (EmailTaken, KeyReused, SessionEnded) as error:
            return error

    with ThreadPoolExecutor(CROWD) as threads:
        return list(threads.map(run, range(CROWD)))


@attrs.frozen
class Stores:
    """Empty stores of users and of sessions; a session's user is in the one beside it."""

    accounts: Accounts
    sessions: Sessions


class StoresContract:
    """What the suites share: how stores are made, and people to fill them with."""

    def make_stores(self) -> Stores:
        """Return empty stores. To be overridden."""
        raise NotImplementedError

    @cached_property
    def ids(self) -> SequentialIds:
        """Ids from one on. Like the stores they are the test's own: each has an instance of its class."""
        return SequentialIds()

    @cached_property
    def stores(self) -> Stores:
        """The stores of this test."""
        return self.make_stores()

    @property
    def accounts(self) -> Accounts:
        """The store of users."""
        return self.stores.accounts

    @property
    def sessions(self) -> Sessions:
        """The store of sessions."""
        return self.stores.sessions

    def person(self, email: str = "ada@example.org", role: Role = Role.ATTENDEE) -> User:
        """Return a user who is not added yet."""
        return User(id=UserId(self.ids.new()), email=email, name="Ada", role=role, created_at=START)

    def act(self, user: User, kind: ActKind = ActKind.USER_CREATED) -> Act:
        """Return a record of something done to a user."""
        return Act(
            id=ActId(self.ids.new()),
            kind=kind,
            actor_id=None,
            actor_name="operator",
            user_id=user.id,
            at=START,
            details={"role": "admin"},
        )


class AccountsContract(StoresContract):
    """What every store of users must do."""

    def test_a_user_reads_as_added(self) -> None:
        """Nothing is lost or rounded."""
        user = self.person()
        assert self.accounts.add(user, "hash") == Answered(user)
        assert self.accounts.user(user.id) == user
        assert self.accounts.credentials(user.id) == Credentials(user, "hash")
        found = self.accounts.user(user.id)
        assert found is not None
        assert found.created_at.utcoffset() == timedelta(0)

    def test_who_was_not_added_is_not_there(self) -> None:
        """Every way to look for a user may find nobody."""
        nobody = UserId(self.ids.new())
        assert self.accounts.user(nobody) is None
        assert self.accounts.credentials(nobody) is None
        assert self.accounts.credentials_of("ada@example.org") is None
        assert self.accounts.change(nobody, name="Bob") is None
        assert list(self.accounts.users(None, 10)) == []
        assert not self.accounts.has_admin()

    def test_an_email_is_found_in_any_case(self) -> None:
        """People write their address as they like."""
        for email in ("Ada.Lovelace@Example.org", "jürgen@bücher.example"):
            user = self.person(email)
            self.accounts.add(user, "hash")
            assert self.accounts.credentials_of(email.upper()) == Credentials(user, "hash")

    def test_an_email_is_given_once(self) -> None:
        """In another case it is the same address; the second adds nothing."""
        self.accounts.add(self.person("ada@example.org"), "hash")
        second = self.person("ADA@example.org")
        error = error_of(EmailTaken, lambda: self.accounts.add(second, "hash", act=self.act(second)))
        assert not error.replayed
        assert self.accounts.user(second.id) is None
        assert list(self.accounts.acts(None, 10)) == []

    def test_of_many_with_one_email_one_gets_it(self) -> None:
        """Also when all of them come at one moment."""
        people = [self.person() for _ in range(CROWD)]
        answers = at_once(lambda number: self.accounts.add(people[number], "hash"))
        assert sum(isinstance(answer, Answered) for answer in answers) == 1
        assert sum(isinstance(answer, EmailTaken) for answer in answers) == CROWD - 1
        assert len(self.accounts.users(None, 10)) == 1

    def test_a_key_answers_again_and_adds_nothing(self) -> None:
        """The same call gets the user as it was then, whatever became of it (I6)."""
        user = self.person()
        key = AnswerKey("ada@example.org", "k", b"content")
        assert self.accounts.add(user, "hash", key=key) == Answered(user)
        self.accounts.change(user.id, name="Countess")
        again = self.accounts.add(self.person("other@example.org"), "hash", key=key)
        assert again == Answered(user, replayed=True)
        assert [found.id for found in self.accounts.users(None, 10)] == [user.id]

    def test_a_taken_email_is_an_answer_that_is_kept(self) -> None:
        """A refusal by a rule is replayed too, even when its reason is gone (I6)."""
        self.accounts.add(self.person("ada@example.org"), "hash")
        key = AnswerKey("scope", "k", b"content")
        first = error_of(EmailTaken, lambda: self.accounts.add(self.person(), "hash", key=key))
        free = self.person("free@example.org")
        second = error_of(EmailTaken, lambda: self.accounts.add(free, "hash", key=key))
        assert (first.replayed, second.replayed) == (False, True)
        assert self.accounts.user(free.id) is None

    def test_a_key_stands_for_one_content_in_one_scope(self) -> None:
        """Other content is refused; in another scope the same key is another one."""
        self.accounts.add(self.person("a@example.org"), "hash", key=AnswerKey("scope", "k", b"one"))
        other = self.person("b@example.org")
        error_of(KeyReused, lambda: self.accounts.add(other, "hash", key=AnswerKey("scope", "k", b"two")))
        assert self.accounts.user(other.id) is None
        added = self.accounts.add(other, "hash", key=AnswerKey("elsewhere", "k", b"two"))
        assert added == Answered(other)

    def test_calls_with_one_key_at_one_moment_have_one_effect(self) -> None:
        """One adds, the others wait for it and get its answer."""
        people = [self.person(f"user{number}@example.org") for number in range(CROWD)]
        key = AnswerKey("scope", "k", b"content")
        answers = at_once(lambda number: self.accounts.add(people[number], "hash", key=key))
        given = [answer for answer in answers if isinstance(answer, Answered)]
        assert len(given) == CROWD
        assert sum(not answer.replayed for answer in given) == 1
        assert len({answer.value.id for answer in given}) == 1
        assert len(self.accounts.users(None, 10)) == 1

    def test_answers_are_forgotten_after_their_time(self) -> None:
        """Only those given before; then the key is a new one."""
        user = self.person("a@example.org")
        key = AnswerKey("scope", "k", b"content")
        self.accounts.add(user, "hash", key=key)
        assert self.accounts.forget_answers(START) == 0
        assert self.accounts.add(user, "hash", key=key).replayed
        assert self.accounts.forget_answers(START + SECOND) == 1
        other = self.person("b@example.org")
        assert self.accounts.add(other, "hash", key=key) == Answered(other)

    def test_users_are_listed_in_order_and_in_pieces(self) -> None:
        """Behind an id, at most so many."""
        people = [self.person(f"user{number}@example.org") for number in range(5)]
        for user in reversed(people):
            self.accounts.add(user, "hash")
        assert list(self.accounts.users(None, 2)) == people[:2]
        assert list(self.accounts.users(people[1].id, 2)) == people[2:4]
        assert list(self.accounts.users(people[3].id, 2)) == people[4:]
        assert list(self.accounts.users(people[4].id, 2)) == []

    def test_users_are_counted_by_the_day_they_registered(self) -> None:
        """Both ends of a span are part of it, and days begin in UTC."""
        assert self.accounts.count() == 0
        for number, day in enumerate((1, 1, 2, 4)):
            created_at = datetime(2030, 5, day, 23, 59, 59, 999_999, tzinfo=UTC)
            user = attrs.evolve(self.person(f"user{number}@example.org"), created_at=created_at)
            self.accounts.add(user, "hash")
        assert self.accounts.count() == 4
        assert self.accounts.registrations(date(2030, 5, 1), date(2030, 5, 3)) == {
            date(2030, 5, 1): 2,
            date(2030, 5, 2): 1,
        }
        assert self.accounts.registrations(date(2030, 5, 4), date(2030, 5, 4)) == {date(2030, 5, 4): 1}

    def test_users_are_found_by_their_ids(self) -> None:
        """Several at once; who is not there is left out."""
        ada, bob = self.person(), self.person("bob@example.org")
        for user in (ada, bob):
            self.accounts.add(user, "hash")
        nobody = UserId(self.ids.new())
        assert self.accounts.users_named({ada.id, nobody}) == {ada.id: ada}
        assert self.accounts.users_named([]) == {}

    def test_an_admin_is_noticed(self) -> None:
        """By the role, whoever else is there."""
        self.accounts.add(self.person("a@example.org", Role.ORGANISER), "hash")
        assert not self.accounts.has_admin()
        self.accounts.add(self.person("b@example.org", Role.ADMIN), "hash")
        assert self.accounts.has_admin()

    def test_what_is_given_is_changed_and_nothing_else(self) -> None:
        """Name, password, both, or neither."""
        user = self.person()
        self.accounts.add(user, "hash")
        renamed = attrs.evolve(user, name="Countess")
        assert self.accounts.change(user.id, name="Countess") == renamed
        assert self.accounts.credentials(user.id) == Credentials(renamed, "hash")
        assert self.accounts.change(user.id, password_hash="new") == renamed
        assert self.accounts.credentials(user.id) == Credentials(renamed, "new")
        assert self.accounts.change(user.id) == renamed
        assert self.accounts.credentials(user.id) == Credentials(renamed, "new")
        assert self.accounts.change(user.id, name="Ada", password_hash="newer") == user
        assert self.accounts.credentials(user.id) == Credentials(user, "newer")

    def test_a_password_is_replaced_only_if_it_is_still_the_one(self) -> None:
        """Who lost the race changes nothing, the name neither, and leaves no record."""
        user = self.person()
        self.accounts.add(user, "hash")
        act = self.act(user, ActKind.PASSWORD_SET)
        lost = self.accounts.change(user.id, name="Eve", password_hash="new", instead_of="old", act=act)
        assert lost is None
        assert self.accounts.credentials(user.id) == Credentials(user, "hash")
        assert list(self.accounts.acts(None, 10)) == []
        assert self.accounts.change(user.id, password_hash="new", instead_of="hash", act=act) == user
        assert list(self.accounts.acts(None, 10)) == [act]

    def test_a_role_is_set_only_if_it_is_still_the_one(self) -> None:
        """Who lost the race changes nothing and leaves no record."""
        user = self.person()
        self.accounts.add(user, "hash")
        act = self.act(user, ActKind.ROLE_SET)
        assert not self.accounts.set_role(user.id, Role.ADMIN, instead_of=Role.ORGANISER, act=act)
        assert self.accounts.user(user.id) == user
        assert list(self.accounts.acts(None, 10)) == []
        assert self.accounts.set_role(user.id, Role.ADMIN, instead_of=Role.ATTENDEE, act=act)
        assert self.accounts.user(user.id) == attrs.evolve(user, role=Role.ADMIN)
        assert list(self.accounts.acts(None, 10)) == [act]

    def test_the_journal_reads_newest_first_and_in_pieces(self) -> None:
        """Older than an id, at most so many."""
        acts: list[Act] = []
        for number in range(3):
            user = self.person(f"user{number}@example.org")
            acts.append(self.act(user))
            self.accounts.add(user, "hash", act=acts[-1])
        assert list(self.accounts.acts(None, 2)) == [acts[2], acts[1]]
        assert list(self.accounts.acts(acts[1].id, 2)) == [acts[0]]


class SessionsContract(StoresContract):
    """What every store of sessions must do."""

    @cached_property
    def user(self) -> User:
        """Somebody with an account."""
        return self.accounts.add(self.person(), "hash").value

    def opened(self, user: User | None = None) -> Session:
        """Open a session and return it."""
        session = Session(
            id=SessionId(self.ids.new()),
            user_id=(user or self.user).id,
            token_id=TokenId(self.ids.new()),
            device=LAPTOP,
            created_at=START,
            last_seen_at=START,
            expires_at=START + DAY,
        )
        self.sessions.open(session)
        return session

    def test_a_session_reads_as_opened(self) -> None:
        """Nothing is lost or rounded."""
        session = self.opened()
        assert self.sessions.session(session.id) == session

    def test_an_unknown_session_is_not_there(self) -> None:
        """Ending or noting it does nothing."""
        unknown = SessionId(self.ids.new())
        self.sessions.end(unknown, START)
        self.sessions.saw(unknown, START)
        assert self.sessions.session(unknown) is None

    def test_one_state_takes_the_place_of_another(self) -> None:
        """Only while the state it replaces is the present one."""
        before = self.opened()
        device = attrs.evolve(LAPTOP, address="192.0.2.8")
        after = before.rotated(TokenId(self.ids.new()), device, START + SECOND, DAY)
        assert self.sessions.replace(before, after)
        assert self.sessions.session(before.id) == after
        other = before.rotated(TokenId(self.ids.new()), device, START + SECOND, DAY)
        assert not self.sessions.replace(before, other)
        assert self.sessions.session(before.id) == after

    def test_noting_its_use_does_not_get_in_the_way_of_a_rotation(self) -> None:
        """A request with the access token goes on beside a refresh."""
        before = self.opened()
        self.sessions.saw(before.id, START + timedelta(minutes=5))
        after = before.rotated(TokenId(self.ids.new()), LAPTOP, START + timedelta(minutes=5), DAY)
        assert self.sessions.replace(before, after)

    def test_an_ended_session_stays_ended(self) -> None:
        """No rotation brings it back, and the second end changes nothing (I7)."""
        session = self.opened()
        self.sessions.end(session.id, START + SECOND)
        after = session.rotated(TokenId(self.ids.new()), LAPTOP, START + SECOND, DAY)
        assert not self.sessions.replace(session, after)
        self.sessions.end(session.id, START + 2 * SECOND)
        self.sessions.end_all(self.user.id, START + 2 * SECOND)
        assert self.sessions.session(session.id) == attrs.evolve(session, ended_at=START + SECOND)

    def test_of_many_rotations_at_one_moment_one_succeeds(self) -> None:
        """A token is exchanged once."""
        before = self.opened()
        after = [before.rotated(TokenId(self.ids.new()), LAPTOP, START, DAY) for _ in range(CROWD)]
        won = at_once(lambda number: self.sessions.replace(before, after[number]))
        assert sorted(map(bool, won)) == [False] * (CROWD - 1) + [True]
        assert self.sessions.session(before.id) == after[won.index(True)]

    def test_its_use_is_noted_once_a_minute(self) -> None:
        """And never in the past."""
        session = self.opened()
        steps = [(59, 0), (60, 60), (119, 60), (121, 121), (5, 121)]
        for at, noted in steps:
            self.sessions.saw(session.id, START + at * SECOND)
            found = self.sessions.session(session.id)
            assert found is not None
            assert found.last_seen_at == START + noted * SECOND

    def test_live_sessions_are_listed_newest_first(self) -> None:
        """Those of the user, neither ended nor expired."""
        other = self.person("bob@example.org")
        self.accounts.add(other, "hash")
        first, ended, last = self.opened(), self.opened(), self.opened()
        self.opened(other)
        self.sessions.end(ended.id, START)
        assert list(self.sessions.live(self.user.id, START)) == [last, first]
        assert list(self.sessions.live(self.user.id, START + DAY)) == []

    def test_all_sessions_of_a_user_end_but_one(self) -> None:
        """Others keep theirs."""
        other = self.person("bob@example.org")
        self.accounts.add(other, "hash")
        mine, kept, others = self.opened(), self.opened(), self.opened(other)
        self.sessions.end_all(self.user.id, START + SECOND, but=kept.id)
        assert self.sessions.session(mine.id) == attrs.evolve(mine, ended_at=START + SECOND)
        assert self.sessions.session(kept.id) == kept
        assert self.sessions.session(others.id) == others
        self.sessions.end_all(self.user.id, START + 2 * SECOND)
        assert self.sessions.session(kept.id) == attrs.evolve(kept, ended_at=START + 2 * SECOND)

    def test_expired_sessions_are_forgotten(self) -> None:
        """Only those that expired before then."""
        session = self.opened()
        assert self.sessions.forget(START + DAY) == 0
        assert self.sessions.session(session.id) == session
        assert self.sessions.forget(START + DAY + SECOND) == 1
        assert self.sessions.session(session.id) is None


class AccountServiceContract(StoresContract):
    """The use cases over the stores: what only the two together can show."""

    @cached_property
    def clock(self) -> FixedClock:
        """A clock that stands still."""
        return FixedClock(START)

    @cached_property
    def service(self) -> AccountService:
        """The use cases on top of the stores."""
        return AccountService(self.accounts, self.sessions, ScryptPasswords(cost=4), self.clock, self.ids)

    def signed_up(self, email: str = "ada@example.org") -> User:
        """Register a user."""
        return self.service.register(email, PASSWORD, "Ada").value

    def live(self, user: User) -> Sequence[SessionId]:
        """Return the sessions the user may list."""
        return [session.id for session in self.service.sessions(Actor(user.id, user.role))]

    def test_a_session_goes_from_log_in_to_log_out(self) -> None:
        """Logged in, refreshed, logged out."""
        user = self.signed_up()
        opened = self.service.log_in("ADA@example.org", PASSWORD, LAPTOP)
        assert self.service.whoami(opened.session.id) == user
        refreshed = self.service.refresh(opened.session.id, opened.session.token_id, LAPTOP)
        assert refreshed.session.id == opened.session.id
        assert refreshed.session.token_id != opened.session.token_id
        assert self.live(user) == [opened.session.id]
        self.service.log_out(opened.session.id)
        error_of(SessionEnded, lambda: self.service.whoami(opened.session.id))
        assert self.live(user) == []

    def test_a_replayed_token_ends_the_session(self) -> None:
        """Neither the thief nor the owner goes on."""
        self.signed_up()
        opened = self.service.log_in("ada@example.org", PASSWORD, LAPTOP).session
        refreshed = self.service.refresh(opened.id, opened.token_id, LAPTOP).session
        error_of(SessionEnded, lambda: self.service.refresh(opened.id, opened.token_id, LAPTOP))
        error_of(SessionEnded, lambda: self.service.refresh(opened.id, refreshed.token_id, LAPTOP))
        error_of(SessionEnded, lambda: self.service.whoami(opened.id))

    def test_a_token_exchanged_by_two_at_one_moment_ends_the_session(self) -> None:
        """At most one of them gets a new one, and it is good for nothing."""
        self.signed_up()
        opened = self.service.log_in("ada@example.org", PASSWORD, LAPTOP).session
        answers = at_once(lambda _: self.service.refresh(opened.id, opened.token_id, LAPTOP))
        assert sum(isinstance(answer, SessionEnded) for answer in answers) == CROWD - 1
        error_of(SessionEnded, lambda: self.service.whoami(opened.id))

    def test_a_new_password_ends_the_other_sessions(self) -> None:
        """The old password opens nothing any more."""
        user = self.signed_up()
        other = self.service.log_in("ada@example.org", PASSWORD, LAPTOP).session
        this = self.service.log_in("ada@example.org", PASSWORD, LAPTOP).session
        self.service.change_me(
            Actor(user.id, user.role),
            password="battery staple",
            current_password=PASSWORD,
            session_id=this.id,
        )
        assert self.live(user) == [this.id]
        error_of(SessionEnded, lambda: self.service.whoami(other.id))
        error_of(BadCredentials, lambda: self.service.log_in("ada@example.org", PASSWORD, LAPTOP))
        assert self.service.log_in("ada@example.org", "battery staple", LAPTOP).user == user

    def test_what_an_admin_does_leaves_a_record(self) -> None:
        """Who, what, to whom, and when, newest first."""
        bob = self.service.create_user(OPERATOR, "bob@example.org", PASSWORD, "Bob", Role.ADMIN).value
        self.clock.advance(SECOND)
        actor = Actor(bob.id, bob.role)
        ada = self.signed_up()
        self.service.set_role(actor, ada.id, Role.ORGANISER)
        self.service.set_password(actor, ada.id, "battery staple")
        told = [
            (act.kind, act.actor_name, act.actor_id, act.user_id, act.at, dict(act.details))
            for act in self.service.acts(OPERATOR).items
        ]
        assert told == [
            (ActKind.PASSWORD_SET, "user", bob.id, ada.id, START + SECOND, {}),
            (
                ActKind.ROLE_SET,
                "user",
                bob.id,
                ada.id,
                START + SECOND,
                {"from": "attendee", "to": "organiser"},
            ),
            (ActKind.USER_CREATED, "operator", None, bob.id, START, {"role": "admin"}),
        ]
