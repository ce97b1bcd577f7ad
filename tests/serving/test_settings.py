from __future__ import annotations

import secrets
import threading
from pathlib import Path

import pytest

from evently_core.counting import Rate
from evently_wiring.settings import InvalidSettings, Settings

KEY = secrets.token_hex(32)


def test_all_faults_are_told_together() -> None:
    with pytest.raises(InvalidSettings) as told:
        Settings.from_environment(
            {
                "EVENTLY_ENV": "prod",
                "EVENTLY_DATABASE_URL": "mysql://somewhere",
                "EVENTLY_SECRET_KEY": "short",
                "EVENTLY_SECRET_KEY_PREVIOUS": "also short",
                "EVENTLY_TICKET_KEY": "short too",
                "EVENTLY_ADMIN_EMAIL": "ada@example.org",
                "EVENTLY_ACCESS_TOKEN_MINUTES": "60",
                "EVENTLY_REFRESH_TOKEN_DAYS": "soon",
                "EVENTLY_TRUSTED_PROXIES": "-1",
                "EVENTLY_LOG_FORMAT": "xml",
                "EVENTLY_RATE_LIMIT": "many",
                "EVENTLY_RATE_LIMIT_READS": "0 per minute",
                "EVENTLY_RATE_LIMIT_LOGIN": "none",
                "EVENTLY_CORS_ORIGINS": "https://example.org, *",
                "EVENTLY_REDIS_URL": "http://:short@somewhere",
                "EVENTLY_REDIS_PREFIX": "{a}",
                "EVENTLY_EVENT_LOCK": "padlock",
                "EVENTLY_SESSIONS": "files",
                "EVENTLY_METRICS_ALLOW": "everybody",
                "EVENTLY_OTEL": "perhaps",
                "EVENTLY_INTAKE": "files",
            }
        )
    assert {fault.split()[0] for fault in told.value.faults} == {
        "EVENTLY_ENV",
        "EVENTLY_DATABASE_URL",
        "EVENTLY_SECRET_KEY",
        "EVENTLY_SECRET_KEY_PREVIOUS",
        "EVENTLY_TICKET_KEY",
        "EVENTLY_ADMIN_EMAIL",
        "EVENTLY_ACCESS_TOKEN_MINUTES",
        "EVENTLY_REFRESH_TOKEN_DAYS",
        "EVENTLY_TRUSTED_PROXIES",
        "EVENTLY_LOG_FORMAT",
        "EVENTLY_RATE_LIMIT",
        "EVENTLY_RATE_LIMIT_READS",
        "EVENTLY_RATE_LIMIT_LOGIN",
        "EVENTLY_CORS_ORIGINS",
        "EVENTLY_REDIS_URL",
        "EVENTLY_REDIS_PREFIX",
        "EVENTLY_EVENT_LOCK",
        "EVENTLY_SESSIONS",
        "EVENTLY_METRICS_ALLOW",
        "EVENTLY_OTEL",
        "EVENTLY_INTAKE",
    }
    assert "short" not in str(told.value)


def test_nothing_needs_to_be_set() -> None:
    settings = Settings.from_environment({"EVENTLY_DATA_DIR": "/data"})
    assert settings == Settings(data_dir=Path("/data"), log_format=settings.log_format)


def test_limits_are_rates_or_off() -> None:
    settings = Settings.from_environment(
        {"EVENTLY_RATE_LIMIT": "5 per minute", "EVENTLY_RATE_LIMIT_READS": "off", "EVENTLY_DATA_DIR": "/data"}
    )
    limits = (settings.rate_limit, settings.rate_limit_reads, settings.rate_limit_login)
    assert limits == (Rate(5, 60), None, Rate(10, 900))


@pytest.mark.parametrize(
    "wrong", ["*", "example.org", "https://example.org/", "https://a b", "ftp://a", "https://a,"]
)
def test_an_origin_is_a_scheme_and_a_host_and_nothing_else(wrong: str) -> None:
    with pytest.raises(InvalidSettings, match="EVENTLY_CORS_ORIGINS"):
        Settings.from_environment({"EVENTLY_CORS_ORIGINS": wrong})


