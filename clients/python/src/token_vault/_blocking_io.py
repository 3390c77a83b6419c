"""Calls that block their thread."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Future
from typing import Any

import grpc

from ._access_token import AccessToken
from ._caller_credential import Metadata
from ._io import Channel, run_blocking


class BlockingIo:
    def __init__(self) -> None:
        self._closing = threading.Event()

    def open_channel(self, target: str, credentials: grpc.ChannelCredentials | None, options: Any) -> Channel:
        if credentials is None:
            return grpc.insecure_channel(target, options)
        return grpc.secure_channel(target, credentials, options)

    async def close_channel(self, channel: Channel) -> None:
        channel.close()

    async def unary(self, call: Any, request: Any, timeout: float, metadata: Metadata) -> Any:
        return call(request, timeout=timeout, metadata=metadata)

    async def stream(self, call: Any, request: Any, metadata: Metadata) -> AsyncGenerator[Any, None]:
        responses = call(request, metadata=metadata)
        try:
            for response in responses:
                yield response
        finally:
            responses.cancel()

    async def pause(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def wake(self) -> None:
        self._closing.set()

    def flight(self, work: Callable[[], Coroutine[Any, Any, AccessToken]]) -> BlockingFlight:
        return BlockingFlight(work)


class BlockingFlight:
    def __init__(self, work: Callable[[], Coroutine[Any, Any, AccessToken]]) -> None:
        self._work = work
        self._answer: Future[AccessToken | None] = Future()

    async def lead(self) -> AccessToken:
        try:
            token = run_blocking(self._work())
        except Exception as error:
            self._answer.set_exception(error)
            raise
        except BaseException:
            # KeyboardInterrupt concerns this thread alone.
            self._answer.set_result(None)
            raise
        self._answer.set_result(token)
        return token

    async def join(self) -> AccessToken | None:
        return self._answer.result()
