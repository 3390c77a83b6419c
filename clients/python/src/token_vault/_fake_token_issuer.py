"""Tokens of a fake vault."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from ._access_token import AccessToken

RESOURCE = "https://graph.microsoft.com"
LIFETIME = timedelta(hours=1)
REFRESH_BEFORE_EXPIRY = timedelta(minutes=10)


@dataclass(frozen=True)
class FakeTokenRequest:
    """A request as the fake vault received it."""

    connection: str
    scopes: tuple[str, ...]
    claims: str
    rejected_token_sha256: str
    authorization: str
    """The `authorization` header. Empty: there was none."""


class FakeTokenIssuer:
    """Issues a token for each connection and scopes, and another one when it is reported or about to expire."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._current: dict[tuple[str, ...], AccessToken] = {}
        # Tokens of `replace`, which are served until they expire.
        self._replaced: set[str] = set()
        self._count = 0

    def serve(
        self, connection: str, scopes: Sequence[str], claims: str = "", rejected_token_sha256: str = ""
    ) -> AccessToken:
        key = key_of(connection, scopes)
        held = self._current.get(key)
        if held is None or self._end_of(held).timestamp() <= self._now():
            return self._issue(key)
        is_rejected = hashlib.sha256(held.token.encode()).hexdigest() == rejected_token_sha256
        is_challenged = claims != "" and rejected_token_sha256 == ""
        return self._issue(key) if is_rejected or is_challenged else held

    def replace(self, connection: str, scopes: Sequence[str], **changes: Any) -> AccessToken:
        token = self._issue(key_of(connection, scopes), **changes)
        self._replaced.add(token.token)
        return token

    def _issue(self, key: tuple[str, ...], **changes: Any) -> AccessToken:
        self._count += 1
        expires_at = datetime.fromtimestamp(self._now(), timezone.utc) + LIFETIME
        refresh_at = expires_at - REFRESH_BEFORE_EXPIRY
        token = AccessToken(f"fake-token-{self._count}", expires_at, refresh_at, RESOURCE, ())
        self._current[key] = replace(token, **changes)
        return self._current[key]

    def _end_of(self, token: AccessToken) -> datetime:
        return token.expires_at if token.token in self._replaced else token.refresh_at


def key_of(connection: str, scopes: Sequence[str]) -> tuple[str, ...]:
    return (connection, *sorted(scopes))
