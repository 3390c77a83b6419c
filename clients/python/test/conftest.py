from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from client_under_test import Client, Tasks, Threads

from token_vault.testing import FakeVault

CreateClient = Callable[..., Client]


class Clock:
    def __init__(self) -> None:
        self.time = time.time()

    def now(self) -> float:
        return self.time

    def advance(self, minutes: float) -> None:
        self.time += minutes * 60


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> Iterator[FakeVault]:
    with FakeVault(now=clock.now) as fake:
        yield fake


@pytest.fixture(params=[Threads, Tasks])
def create_client(request: pytest.FixtureRequest) -> Iterator[CreateClient]:
    created: list[Client] = []

    def create(address: str, **options: Any) -> Client:
        created.append(request.param(address, **options))
        return created[-1]

    yield create
    for client in created:
        client.close()


@pytest.fixture
def client(create_client: CreateClient, fake: FakeVault, clock: Clock) -> Client:
    return create_client(fake.address, now=clock.now, timeout=2)