def test_what_lives_in_redis_needs_one() -> None:
    asked = {"EVENTLY_EVENT_LOCK": "redis", "EVENTLY_SESSIONS": "redis", "EVENTLY_INTAKE": "redis"}
    with pytest.raises(InvalidSettings) as told:
        Settings.from_environment(asked)
    assert {fault.split()[0] for fault in told.value.faults} == asked.keys()
    settings = Settings.from_environment({**asked, "EVENTLY_REDIS_URL": "redis://:hunter2@10.0.0.1"})
    assert (settings.event_lock, settings.sessions, settings.intake) == ("redis", "redis", "redis")
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    "secret",
    ["", "x" * 64, "change-me-please-change-me-please-123", "my-default-key-with-forty-characters-0123"],
)
def test_production_refuses_to_start_without_a_secret_made_by_chance(secret: str) -> None:
    with pytest.raises(InvalidSettings, match="EVENTLY_SECRET_KEY"):
        Settings.from_environment({"EVENTLY_ENV": "production", "EVENTLY_SECRET_KEY": secret})


def test_what_is_secret_is_not_shown() -> None:
    settings = Settings.from_environment(
        {
            "EVENTLY_DATABASE_URL": "postgresql://ada:wordpass@db/evently",
            "EVENTLY_SECRET_KEY": KEY,
            "EVENTLY_SECRET_KEY_PREVIOUS": KEY[::-1],
            "EVENTLY_ADMIN_EMAIL": "ada@example.org",
            "EVENTLY_ADMIN_PASSWORD": "wordpass too",
        }
    )
    assert settings.signing_key() == KEY.encode()
    for secret in (KEY, KEY[::-1], "wordpass"):
        assert secret not in repr(settings)


def test_servers_that_start_at_once_sign_with_one_generated_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    keys = set[bytes]()
    together = threading.Barrier(8)

    def start() -> None:
        together.wait()
        keys.add(settings.signing_key())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [key] = keys
    assert len(key) >= 32
    assert [file.name for file in settings.data_dir.iterdir()] == ["secret"]
    assert (settings.data_dir / "secret").stat().st_mode & 0o777 == 0o600


def test_a_key_that_was_cut_short_signs_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    with pytest.raises(InvalidSettings, match="remove it"):
        Settings(data_dir=tmp_path).signing_key()


def test_an_admin_that_could_not_be_made_is_told_of_before_anything_starts() -> None:
    with pytest.raises(InvalidSettings) as told:
        Settings.from_environment({"EVENTLY_ADMIN_EMAIL": "ada", "EVENTLY_ADMIN_PASSWORD": "hush"})
    assert [fault.split()[0] for fault in told.value.faults] == [
        "EVENTLY_ADMIN_EMAIL",
        "EVENTLY_ADMIN_PASSWORD",
    ]
    assert "hush" not in str(told.value)


def test_blanks_around_the_password_of_the_admin_are_part_of_it() -> None:
    named = {"EVENTLY_ADMIN_EMAIL": "ada@example.org", "EVENTLY_ADMIN_PASSWORD": "  hush hush "}
    assert Settings.from_environment(named).admin_password == "  hush hush "


def test_tickets_stay_good_when_the_signing_key_changes_and_when_they_get_a_key_of_their_own() -> None:
    previous, own = secrets.token_hex(32), secrets.token_hex(32)
    before = Settings.from_environment({"EVENTLY_SECRET_KEY": previous})
    rotated = {"EVENTLY_SECRET_KEY": KEY, "EVENTLY_SECRET_KEY_PREVIOUS": previous}
    assert before.ticket_secrets() == (previous.encode(),)
    assert Settings.from_environment(rotated).ticket_secrets() == (KEY.encode(), previous.encode())
    owned = Settings.from_environment({**rotated, "EVENTLY_TICKET_KEY": own})
    assert owned.ticket_secrets() == (own.encode(), KEY.encode(), previous.encode())
    assert own not in repr(owned)
