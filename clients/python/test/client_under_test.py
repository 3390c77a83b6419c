"""Both clients by one interface, so that each test runs with threads and with tasks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from token_vault import AccessToken, AsyncTokenVault, TokenVault

Answer = TypeVar("Answer")


class Client(Protocol):
    vault: TokenVault | AsyncTokenVault

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a method of the vault."""

    def get(self, *args: Any, **kwargs: Any) -> str: ...

    def get_many(self, count: int, *args: Any, **kwargs: Any) -> list[str | BaseException]:
        """All at the same time. Failures are returned."""

    def watch(self, *args: Any) -> Iterator[AccessToken]: ...

    def close(self) -> None: ...


class Threads:
    def __init__(self, address: str, **options: Any) -> None:
        self.vault = TokenVault(address, **options)

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.vault, method)(*args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> str:
        return self.vault.get_access_token(*args, **kwargs).token

    def get_many(self, count: int, *args: Any, **kwargs: Any) -> list[str | BaseException]:
        barrier = threading.Barrier(count)

        def get() -> str | BaseException:
            barrier.wait()
            try:
                return self.get(*args, **kwargs)
            except Exception as error:
                return error

        with ThreadPoolExecutor(count) as threads:
            return [future.result() for future in [threads.submit(get) for _ in range(count)]]

    def watch(self, *args: Any) -> Iterator[AccessToken]:
        return self.vault.watch(*args)

    def close(self) -> None:
        self.vault.close()


class Tasks:
    """An event loop in a thread."""

    def __init__(self, address: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.vault = self.run(_create(lambda: AsyncTokenVault(address, **options)))

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return self.run(getattr(self.vault, method)(*args, **kwargs))

    def get(self, *args: Any, **kwargs: Any) -> str:
        return self.run(self.vault.get_access_token(*args, **kwargs)).token

    def get_many(self, count: int, *args: Any, **kwargs: Any) -> list[str | BaseException]:
        async def get_all() -> list[str | BaseException]:
            calls = (self.vault.get_access_token(*args, **kwargs) for _ in range(count))
            answers = await asyncio.gather(*calls, return_exceptions=True)
            return [answer if isinstance(answer, BaseException) else answer.token for answer in answers]

        return self.run(get_all())

    def watch(self, *args: Any) -> Iterator[AccessToken]:
        tokens = self.vault.watch(*args)

        async def following() -> AccessToken | None:
            return await anext(tokens, None)

        try:
            while (token := self.run(following())) is not None:
                yield token
        finally:
            self.run(_close(tokens))

    def close(self) -> None:
        self.run(self.vault.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _create(create: Callable[[], Answer]) -> Answer:
    return create()


async def _close(tokens: Any) -> None:
    async with aclosing(tokens):
        pass
