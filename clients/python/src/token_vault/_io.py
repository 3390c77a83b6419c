"""What differs between threads and tasks.

The logic of the client is written once, in coroutines over this interface. `run_blocking` runs them to their end in a
thread, because no coroutine of `BlockingIo` ever suspends.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, Protocol, TypeVar

import grpc

from ._access_token import AccessToken
from ._caller_credential import Metadata

# Channels and calls of grpc and of grpc.aio have no common type.
Channel = Any
Answer = TypeVar("Answer")


class ClosedError(RuntimeError):
    def __init__(self) -> None:
        super().__init__("This client of Token Vault is closed. Create another one.")


class Flight(Protocol):
    """A call that others wait for, too."""

    async def lead(self) -> AccessToken:
        """Makes the call. For the one that has created the flight."""

    async def join(self) -> AccessToken | None:
        """Waits for the call. None: the thread that made it was interrupted."""


class Io(Protocol):
    def open_channel(self, target: str, credentials: grpc.ChannelCredentials | None, options: Any) -> Channel:
        """Without credentials: in plaintext."""

    async def close_channel(self, channel: Channel) -> None:
        """Cancels its calls."""

    async def unary(self, call: Any, request: Any, timeout: float, metadata: Metadata) -> Any: ...

    def stream(self, call: Any, request: Any, metadata: Metadata) -> AsyncGenerator[Any, None]: ...

    async def pause(self, seconds: float) -> None:
        """Ends early when the client is closed."""

    def wake(self) -> None:
        """Ends all pauses: the client is being closed."""

    def flight(self, work: Callable[[], Coroutine[Any, Any, AccessToken]]) -> Flight: ...


def run_blocking(work: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        work.send(None)
    except StopIteration as stop:
        answer: Answer = stop.value
        return answer
    raise RuntimeError("A coroutine of BlockingIo has suspended.")
