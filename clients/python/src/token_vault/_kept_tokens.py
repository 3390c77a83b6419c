"""A token that is kept, and the pauses in which it is used beyond its refresh time."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace

from ._access_token import AccessToken

# Seconds.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class KeptToken:
    token: AccessToken
    claims: str | None
    """The challenge that it answers."""
    refresh_at: float
    expires_at: float
    pause_end: float = 0
    """Until then (monotonic), it is used beyond its `refresh_at`."""
    pauses: int = 0
    """How often in a row there was a pause."""

    def is_unexpired(self, now: float) -> bool:
        return now < self.expires_at

    def is_current(self, now: float, min_ttl: float) -> bool:
        """Whether the vault need not be called."""
        if now < self.refresh_at and now + min_ttl <= self.expires_at:
            return True
        return self.is_unexpired(now) and time.monotonic() < self.pause_end

    def pause(self, at_least: float = 0) -> KeptToken:
        """Uses the token until the next attempt, which is later each time, with jitter."""
        # Without an exponent that grows for days.
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.pauses, 10))
        length = max(at_least, longest * random.uniform(0.5, 1))
        return replace(self, pause_end=time.monotonic() + length, pauses=self.pauses + 1)


def keep(token: AccessToken, claims: str | None, now: float, before: KeptToken | None) -> KeptToken:
    """A new token. If its `refresh_at` has passed, the vault has none newer, or a clock is wrong: it is used for a
    moment."""
    kept = KeptToken(token, claims, token.refresh_at.timestamp(), token.expires_at.timestamp())
    if now < kept.refresh_at:
        return kept
    return replace(kept, pauses=before.pauses if before else 0).pause()
