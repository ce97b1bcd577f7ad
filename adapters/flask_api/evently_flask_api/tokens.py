"""Access and refresh tokens: JSON Web Tokens that name a user and a session."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import UUID

import attrs
from flask import Flask, Response
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token, decode_token
from jwt.exceptions import InvalidTokenError

from evently_core.accounts import LogIn, TokenId, User
from evently_core.values import SessionId, UserId
from evently_flask_api.problems import Problem
from evently_flask_api.settings import ApiSettings

ALGORITHM = "HS256"
TOKEN_LENGTH_MAX = 4096
KNOWN_MAX = 10_000
LEEWAY_SECONDS = 5
"""How far the clocks of two instances may be apart."""

ACCESS, REFRESH = "access", "refresh"


@attrs.frozen
class TokenPair:
    """What a log-in gives out."""

    access_token: str = attrs.field(repr=False)
    refresh_token: str = attrs.field(repr=False)
    expires_in: int
    """Seconds for which the access token is good."""
    user: User


@attrs.frozen
class Claims:
    """What a verified token says."""

    kind: str
    user_id: UserId
    session_id: SessionId
    token_id: TokenId
    expires_at: float


class Tokens:
    """Makes tokens and verifies them. Which of its sessions are live is not its to know."""

    def __init__(self, app: Flask, settings: ApiSettings) -> None:
        """Set the library up in the application."""
        self._lifetime = settings.access_lifetime
        self._key = settings.secret_key
        self._key_id = _key_id(settings.secret_key)
        self._keys = {_key_id(key): key for key in (*settings.previous_secret_keys, settings.secret_key)}
        self._known = _KnownTokens()
        app.config.update(
            JWT_ALGORITHM=ALGORITHM,
            JWT_DECODE_ALGORITHMS=[ALGORITHM],
            JWT_DECODE_LEEWAY=LEEWAY_SECONDS,
            JWT_ENCODE_NBF=False,
            JWT_COOKIE_CSRF_PROTECT=False,
            JWT_TOKEN_LOCATION=["headers"],
        )
        library = JWTManager(app)
        library.encode_key_loader(lambda _: self._key)
        library.decode_key_loader(lambda header, _: self._key_named(header))
        library.expired_token_loader(lambda _header, _claims: _answer("token_expired"))
        library.invalid_token_loader(lambda _: _answer("invalid_token"))
        library.unauthorized_loader(lambda _: _answer("not_signed_in"))

    def issue(self, login: LogIn) -> TokenPair:
        """Make an access token and the refresh token that is the session's newest."""
        user, session = login.user, login.session
        claims = {"sid": str(session.id)}
        headers = {"kid": self._key_id}
        access = create_access_token(
            str(user.id),
            expires_delta=self._lifetime,
            additional_claims=claims | {"role": user.role.value},
            additional_headers=headers,
        )
        refresh = create_refresh_token(
            str(user.id),
            expires_delta=session.expires_at - datetime.now(UTC),
            additional_claims=claims | {"jti": str(session.token_id)},
            additional_headers=headers,
        )
        return TokenPair(access, refresh, int(self._lifetime.total_seconds()), user)

    def verified(self, token: str) -> Claims:
        """Return what a token says.

        Raises:
            InvalidTokenError: it is not ours, or has expired. The library answers it.
        """
        if len(token) > TOKEN_LENGTH_MAX:
            raise InvalidTokenError("too long")
        return self._known.get(token) or self._decoded(token)

    def _decoded(self, token: str) -> Claims:
        try:
            claims = _claims_of(decode_token(token))
        except (KeyError, TypeError, ValueError) as error:
            # Signed with our key, but with other claims than ours.
            raise InvalidTokenError("not a token") from error
        self._known.add(token, claims)
        return claims

    def _key_named(self, header: dict[str, Any]) -> bytes:
        try:
            return self._keys[header["kid"]]
        except KeyError as error:
            raise InvalidTokenError("signed with no key of ours") from error


class _KnownTokens:
    """Tokens that were verified before: the library decodes each one three times to verify it once.

    Kept by their hashes, so that the memory of the process holds no tokens and no more than it may.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._claims: OrderedDict[bytes, Claims] = OrderedDict()

    def get(self, token: str) -> Claims | None:
        claims = self._claims.get(_digest(token))
        if claims is None or claims.expires_at + LEEWAY_SECONDS <= time.time():
            return None
        return claims

    def add(self, token: str, claims: Claims) -> None:
        with self._lock:
            self._claims[_digest(token)] = claims
            if len(self._claims) > KNOWN_MAX:
                self._claims.popitem(last=False)


def _claims_of(decoded: dict[str, Any]) -> Claims:
    return Claims(
        kind=decoded["type"],
        user_id=UserId(UUID(str(decoded["sub"]))),
        session_id=SessionId(UUID(str(decoded["sid"]))),
        token_id=TokenId(UUID(str(decoded["jti"]))),
        expires_at=decoded["exp"],
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _key_id(key: bytes) -> str:
    return hmac.digest(key, b"evently key id", "sha256")[:6].hex()


def _answer(code: str) -> Response:
    return Problem(code).response()
