"""Calls that suspend their task."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any

import grpc
import grpc.aio

from ._access_token import AccessToken
from ._caller_credential import Metadata
from ._io import Channel, ClosedError


class AsyncIo:
    def __init__(self) -> None:
        self._closing = asyncio.Event()
        self._calls: set[Any] = set()

    def open_channel(self, target: str, credentials: grpc.ChannelCredentials | None, options: Any) -> Channel:
        if credentials is None:
            return grpc.aio.insecure_channel(target, options)
        return grpc.aio.secure_channel(target, credentials, options)

    async def close_channel(self, channel: Channel) -> None:
        await channel.close()

    async def unary(self, call: Any, request: Any, timeout: float, metadata: Metadata) -> Any:
        with self._in_progress(call(request, timeout=timeout, metadata=metadata)) as response:
            return await response

    async def stream(self, call: Any, request: Any, metadata: Metadata) -> AsyncGenerator[Any, None]:
        with self._in_progress(call(request, metadata=metadata)) as responses:
            async for response in responses:
                yield response

    @contextlib.contextmanager
    def _in_progress(self, call: Any) -> Iterator[Any]:
        self._calls.add(call)
        try:
            yield call
        except asyncio.CancelledError:
            # To a task, grpc.aio reports a call that was cancelled by `wake` as if the task were cancelled.
            task = asyncio.current_task()
            is_cancelled = sys.version_info >= (3, 11) and task is not None and task.cancelling() > 0
            if self._closing.is_set() and not is_cancelled:
                raise ClosedError from None
            raise
        finally:
            self._calls.discard(call)
            call.cancel()

    async def pause(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    def wake(self) -> None:
        self._closing.set()
        # Not all versions of grpc.aio cancel them with the channel.
        for call in tuple(self._calls):
            call.cancel()

    def flight(self, work: Callable[[], Coroutine[Any, Any, AccessToken]]) -> AsyncFlight:
        return AsyncFlight(work)


class AsyncFlight:
    """A task of its own, so that a caller that is cancelled stops no other."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, AccessToken]]) -> None:
        self._work = work
        self._task: asyncio.Task[AccessToken] | None = None

    async def lead(self) -> AccessToken:
        self._task = asyncio.create_task(self._work())
        self._task.add_done_callback(_retrieve)
        return await self.join()

    async def join(self) -> AccessToken:
        assert self._task is not None, "No other task runs between the creation of a flight and `lead`."
        # Unlike `await self._task`, this does not pass a cancellation on to the task.
        await asyncio.wait((self._task,))
        return self._task.result()


def _retrieve(task: asyncio.Task[AccessToken]) -> None:
    """So that asyncio does not report an error that no caller waits for any more."""
    if not task.cancelled():
        task.exception()
