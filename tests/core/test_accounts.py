"""The rules of accounts, and the use cases over stores in memory."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from evently_core.accounts import (
    AnswerKey,
    BadCredentials,
    Credentials,
    Device,
    EmailTaken,
    KeyReused,
    Rotation,
    Session,
    SessionEnded,
    TokenId,
    User,
    acceptable_password,
    normal_email,
    proper_name,
)
from evently_core.errors import Forbidden, InvalidValue, NotFound
from evently_core.memory.accounts import MemoryAccounts, MemorySessions
from evently_core.memory.basics import FixedClock, ScryptPasswords, SequentialIds
from evently_core.paging import PageRequest
from evently_core.services.accounts import AccountService
from evently_core.values import OPERATOR, SYSTEM, Actor, Role, SessionId, UserId

START = datetime(2030, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PASSWORD = "correct horse"
LAPTOP = Device("api-1", "192.0.2.7", "Lynx")


class TestEmail:
    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("ada@example.org", "ada@example.org"),
            ("  Ada.Lovelace@Example.ORG\n", "ada.lovelace@example.org"),
            ("ada+events@mail.example.co.uk", "ada+events@mail.example.co.uk"),
            ("Ju\u0308rgen@Bücher.example", "jürgen@bücher.example"),
            ("a" * 64 + "@" + "b" * 185 + ".org", "a" * 64 + "@" + "b" * 185 + ".org"),
        ],
    )
    def test_is_kept_in_one_spelling(self, typed: str, kept: str) -> None:
        assert normal_email(typed) == kept
        assert normal_email(kept) == kept

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@example",
            "ada@.org",
            "ada@example.",
            "ada@example..org",
            "ada@b@example.org",
            "ada lovelace@example.org",
            "ada@exam ple.org",
            "ada\0@example.org",
            "ada\x1b@example.org",
            "ada\r\nBcc: eve@example.org",
            "ada\ud800@example.org",
            "ada\u2028@example.org",
            "\u202eada@example.org",
            "a" * 65 + "@example.org",
        ],
    )
    def test_is_refused_when_no_mail_could_go_there(self, typed: str) -> None:
        with pytest.raises(InvalidValue) as refused:
            normal_email(typed)
        assert (refused.value.field, refused.value.code) == ("email", "invalid_email")

    @pytest.mark.parametrize("length", [255, 300, 10_000_000])
    def test_is_refused_when_too_long(self, length: int) -> None:
        with pytest.raises(InvalidValue) as refused:
            normal_email("ada@" + "b" * (length - 8) + ".org")
        assert refused.value.code == "email_too_long"


class TestName:
    @pytest.mark.parametrize("name", ["A", "Ada Lovelace", "می‌خواهم", "José 🐎", "x" * 200])
    def test_may_be_anything_printable(self, name: str) -> None:
        assert proper_name(f" {name}\n") == name

    @pytest.mark.parametrize(
        "name", ["", "  ", "x" * 201, "A\0da", "A\nda", "A\x1b[31mda", "A\ud800", "A\u2028da"]
    )
    def test_is_refused_when_it_cannot_be_printed(self, name: str) -> None:
        with pytest.raises(InvalidValue) as refused:
            proper_name(name)
        assert (refused.value.field, refused.value.code) == ("name", "invalid_name")


class TestPassword:
    @pytest.mark.parametrize(
        "password", ["12345678", " leading and trailing ", "pässwörd", "🐎" * 8, "x" * 1024]
    )
    def test_may_be_any_text_of_some_length(self, password: str) -> None:
        assert acceptable_password(password) == password

    @pytest.mark.parametrize(
        "password", ["", "1234567", " " * 8, "\t" * 20, "x" * 1025, "1234567\0", "1234567\udc80"]
    )
    def test_is_refused_when_short_long_blank_or_no_text(self, password: str) -> None:
        with pytest.raises(InvalidValue) as refused:
            acceptable_password(password)
        assert (refused.value.field, refused.value.code) == ("password", "invalid_password")


class TestKey:
    def test_differs_by_scope_and_by_key(self) -> None:
        keys = [AnswerKey("a", "bc", b""), AnswerKey("ab", "c", b""), AnswerKey("a", "b", b"")]
        assert len({key.salt for key in keys}) == 3
        assert {len(key.salt) for key in keys} == {16}

    @pytest.mark.parametrize(
        ("scope", "key"), [("", "k"), ("s", ""), ("s", "k" * 256), ("s" * 401, "k"), ("s", "\0")]
    )
    def test_is_refused_when_it_could_not_be_kept(self, scope: str, key: str) -> None:
        with pytest.raises(InvalidValue):
            AnswerKey(scope, key, b"")


def test_what_a_device_says_of_itself_is_clipped_not_refused() -> None:
    device = Device("api-1", "192.0.2.7", "Evil\0\r\nAgent\ud800/" + "x" * 10_000)
    assert device.user_agent.startswith("EvilAgent/xx")
    assert len(device.user_agent) == 400


class TestRotation:
    @pytest.fixture
    def session(self) -> Session:
        ids = SequentialIds()
        return Session(
            id=SessionId(ids.new()),
            user_id=UserId(ids.new()),
            token_id=TokenId(ids.new()),
            device=LAPTOP,
            created_at=START,
            last_seen_at=START,
            expires_at=START + DAY,
        )

    @pytest.mark.parametrize(
        ("token", "after", "ended", "verdict"),
        [
            ("newest", timedelta(0), False, Rotation.ROTATED),
            ("newest", DAY - timedelta(microseconds=1), False, Rotation.ROTATED),
            ("newest", DAY, False, Rotation.EXPIRED),
            ("older", timedelta(0), False, Rotation.REUSED),
            ("older", DAY, False, Rotation.EXPIRED),
            ("newest", timedelta(0), True, Rotation.ENDED),
            ("older", timedelta(0), True, Rotation.ENDED),
            ("newest", DAY, True, Rotation.ENDED),
        ],
    )
    def test_judges_a_presented_token(
        self, session: Session, token: str, after: timedelta, ended: bool, verdict: Rotation
    ) -> None:
        presented = session.token_id if token == "newest" else TokenId(session.id)
        session = attrs.evolve(session, ended_at=START if ended else None)
        assert session.judge(presented, START + after) is verdict
        assert session.is_live(START + after) is (not ended and after < DAY)

    def test_makes_the_old_token_an_old_one(self, session: Session) -> None:
        new = TokenId(session.user_id)
        rotated = session.rotated(new, Device("api-2"), START + DAY / 2, DAY)
        assert rotated.judge(session.token_id, START + DAY / 2) is Rotation.REUSED
        assert rotated.judge(new, START + DAY / 2) is Rotation.ROTATED
        assert (rotated.rotations, rotated.device) == (1, Device("api-2"))
        assert rotated.expires_at == START + DAY / 2 + DAY
        assert rotated.created_at == START


@attrs.define
class CountingPasswords:
    """A real hasher that remembers what it was asked, so that a test can see the work done."""

    asked: list[tuple[str, ...]] = attrs.field(factory=list)
    real: ScryptPasswords = attrs.field(factory=lambda: ScryptPasswords(cost=4))

    def hash(self, password: str) -> str:
        return self.real.hash(password)

    def verify(self, password: str, password_hash: str) -> bool:
        self.asked.append((password, password_hash))
        return self.real.verify(password, password_hash)

    def needs_rehash(self, password_hash: str) -> bool:
        return self.real.needs_rehash(password_hash)

    def fingerprint(self, content: bytes, salt: bytes) -> bytes:
        return self.real.fingerprint(content, salt)


class House:
    """The use cases over empty stores in memory."""

    def __init__(self) -> None:
        self.accounts = MemoryAccounts()
        self.stored_sessions = MemorySessions()
        self.passwords = CountingPasswords()
        self.clock = FixedClock(START)
        self.ids = SequentialIds()
        self.service = self.service_with(self.passwords)

    def service_with(self, passwords: CountingPasswords) -> AccountService:
        return AccountService(
            self.accounts, self.stored_sessions, passwords, self.clock, self.ids, session_lifetime=DAY
        )

    def service_of(self, accounts: MemoryAccounts) -> AccountService:
        return AccountService(accounts, self.stored_sessions, self.passwords, self.clock, self.ids)

    def user(self, email: str = "ada@example.org", role: Role = Role.ATTENDEE) -> User:
        return self.service.create_user(OPERATOR, email, PASSWORD, "Ada", role).value

    def actor(self, email: str = "ada@example.org", role: Role = Role.ATTENDEE) -> Actor:
        user = self.user(email, role)
        return Actor(user.id, user.role)

    def log_in(self, email: str = "ada@example.org", password: str = PASSWORD) -> Session:
        return self.service.log_in(email, password, LAPTOP).session


@pytest.fixture
def house() -> House:
    return House()


class TestRegistering:
    def test_makes_an_attendee(self, house: House) -> None:
        answer = house.service.register(" Ada@Example.org", PASSWORD, " Ada Lovelace ")
        user = answer.value
        assert not answer.replayed
        assert (user.email, user.name, user.role) == ("ada@example.org", "Ada Lovelace", Role.ATTENDEE)
        assert user.created_at == START

    def test_leaves_no_administrative_record(self, house: House) -> None:
        house.service.register("ada@example.org", PASSWORD, "Ada")
        assert house.service.acts(OPERATOR).items == ()

    def test_keeps_no_password_that_could_be_read(self, house: House) -> None:
        user = house.user()
        credentials = house.accounts.credentials(user.id)
        assert credentials is not None
        assert PASSWORD not in credentials.password_hash
        assert credentials.password_hash not in repr(credentials)
        assert "hash" not in repr(user)

    @pytest.mark.parametrize(
        ("email", "password", "name", "field"),
        [
            ("ada", PASSWORD, "Ada", "email"),
            ("ada@example.org", "short", "Ada", "password"),
            ("ada@example.org", PASSWORD, " ", "name"),
        ],
    )
    def test_refuses_what_is_not_acceptable(
        self, house: House, email: str, password: str, name: str, field: str
    ) -> None:
        with pytest.raises(InvalidValue) as refused:
            house.service.register(email, password, name)
        assert refused.value.field == field
        assert house.service.users(OPERATOR).items == ()


class TestRepeating:
    KEY = AnswerKey("ada@example.org", "k-1", b"")

    def register(self, house: House, email: str = "ada@example.org", password: str = PASSWORD) -> User:
        return house.service.register(email, password, "Ada", key=self.KEY).value

    def test_the_same_call_has_one_effect(self, house: House) -> None:
        first = self.register(house)
        again = house.service.register("ADA@example.org", PASSWORD, "Ada", key=self.KEY)
        assert (again.value, again.replayed) == (first, True)
        assert house.service.users(OPERATOR).items == (first,)

    @pytest.mark.parametrize(
        "repeat",
        [
            lambda test, house: test.register(house, email="eve@example.org"),
            lambda test, house: test.register(house, password="battery staple"),
            lambda test, house: house.service.register("ada@example.org", PASSWORD, "Eve", key=test.KEY),
            lambda test, house: house.service.register(
                "ada@example.org", PASSWORD, "Ada", key=attrs.evolve(test.KEY, fingerprint=b"other")
            ),
            lambda test, house: house.service.create_user(
                OPERATOR, "ada@example.org", PASSWORD, "Ada", Role.ADMIN, key=test.KEY
            ),
        ],
        ids=["e-mail", "password", "name", "fingerprint", "role"],
    )
    def test_other_content_under_the_key_is_refused(
        self, house: House, repeat: Callable[["TestRepeating", House], object]
    ) -> None:
        user = self.register(house)
        with pytest.raises(KeyReused) as refused:
            repeat(self, house)
        assert refused.value.code == "idempotency_key_reused"
        assert house.service.users(OPERATOR).items == (user,)

    def test_a_taken_email_is_replayed(self, house: House) -> None:
        house.user()
        for replayed in (False, True):
            with pytest.raises(EmailTaken) as refused:
                self.register(house)
            assert (refused.value.code, refused.value.replayed) == ("email_taken", replayed)

    def test_what_is_invalid_is_not_kept(self, house: House) -> None:
        with pytest.raises(InvalidValue):
            self.register(house, password="short")
        assert self.register(house).email == "ada@example.org"

    def test_ends_when_answers_are_forgotten(self, house: House) -> None:
        self.register(house)
        assert house.service.forget_answers(START + DAY) == 1
        with pytest.raises(EmailTaken) as refused:
            self.register(house)
        assert not refused.value.replayed


class TestLoggingIn:
    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("ada@example.org", "wrong password"),
            ("bob@example.org", PASSWORD),
            ("no e-mail at all", PASSWORD),
            ("ada\0@example.org", PASSWORD),
            ("ada@example.org", ""),
            ("ada@example.org", PASSWORD + "\0"),
            ("ada@example.org", "\ud800" * 9),
            ("ada@example.org", "x" * 1_000_000),
        ],
    )
    def test_says_the_same_and_does_the_same_work_whatever_is_wrong(
        self, house: House, email: str, password: str
    ) -> None:
        house.user()
        with pytest.raises(BadCredentials) as refused:
            house.log_in(email, password)
        assert (str(refused.value), refused.value.code) == (
            "E-mail and password do not belong together.",
            "bad_credentials",
        )
        assert len(house.passwords.asked) == 1
        compared, password_hash = house.passwords.asked[0]
        assert not house.passwords.needs_rehash(password_hash)
        assert len(compared) <= 1024

    def test_opens_a_session_of_its_own_each_time(self, house: House) -> None:
        user = house.user()
        first, second = house.log_in(), house.log_in()
        assert first.id != second.id
        assert first.token_id != second.token_id
        assert (first.user_id, first.device, first.expires_at) == (user.id, LAPTOP, START + DAY)

    def test_makes_an_old_hash_anew(self, house: House) -> None:
        user = house.user()
        newer = house.service_with(CountingPasswords(real=ScryptPasswords(cost=8)))
        newer.log_in("ada@example.org", PASSWORD, LAPTOP)
        credentials = house.accounts.credentials(user.id)
        assert credentials is not None
        assert credentials.password_hash.startswith("scrypt$8$")
        assert newer.log_in("ada@example.org", PASSWORD, LAPTOP).user == user

    def test_with_a_password_that_is_changed_at_that_moment_opens_nothing(self, house: House) -> None:
        user = house.user()

        class Slow(MemorySessions):
            """Between the check of the password and the opening of the session the password is changed."""

            def open(self, session: Session) -> None:
                house.service.set_password(OPERATOR, user.id, "battery staple")
                super().open(session)

        sessions = Slow()
        service = AccountService(house.accounts, sessions, house.passwords, house.clock, house.ids)
        with pytest.raises(BadCredentials):
            service.log_in("ada@example.org", PASSWORD, LAPTOP)
        assert sessions.live(user.id, START) == []

    def test_beside_a_rehash_succeeds(self, house: House) -> None:
        user = house.user()

        class Beside(MemorySessions):
            """Another log-in makes the hash anew meanwhile."""

            def open(self, session: Session) -> None:
                house.accounts.change(user.id, password_hash=house.passwords.hash(PASSWORD))
                super().open(session)

        service = AccountService(house.accounts, Beside(), house.passwords, house.clock, house.ids)
        assert service.log_in("ada@example.org", PASSWORD, LAPTOP).user == user


class TestSessions:
    def test_a_refresh_exchanges_the_token_and_goes_on_living(self, house: House) -> None:
        house.user()
        session = house.log_in()
        house.clock.advance(DAY / 2)
        moved = Device("api-2", "192.0.2.8", "Lynx")
        refreshed = house.service.refresh(session.id, session.token_id, moved).session
        assert (refreshed.rotations, refreshed.device) == (1, moved)
        house.clock.advance(DAY / 2)
        assert house.service.whoami(session.id).email == "ada@example.org"

    def test_an_expired_session_is_over(self, house: House) -> None:
        house.user()
        session = house.log_in()
        house.clock.advance(DAY)
        with pytest.raises(SessionEnded) as refused:
            house.service.refresh(session.id, session.token_id, LAPTOP)
        assert refused.value.code == "session_ended"
        with pytest.raises(SessionEnded):
            house.service.whoami(session.id)

    def test_an_unknown_session_is_over(self, house: House) -> None:
        unknown = SessionId(house.ids.new())
        house.service.log_out(unknown)
        with pytest.raises(SessionEnded):
            house.service.whoami(unknown)
        with pytest.raises(SessionEnded):
            house.service.refresh(unknown, TokenId(unknown), LAPTOP)

    def test_logging_out_twice_is_logging_out_once(self, house: House) -> None:
        house.user()
        session = house.log_in()
        house.service.log_out(session.id)
        house.clock.advance(timedelta(hours=1))
        house.service.log_out(session.id)
        stored = house.stored_sessions.session(session.id)
        assert stored is not None
        assert stored.ended_at == START

    def test_being_seen_is_noted_by_the_minute(self, house: House) -> None:
        house.user()
        session = house.log_in()
        for seconds, noted in [(59, 0), (61, 61), (100, 61)]:
            house.clock.set(START + timedelta(seconds=seconds))
            house.service.live_session(session.id)
            stored = house.stored_sessions.session(session.id)
            assert stored is not None
            assert stored.last_seen_at == START + timedelta(seconds=noted)

    def test_only_ones_own_can_be_ended(self, house: House) -> None:
        ada, eve = house.actor(), house.actor("eve@example.org", Role.ADMIN)
        session = house.log_in()
        with pytest.raises(NotFound):
            house.service.end_session(eve, session.id)
        assert house.service.whoami(session.id).email == "ada@example.org"
        house.service.end_session(ada, session.id)
        house.service.end_session(ada, session.id)
        with pytest.raises(SessionEnded):
            house.service.whoami(session.id)

    def test_all_of_ones_own_can_be_ended(self, house: House) -> None:
        ada, eve = house.actor(), house.actor("eve@example.org")
        house.log_in()
        house.log_in()
        hers = house.log_in("eve@example.org")
        assert len(house.service.sessions(ada)) == 2
        house.service.end_sessions(ada)
        assert house.service.sessions(ada) == []
        assert [session.id for session in house.service.sessions(eve)] == [hers.id]

    def test_expired_ones_are_forgotten(self, house: House) -> None:
        house.user()
        house.log_in()
        assert house.service.forget_sessions(START + DAY) == 0
        assert house.service.forget_sessions(START + 2 * DAY) == 1


class TestOnesOwnAccount:
    def test_is_shown_and_renamed(self, house: House) -> None:
        ada = house.actor()
        renamed = house.service.change_me(ada, name=" Countess ")
        assert renamed.name == "Countess"
        assert house.service.me(ada) == renamed

    def test_nothing_given_changes_nothing(self, house: House) -> None:
        ada = house.actor()
        assert house.service.change_me(ada) == house.service.me(ada)

    @pytest.mark.parametrize(
        ("password", "current", "field", "code"),
        [
            ("battery staple", None, "current_password", "required"),
            ("battery staple", "wrong password", "current_password", "wrong_password"),
            ("battery staple", "\ud800", "current_password", "wrong_password"),
            ("short", PASSWORD, "password", "invalid_password"),
        ],
    )
    def test_a_password_is_changed_by_who_knows_it(
        self, house: House, password: str, current: str | None, field: str, code: str
    ) -> None:
        ada = house.actor()
        session = house.log_in()
        with pytest.raises(InvalidValue) as refused:
            house.service.change_me(ada, name="Eve", password=password, current_password=current)
        assert (refused.value.field, refused.value.code) == (field, code)
        assert house.service.me(ada).name == "Ada"
        assert house.service.whoami(session.id).name == "Ada"
        house.log_in()

    def test_who_has_no_account_cannot_change_it(self, house: House) -> None:
        for call in (
            house.service.me,
            house.service.sessions,
            house.service.end_sessions,
            lambda actor: house.service.change_me(actor, name="Root"),
            lambda actor: house.service.end_session(actor, SessionId(house.ids.new())),
        ):
            with pytest.raises(Forbidden):
                call(OPERATOR)


class TestAdministering:
    @pytest.mark.parametrize("role", [Role.ATTENDEE, Role.ORGANISER])
    def test_is_for_admins(self, house: House, role: Role) -> None:
        actor = house.actor(role=role)
        other = house.user("bob@example.org")
        before = house.accounts.credentials(other.id)
        service = house.service
        calls: list[Callable[[], object]] = [
            lambda: service.create_user(actor, "eve@example.org", PASSWORD, "Eve", Role.ADMIN),
            lambda: service.set_role(actor, other.id, Role.ADMIN),
            lambda: service.set_role(actor, actor.user_id or other.id, Role.ADMIN),
            lambda: service.set_password(actor, other.id, "battery staple"),
            lambda: service.users(actor),
            lambda: service.acts(actor),
            lambda: service.user_by_email(actor, "bob@example.org"),
        ]
        for call in calls:
            with pytest.raises(Forbidden):
                call()
        with pytest.raises(NotFound):
            service.user(actor, other.id)
        assert house.accounts.credentials(other.id) == before
        assert len(service.users(OPERATOR).items) == 2

    def test_finds_anybody(self, house: House) -> None:
        ada = house.user()
        assert house.service.user(OPERATOR, ada.id) == ada
        assert house.service.user(Actor(ada.id, ada.role), ada.id) == ada
        assert house.service.user_by_email(OPERATOR, "ADA@example.org") == ada
        for email in ("bob@example.org", "no e-mail"):
            with pytest.raises(NotFound):
                house.service.user_by_email(OPERATOR, email)

    def test_lists_everybody_once_in_pages(self, house: House) -> None:
        users = [house.user(f"user{number}@example.org") for number in range(5)]
        found: list[User] = []
        cursor: str | None = None
        for _ in range(3):
            page = house.service.users(OPERATOR, PageRequest(2, cursor))
            found.extend(page.items)
            cursor = page.next_cursor
        assert found == users
        assert cursor is None

    def test_refuses_a_cursor_that_was_not_given_out(self, house: House) -> None:
        for cursor in ("", "x", "WyJ4Il0", "W10"):
            for listing in (house.service.users, house.service.acts):
                with pytest.raises(InvalidValue) as refused:
                    listing(OPERATOR, PageRequest(2, cursor))
                assert refused.value.field == "cursor"

    def test_the_role_somebody_has_already_leaves_no_record(self, house: House) -> None:
        ada = house.user()
        before = house.service.acts(OPERATOR)
        assert house.service.set_role(OPERATOR, ada.id, Role.ATTENDEE) == ada
        assert house.service.acts(OPERATOR) == before
        assert house.service.set_role(OPERATOR, ada.id, Role.ORGANISER).role is Role.ORGANISER
        assert len(house.service.acts(OPERATOR).items) == 2

    def test_a_new_role_counts_from_the_next_request_on(self, house: House) -> None:
        ada = house.user()
        session = house.log_in()
        house.service.set_role(OPERATOR, ada.id, Role.ADMIN)
        assert house.service.whoami(session.id).role is Role.ADMIN

    def test_a_password_set_by_another_ends_all_sessions(self, house: House) -> None:
        ada = house.user()
        session = house.log_in()
        house.service.set_password(OPERATOR, ada.id, "battery staple")
        with pytest.raises(SessionEnded):
            house.service.whoami(session.id)
        with pytest.raises(BadCredentials):
            house.log_in()
        house.log_in(password="battery staple")

    def test_of_nobody_is_not_found(self, house: House) -> None:
        nobody = UserId(house.ids.new())
        with pytest.raises(NotFound):
            house.service.set_role(OPERATOR, nobody, Role.ADMIN)
        with pytest.raises(NotFound):
            house.service.set_password(OPERATOR, nobody, PASSWORD)
        with pytest.raises(NotFound):
            house.service.user(OPERATOR, nobody)
        assert house.service.acts(OPERATOR).items == ()


class TestTheFirstAdmin:
    def test_is_made_once(self, house: House) -> None:
        made = house.service.ensure_first_admin("root@example.org", PASSWORD)
        assert made is not None
        assert made.role is Role.ADMIN
        assert house.service.ensure_first_admin("root@example.org", "battery staple") is None
        assert house.service.ensure_first_admin("other@example.org", PASSWORD) is None
        assert house.service.users(OPERATOR).items == (made,)
        assert house.log_in("root@example.org").user_id == made.id

    def test_is_in_the_journal_as_made_by_the_system(self, house: House) -> None:
        house.service.ensure_first_admin("root@example.org", PASSWORD)
        [act] = house.service.acts(OPERATOR).items
        assert act.actor_name == SYSTEM.name

    def test_does_not_take_somebody_elses_email(self, house: House) -> None:
        house.user("root@example.org")
        with pytest.raises(EmailTaken):
            house.service.ensure_first_admin("root@example.org", PASSWORD)

    def test_may_be_made_by_another_process_at_the_same_moment(self, house: House) -> None:
        class Beside(MemoryAccounts):
            """Says that there is no admin, and then there is one."""

            asked = 0

            def has_admin(self) -> bool:
                self.asked += 1
                if self.asked == 1:
                    house.service_of(self).create_user(
                        OPERATOR, "root@example.org", PASSWORD, "Root", Role.ADMIN
                    )
                    return False
                return super().has_admin()

        assert house.service_of(Beside()).ensure_first_admin("root@example.org", PASSWORD) is None


def test_credentials_hide_the_hash() -> None:
    user = House().user()
    assert repr(Credentials(user, "secret")) == f"Credentials(user={user!r})"
