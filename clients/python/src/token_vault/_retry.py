"""Retries of calls that fail for a moment."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc

from ._io import Io
from ._token_vault_error import TokenVaultError

Answer = TypeVar("Answer")

ATTEMPTS = 4
# Seconds before the second attempt after a connection that broke off or was refused.
FIRST_PAUSE = 0.1


async def with_retries(io: Io, timeout: float, attempt: Callable[[float], Awaitable[Answer]]) -> Answer:
    """Repeats a call that failed with UNAVAILABLE or RESOURCE_EXHAUSTED, after the delay of its RetryInfo. Without an
    answer of the vault, it is repeated after short pauses. Fails with the last error once the time is up, or would be.
    `attempt` receives the seconds that are left."""
    deadline = time.monotonic() + timeout
    count = 1
    while True:
        try:
            return await attempt(max(0.001, deadline - time.monotonic()))
        except TokenVaultError as error:
            pause = _pause_after(error, count)
            if pause is None or count == ATTEMPTS or time.monotonic() + pause >= deadline:
                raise
        await io.pause(pause)
        count += 1


def _pause_after(error: TokenVaultError, count: int) -> float | None:
    """None: no retry."""
    if error.code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
        return None
    if error.retry_after is not None:
        return error.retry_after * random.uniform(1, 1.2)
    return FIRST_PAUSE * 2.0 ** (count - 1) * random.uniform(0.5, 1.5)
