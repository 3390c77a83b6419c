from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import azure.core.credentials
import azure.core.credentials_async
import grpc
import pytest
from azure.core.exceptions import ClientAuthenticationError
from client_under_test import Tasks, Threads

from token_vault import AsyncTokenVault, TokenVault, TokenVaultCredential, TokenVaultError, aio
from token_vault.testing import FakeVault

CONNECTION = "tenants/acme/connections/ada"
DIRECTORY = "1b2c3d4e-0000-4000-8000-00000000000a"
GRAPH = "https://graph.microsoft.com/.default"


class Credential:
    """Both credentials by one interface."""

    def __init__(self, client: Threads | Tasks) -> None:
        self._client = client
        if isinstance(client, Threads):
            assert isinstance(client.vault, TokenVault)
            self.credential: Any = TokenVaultCredential(client.vault, CONNECTION, directory_id=DIRECTORY)
        else:
            assert isinstance(client.vault, AsyncTokenVault)
            self.credential = aio.TokenVaultCredential(client.vault, CONNECTION, directory_id=DIRECTORY)

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        answer = getattr(self.credential, method)(*args, **kwargs)
        return self._client.run(answer) if isinstance(self._client, Tasks) else answer


@pytest.fixture(params=[Threads, Tasks])
def credential(request: pytest.FixtureRequest, fake: FakeVault) -> Iterator[Credential]:
    client = request.param(fake.address)
    yield Credential(client)
    client.close()


def test_types(fake: FakeVault) -> None:
    """mypy checks the assignments."""
    with TokenVault(fake.address) as vault:
        sync: azure.core.credentials.TokenProvider = TokenVaultCredential(vault, CONNECTION)
        assert isinstance(sync, azure.core.credentials.SupportsTokenInfo)
        assert isinstance(sync, azure.core.credentials.TokenCredential)

    async def check() -> None:
        async with AsyncTokenVault(fake.address) as vault, aio.TokenVaultCredential(vault, CONNECTION) as credential:
            of_tokens: azure.core.credentials_async.AsyncTokenCredential = credential
            of_infos: azure.core.credentials_async.AsyncSupportsTokenInfo = credential
            assert isinstance(of_tokens, azure.core.credentials_async.AsyncTokenCredential)
            assert isinstance(of_infos, azure.core.credentials_async.AsyncSupportsTokenInfo)

    asyncio.run(check())


def test_scopes_go_to_the_vault_and_times_come_in_seconds(credential: Credential, fake: FakeVault) -> None:
    issued = fake.replace_token(CONNECTION, [GRAPH])
    token = credential.call("get_token", GRAPH)
    assert (token.token, token.expires_on) == (issued.token, int(issued.expires_at.timestamp()))
    info = credential.call("get_token_info", GRAPH)
    assert (info.token, info.expires_on) == (issued.token, int(issued.expires_at.timestamp()))
    assert (info.refresh_on, info.token_type) == (int(issued.refresh_at.timestamp()), "Bearer")
    assert [(request.connection, request.scopes, request.claims) for request in fake.requests] == [
        (CONNECTION, (GRAPH,), "")
    ]


def test_claims_of_a_challenge_go_to_the_vault_once(credential: Credential, fake: FakeVault) -> None:
    first = credential.call("get_token", GRAPH)
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
    second = credential.call("get_token", GRAPH, claims=claims, enable_cae=True)
    assert [request.claims for request in fake.requests] == ["", claims]
    assert second.token != first.token
    assert credential.call("get_token", GRAPH, enable_cae=True).token == second.token
    options = {"claims": claims.replace("1", "2"), "enable_cae": True}
    assert credential.call("get_token_info", GRAPH, options=options).token not in (first.token, second.token)


def test_enable_cae_is_a_permission_and_makes_no_other_token(credential: Credential, fake: FakeVault) -> None:
    assert credential.call("get_token", GRAPH, enable_cae=True) == credential.call("get_token", GRAPH)
    assert len(fake.requests) == 1


def test_a_tenant_id_other_than_the_directory_is_refused_and_no_token_is_requested(
    credential: Credential, fake: FakeVault
) -> None:
    credential.call("get_token", GRAPH, tenant_id=DIRECTORY.upper())
    for tenant_id in (DIRECTORY.replace("a", "b"), "common", ""):
        for method, arguments in (
            ("get_token", {"tenant_id": tenant_id}),
            ("get_token_info", {"options": {"tenant_id": tenant_id}}),
        ):
            with pytest.raises(ClientAuthenticationError, match="tenant_id: ") as caught:
                credential.call(method, GRAPH, **arguments)
            assert isinstance(caught.value.__cause__, TokenVaultError)
            assert caught.value.__cause__.reason == "TENANT_ID_MISMATCH"
    assert len(fake.requests) == 1


def test_failures_are_a_client_authentication_error_with_the_error_of_the_vault(
    credential: Credential, fake: FakeVault
) -> None:
    fake.fail(grpc.StatusCode.FAILED_PRECONDITION, "REAUTHORIZATION_REQUIRED", message="Sign in again.")
    with pytest.raises(ClientAuthenticationError, match=r"Sign in again\.") as caught:
        credential.call("get_token", GRAPH)
    assert isinstance(caught.value.__cause__, TokenVaultError)
    assert caught.value.__cause__.who_acts == "user"


def test_a_closed_credential_leaves_the_vault_open(credential: Credential) -> None:
    credential.call("close")
    assert credential.call("get_token", GRAPH).token == "fake-token-1"
