"""Makers of ids and hashers of passwords against the suites that each of them must pass."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evently_core.memory.basics import RandomIds, ScryptPasswords, SequentialIds
from evently_core.ports import Ids, PasswordHasher, TicketSeal
from evently_core.seals import HmacSeal
from evently_core.testing.basics_contract import IdsContract, PasswordHasherContract, TicketSealContract
from evently_wiring.ids import UuidV7
from evently_wiring.passwords import Argon2Passwords
from evently_wiring.seals import Ed25519Seal

NOW, BEFORE = b"the secret of now" * 2, b"the secret of before" * 2


class TestRandomIds(IdsContract):
    def make_ids(self) -> Ids:
        return RandomIds()

    def test_the_clock_may_go_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ids = RandomIds()
        before = ids.new()
        monkeypatch.setattr(time, "time_ns", lambda: 0)
        assert ids.new() > before

    def test_an_id_tells_when_it_was_made(self) -> None:
        before = time.time_ns() // 1_000_000
        made = RandomIds().new().int >> 80
        assert before <= made <= time.time_ns() // 1_000_000


class TestSequentialIds(IdsContract):
    def make_ids(self) -> Ids:
        return SequentialIds()

    def test_each_run_gives_out_the_same(self) -> None:
        assert str(SequentialIds().new()) == "00000000-0000-7000-8000-000000000001"


class TestUuidV7(IdsContract):
    def make_ids(self) -> Ids:
        return UuidV7()


class TestScryptPasswords(PasswordHasherContract):
    def make_passwords(self) -> PasswordHasher:
        return ScryptPasswords()

    def test_a_hash_of_another_cost_still_fits_and_is_to_be_made_anew(self) -> None:
        old = ScryptPasswords(cost=2).hash("correct horse")
        assert ScryptPasswords().verify("correct horse", old)
        assert ScryptPasswords().needs_rehash(old)


class TestArgon2Passwords(PasswordHasherContract):
    def make_passwords(self) -> PasswordHasher:
        return Argon2Passwords()

    def test_the_hash_says_how_it_was_made(self) -> None:
        assert Argon2Passwords().hash("correct horse").startswith("$argon2id$v=19$m=19456,t=2,p=1$")

    def test_a_weaker_hash_still_fits_and_is_to_be_made_anew(self) -> None:
        weak = "$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHRzYWx0c2E$ePEnN+u0qXDxWOiHmTX++g"
        passwords = Argon2Passwords()
        assert passwords.verify("correct horse", weak)
        assert passwords.needs_rehash(weak)

    def test_more_callers_than_cores_wait_for_each_other(self) -> None:
        passwords = Argon2Passwords(at_once=1)
        made = passwords.hash("correct horse")
        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(lambda _: passwords.verify("correct horse", made), range(4)))


class TestHmacSeal(TicketSealContract):
    def make_seal(self) -> TicketSeal:
        return HmacSeal()

    def test_it_has_no_key_that_could_be_given_away(self) -> None:
        assert list(HmacSeal().public_keys()) == []


class TestEd25519Seal(TicketSealContract):
    def make_seal(self) -> TicketSeal:
        key = secrets.token_bytes(32)
        return Ed25519Seal(lambda: [key])

    def test_the_public_key_is_all_that_a_door_needs(self) -> None:
        seals = Ed25519Seal(lambda: [NOW])
        [public] = seals.public_keys()
        Ed25519PublicKey.from_public_bytes(public).verify(seals.seal(b"seat 1"), b"seat 1")

    def test_what_was_sealed_with_a_key_of_before_is_still_genuine(self) -> None:
        before = Ed25519Seal(lambda: [BEFORE])
        now = Ed25519Seal(lambda: [NOW, BEFORE])
        assert now.is_genuine(b"seat 1", before.seal(b"seat 1"))
        assert now.seal(b"seat 1") != before.seal(b"seat 1")
        assert now.public_keys()[1:] == before.public_keys()
