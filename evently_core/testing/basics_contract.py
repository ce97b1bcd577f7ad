"""What every maker of ids and every hasher of passwords must do. Subclass, say how it is made, let pytest collect it."""

# ruff: noqa: S105  # the passwords in here belong to nobody

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

from evently_core.ports import Ids, PasswordHasher, TicketSeal
from evently_core.tickets import SEAL_BYTES

MANY = 5_000
PASSWORD = "correct horse"


class IdsContract:
    """What every maker of ids must do."""

    def make_ids(self) -> Ids:
        """Return a maker of ids. To be overridden."""
        raise NotImplementedError

    def test_ids_are_of_version_7(self) -> None:
        """And of the standard library's type, which every driver knows."""
        new = self.make_ids().new()
        assert type(new) is UUID
        assert (new.version, new.variant) == (7, RFC_4122)

    def test_later_ids_sort_behind_earlier_ones(self) -> None:
        """Also those of one millisecond; so none comes twice."""
        ids = self.make_ids()
        made = [ids.new() for _ in range(MANY)]
        assert made == sorted(set(made))

    def test_threads_never_get_the_same_id(self) -> None:
        """They share one maker."""
        ids = self.make_ids()
        with ThreadPoolExecutor(4) as threads:
            made = list(threads.map(lambda _: ids.new(), range(MANY)))
        assert len(set(made)) == MANY


class PasswordHasherContract:
    """What every hasher of passwords must do."""

    def make_passwords(self) -> PasswordHasher:
        """Return a hasher. To be overridden."""
        raise NotImplementedError

    def test_a_hash_fits_its_password_and_no_other(self) -> None:
        """Near misses included."""
        passwords = self.make_passwords()
        made = passwords.hash(PASSWORD)
        assert passwords.verify(PASSWORD, made)
        others = ["", "correct horsf", "Correct horse", "correct horse ", "correct horse\0"]
        assert [other for other in others if passwords.verify(other, made)] == []

    def test_every_character_counts(self) -> None:
        """Beyond the 72 bytes at which some ways to hash stop, and beyond ASCII."""
        passwords = self.make_passwords()
        for text in ("x" * 1023, "ß" * 1023, "🐎" * 1023):
            made = passwords.hash(text + "a")
            assert passwords.verify(text + "a", made)
            assert not passwords.verify(text + "b", made)

    def test_a_hash_shows_neither_password_nor_equals(self) -> None:
        """Two users with one password have different hashes."""
        passwords = self.make_passwords()
        first, second = passwords.hash(PASSWORD), passwords.hash(PASSWORD)
        assert first != second
        assert PASSWORD not in first

    def test_a_hash_of_another_kind_fits_nothing_and_is_to_be_made_anew(self) -> None:
        """It is not an error: such hashes come with imported users."""
        passwords = self.make_passwords()
        for unknown in ("", "plain", "$2b$12$abc", "scrypt$a$b", "scrypt$a$b$c", "$argon2id$"):
            assert not passwords.verify(PASSWORD, unknown)
            assert passwords.needs_rehash(unknown)

    def test_a_new_hash_is_not_to_be_made_anew(self) -> None:
        """It was made as hashes are made now."""
        passwords = self.make_passwords()
        assert not passwords.needs_rehash(passwords.hash(PASSWORD))

    def test_a_fingerprint_is_the_same_for_the_same(self) -> None:
        """And another one for another content or another salt."""
        passwords = self.make_passwords()
        first = passwords.fingerprint(b"content", b"salt of 16 bytes")
        assert len(first) == 32
        assert first == self.make_passwords().fingerprint(b"content", b"salt of 16 bytes")
        assert first != passwords.fingerprint(b"contents", b"salt of 16 bytes")
        assert first != passwords.fingerprint(b"content", b"salt of 16 byteS")


class TicketSealContract:
    """What everything must do that puts seals on tickets."""

    def make_seal(self) -> TicketSeal:
        """Return one, with a key of its own. To be overridden."""
        raise NotImplementedError

    def test_a_seal_is_genuine_on_its_content_and_on_no_other(self) -> None:
        """A single bit is enough, in the content or in the seal."""
        seals = self.make_seal()
        content = bytes(range(36))
        seal = seals.seal(content)
        assert len(seal) == SEAL_BYTES
        assert seals.is_genuine(content, seal)
        for place in range(len(content)):
            assert not seals.is_genuine(_altered(content, place), seal)
        for place in range(len(seal)):
            assert not seals.is_genuine(content, _altered(seal, place))

    def test_the_same_content_has_the_same_seal(self) -> None:
        """So a code need not be stored: it is made again."""
        seals = self.make_seal()
        assert seals.seal(b"seat 1") == seals.seal(b"seat 1") != seals.seal(b"seat 2")

    def test_the_seal_of_another_key_is_none(self) -> None:
        """Whoever has another key seals in vain, and what is no seal at all is none either."""
        ours, theirs = self.make_seal(), self.make_seal()
        assert not ours.is_genuine(b"seat 1", theirs.seal(b"seat 1"))
        assert not ours.is_genuine(b"seat 1", b"")


def _altered(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
