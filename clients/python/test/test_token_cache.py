from __future__ import annotations

import hashlib
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta, timezone

import grpc
import pytest
from client_under_test import Client, Tasks, Threads
from conftest import Clock, CreateClient

from token_vault import TokenVaultError
from token_vault.testing import FakeVault

ADA = "tenants/acme/connections/ada"
Code = grpc.StatusCode


def failure_of(client: Client, *args: object, **kwargs: object) -> TokenVaultError:
    with pytest.raises(TokenVaultError) as caught:
        client.get(*(args or (ADA,)), **kwargs)
    return caught.value


def test_a_token_is_kept_until_its_refresh_time_and_requested_once(
    client: Client, fake: FakeVault, clock: Clock
) -> None:
    first = set(client.get_many(50, ADA))
    clock.advance(49)
    assert first == {client.get(ADA)}
    assert len(fake.requests) == 1

    clock.advance(2)
    second = set(client.get_many(50, ADA))
    assert len(second) == 1
    assert second != first
    assert len(fake.requests) == 2


def test_scopes_in_another_order_are_the_same_token_and_other_scopes_another(client: Client, fake: FakeVault) -> None:
    one = client.get(ADA, ["Mail.ReadOnly", "Calendar.ReadOnly"])
    assert client.get(ADA, ("Calendar.ReadOnly", "Mail.ReadOnly")) == one
    assert client.get(ADA, ["Mail.ReadOnly"]) != one
    assert client.get(ADA, "Mail.ReadOnly") == client.get(ADA, ["Mail.ReadOnly"])
    assert len(fake.requests) == 2


def test_while_the_vault_is_away_the_last_token_is_used_until_it_expires(
    client: Client, fake: FakeVault, clock: Clock
) -> None:
    token = client.get(ADA)
    fake.stop()
    clock.advance(55)
    assert set(client.get_many(50, ADA)) == {token}

    clock.advance(6)
    error = failure_of(client)
    assert (error.code, error.reason, error.who_acts) == (Code.UNAVAILABLE, "VAULT_UNREACHABLE", "none")

    fake.restart()
    renewed = None
    while renewed is None:
        with suppress(TokenVaultError):
            renewed = client.get(ADA)
    assert renewed != token


def test_while_the_last_token_is_in_use_the_vault_is_not_called_again_at_once(
    client: Client, fake: FakeVault, clock: Clock
) -> None:
    token = client.get(ADA)
    clock.advance(55)
    fake.fail(Code.UNAVAILABLE, "DATABASE_UNAVAILABLE", retry_after=60)
    assert {client.get(ADA) for _ in range(50)} == {token}
    assert len(fake.requests) == 2


