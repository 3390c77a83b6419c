"""The tokens of this process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ._access_token import AccessToken
from ._io import Flight, Io
from ._kept_tokens import KeptToken, keep
from ._token_request import TokenRequest
from ._token_vault_error import is_outage

MOST_TOKENS = 10_000
Key = tuple[str, ...]


class RequestInFlight(NamedTuple):
    request: TokenRequest
    flight: Flight


class TokenCache:
    """Keeps each token until its `refresh_at`. One call to the vault is in progress for each key. The last good token
    is used until it expires only while the vault cannot be reached; any other failure removes it.

    `request_token(request, once)` calls the vault. `once`: without retries, because a token is at hand.
    """

    def __init__(
        self,
        io: Io,
        request_token: Callable[[TokenRequest, bool], Awaitable[AccessToken]],
        now: Callable[[], float],
        min_ttl: float,
    ) -> None:
        self._io = io
        self._request_token = request_token
        self._now = now
        self._min_ttl = min_ttl
        # Never held while a call is in progress.
        self._lock = threading.Lock()
        # The oldest is the first.
        self._tokens: dict[Key, KeptToken] = {}
        self._flights: dict[Key, RequestInFlight] = {}

    async def get(self, request: TokenRequest) -> AccessToken:
        key = request.key
        while True:
            with self._lock:
                found = self._find(key, request)
                if found is not None:
                    return found
                present = self._flights.get(key)
                if present is None:
                    flight = self._io.flight(lambda: self._fly(key, request))
                    self._flights[key] = RequestInFlight(request, flight)
                    break
            # The requests have the same key, so what differs is what they refuse.
            if present.request.claims == request.claims and present.request.rejected_token == request.rejected_token:
                token = await present.flight.join()
                if token is not None:
                    return token
            else:
                await _settled(present.flight)
        return await flight.lead()

    async def _fly(self, key: Key, request: TokenRequest) -> AccessToken:
        with self._lock:
            last = self._tokens.get(key)
        fallback = last if last is not None and not request.is_report and last.is_unexpired(self._now()) else None
        try:
            token = await self._request_token(request, fallback is not None)
            with self._lock:
                self._store(key, keep(token, request.claims, self._now(), last))
            return token
        except Exception as error:
            with self._lock:
                if not is_outage(error):
                    self._tokens.pop(key, None)
                elif fallback is not None and fallback.is_unexpired(self._now()):
                    self._tokens[key] = fallback.pause(getattr(error, "retry_after", None) or 0)
                    return fallback.token
            raise
        finally:
            # After the token is stored, so that no other thread finds neither.
            with self._lock:
                del self._flights[key]

    def _store(self, key: Key, kept: KeptToken) -> None:
        self._tokens.pop(key, None)
        if len(self._tokens) >= MOST_TOKENS:
            now = self._now()
            for other in [other for other, held in self._tokens.items() if not held.is_unexpired(now)]:
                del self._tokens[other]
        if len(self._tokens) >= MOST_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[key] = kept

    def _find(self, key: Key, request: TokenRequest) -> AccessToken | None:
        """A token at hand that serves the request. Removes one that the request refuses."""
        kept = self._tokens.get(key)
        if kept is None:
            return None
        if kept.token.token == request.rejected_token:
            del self._tokens[key]
            return None
        now = self._now()
        if not request.is_report:
            return kept.token if kept.is_current(now, self._min_ttl) else None
        # Another request has reported the same token.
        is_answered = request.rejected_token is not None and kept.claims == request.claims
        return kept.token if is_answered and kept.is_unexpired(now) else None


async def _settled(flight: Flight) -> None:
    with contextlib.suppress(Exception):
        await flight.join()