@pytest.mark.parametrize(
    ("code", "reason", "who_acts"),
    [
        (Code.FAILED_PRECONDITION, "REAUTHORIZATION_REQUIRED", "user"),
        (Code.FAILED_PRECONDITION, "CONTAINED", "operator"),
        (Code.PERMISSION_DENIED, "ACCESS_DENIED", "operator"),
        (Code.UNAUTHENTICATED, "UNAUTHENTICATED", "operator"),
        (Code.NOT_FOUND, "CONNECTION_NOT_FOUND", "caller"),
        (Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", "none"),
        (Code.INTERNAL, "INTERNAL", "operator"),
    ],
)
def test_any_other_status_removes_the_last_token_at_once(
    client: Client, fake: FakeVault, clock: Clock, code: grpc.StatusCode, reason: str, who_acts: str
) -> None:
    client.get(ADA)
    clock.advance(55)
    retry_after = 60.0 if reason == "RATE_LIMITED" else None
    fake.fail(code, reason, metadata={"resource": ADA}, retry_after=retry_after)
    error = failure_of(client)
    assert (error.code, error.reason, error.who_acts) == (code, reason, who_acts)
    assert (error.metadata, error.retry_after) == ({"resource": ADA}, retry_after)

    fake.stop()
    assert failure_of(client).code is Code.UNAVAILABLE


def test_a_transient_failure_is_retried_after_the_delay_of_retry_info(client: Client, fake: FakeVault) -> None:
    fake.fail(Code.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after=0.001, times=2)
    assert client.get(ADA).startswith("fake-token-")
    assert len(fake.requests) == 3


def test_a_failure_that_needs_a_person_is_not_retried_and_reaches_all_after_one_call(
    client: Client, fake: FakeVault
) -> None:
    # The retry gives all others the time to join the call.
    fake.fail(Code.UNAVAILABLE, "ENTRA_UNAVAILABLE", retry_after=0.5, times=1, connection=ADA)
    fake.fail(Code.FAILED_PRECONDITION, "CONSENT_REQUIRED")
    errors = client.get_many(20, ADA)
    assert {getattr(error, "reason", None) for error in errors} == {"CONSENT_REQUIRED"}
    assert len(fake.requests) == 2


def test_a_delay_of_retry_info_beyond_the_deadline_is_not_waited_for(client: Client, fake: FakeVault) -> None:
    fake.fail(Code.UNAVAILABLE, "ENTRA_THROTTLED", retry_after=60)
    error = failure_of(client)
    assert (error.reason, error.retry_after) == ("ENTRA_THROTTLED", 60)
    assert len(fake.requests) == 1


def test_a_refused_token_is_reported_once_by_all_and_is_not_served_again(client: Client, fake: FakeVault) -> None:
    refused = client.get(ADA)
    renewed = set(client.get_many(20, ADA, rejected_token=refused))
    assert len(renewed) == 1
    assert refused not in renewed
    assert renewed == {client.get(ADA, rejected_token=refused)}
    assert [request.rejected_token_sha256 for request in fake.requests] == [
        "",
        hashlib.sha256(refused.encode()).hexdigest(),
    ]


def test_a_refused_token_is_not_the_last_good_token(client: Client, fake: FakeVault) -> None:
    refused = client.get(ADA)
    fake.stop()
    assert failure_of(client, ADA, rejected_token=refused).code is Code.UNAVAILABLE
    assert failure_of(client).code is Code.UNAVAILABLE


def test_a_token_whose_refresh_time_has_passed_at_the_vault_is_used_for_a_moment(
    client: Client, fake: FakeVault, clock: Clock
) -> None:
    past = datetime.fromtimestamp(clock.time, timezone.utc) - timedelta(minutes=1)
    token = fake.replace_token(ADA, refresh_at=past)
    assert {client.get(ADA) for _ in range(50)} == {token.token}
    assert len(fake.requests) == 1


def test_watch_yields_each_token_once_goes_on_after_an_outage_and_fails_when_the_vault_refuses(
    client: Client, fake: FakeVault
) -> None:
    tokens = client.watch(ADA)
    first = next(tokens)
    second = fake.replace_token(ADA)
    assert next(tokens).token == second.token
    fake.stop()
    fake.restart()
    with ThreadPoolExecutor() as thread:
        following = thread.submit(next, tokens)
        # The stream that is opened again begins with the second token.
        while not fake._watchers:
            pass
        third = fake.replace_token(ADA)
        assert following.result().token == third.token
    assert first.token != second.token

    fake.fail(Code.PERMISSION_DENIED, "ACCESS_DENIED")
    with pytest.raises(TokenVaultError) as caught:
        next(tokens)
    assert caught.value.reason == "ACCESS_DENIED"


def test_watch_goes_on_when_the_token_of_the_caller_that_opened_it_expires(client: Client, fake: FakeVault) -> None:
    expired = {"tokenFault": "expired"}
    tokens = client.watch(ADA)
    next(tokens)
    fake.fail(Code.UNAUTHENTICATED, "UNAUTHENTICATED", metadata=expired, times=1)
    fake.recover()
    token = fake.replace_token(ADA)
    assert next(tokens).token == token.token

    fake.fail(Code.UNAUTHENTICATED, "UNAUTHENTICATED", metadata=expired)
    with pytest.raises(TokenVaultError) as caught:
        next(tokens)
    assert caught.value.code is Code.UNAUTHENTICATED


def test_watch_ends_when_the_client_is_closed(client: Client) -> None:
    tokens = client.watch(ADA)
    next(tokens)
    ended = threading.Event()

    def read_on() -> None:
        assert list(tokens) == []
        ended.set()

    reader = threading.Thread(target=read_on)
    reader.start()
    client.call("close")
    reader.join()
    assert ended.is_set()


def test_a_closed_client_says_so(client: Client) -> None:
    client.get(ADA)
    client.call("close")
    with pytest.raises(RuntimeError, match="is closed"):
        client.get("tenants/acme/connections/other")


def test_a_task_that_is_cancelled_stops_no_other(fake: FakeVault) -> None:
    import asyncio

    tasks = Tasks(fake.address, timeout=5)
    fake.fail(Code.UNAVAILABLE, "ENTRA_UNAVAILABLE", retry_after=0.1, times=1)

    async def cancel_first() -> str:
        first = asyncio.create_task(tasks.vault.get_access_token(ADA))
        second = asyncio.create_task(tasks.vault.get_access_token(ADA))
        await asyncio.sleep(0)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        return (await second).token

    try:
        assert tasks.run(cancel_first()) == "fake-token-1"
        assert len(fake.requests) == 2
    finally:
        tasks.close()


def test_a_thread_that_is_interrupted_stops_no_other(fake: FakeVault, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = Threads(fake.address)
    cache = threads.vault._client._tokens
    request_token = cache._request_token
    joining = threading.Event()

    async def interrupt(*args: object) -> None:
        cache._request_token = request_token
        joining.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(cache, "_request_token", interrupt)
    interrupted: list[BaseException] = []

    def lead() -> None:
        try:
            threads.get(ADA)
        except KeyboardInterrupt as error:
            interrupted.append(error)

    leader = threading.Thread(target=lead)
    leader.start()
    while not cache._flights:
        pass
    [(_, flight)] = cache._flights.values()
    monkeypatch.setattr(flight, "join", _signal(joining, flight.join))
    assert threads.get(ADA) == "fake-token-1"
    leader.join()
    threads.close()
    assert len(interrupted) == 1


def _signal(event: threading.Event, join):  # type: ignore[no-untyped-def]
    async def signalled():  # type: ignore[no-untyped-def]
        event.set()
        return await join()

    return signalled


def test_no_token_and_no_key_is_in_what_a_client_prints(client: Client, fake: FakeVault) -> None:
    access_token = client.call("get_access_token", ADA)
    printed = f"{client.vault!r} {vars(client.vault)!r} {access_token!r} {access_token}"
    assert access_token.token not in printed


def test_an_error_survives_pickle(create_client: CreateClient, fake: FakeVault) -> None:
    fake.fail(Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", metadata={"resource": ADA}, retry_after=60)
    error = failure_of(create_client(fake.address))
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), vars(copy)) == (str(error), vars(error))
    assert copy.who_acts == "none"
