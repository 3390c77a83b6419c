"""The logic of both clients, in coroutines over `Io`."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration

from ._access_token import AccessToken, to_access_token
from ._caller_credential import create_read_metadata
from ._channels import Channels
from ._connect_links import ConnectLinks, to_connect_links
from ._gen.connection_service_pb2 import (
    ConfirmAuthorizationRequest,
    GetConnectionRequest,
    StartAuthorizationRequest,
)
from ._gen.token_service_pb2 import GetAccessTokenRequest
from ._io import Io
from ._retry import with_retries
from ._token_cache import TokenCache
from ._token_request import TokenRequest
from ._vault_calls import CONFIRM_AUTHORIZATION, GET_ACCESS_TOKEN, GET_CONNECTION, START_AUTHORIZATION, VaultCalls
from ._vault_options import TokenVaultOptions
from ._watch_token import watch_token

Answer = TypeVar("Answer")

# Seconds that a call may take while a valid token is at hand.
LONGEST_REFRESH = 5.0


class VaultClient:
    def __init__(self, io: Io, options: TokenVaultOptions) -> None:
        self._io = io
        self._options = options
        self._channels = Channels(io, options)
        self._calls = VaultCalls(io, self._channels, create_read_metadata(options))
        self._tokens = TokenCache(io, self._request_token, options.now, options.min_ttl)

    async def get_access_token(self, request: TokenRequest) -> AccessToken:
        return await self._tokens.get(request)

    def watch(self, request: TokenRequest) -> AsyncGenerator[AccessToken, None]:
        return watch_token(self._io, self._calls, request, self._options.min_ttl)

    async def connect(self, request: StartAuthorizationRequest) -> ConnectLinks:
        response = await self._retry(lambda left: self._calls.unary(START_AUTHORIZATION, request, left))
        return to_connect_links(response)

    async def confirm(self, request: ConfirmAuthorizationRequest) -> None:
        """It works once, so it is not retried."""
        await self._calls.unary(CONFIRM_AUTHORIZATION, request, self._options.timeout)

    async def get_directory_id(self, connection: str) -> str | None:
        request = GetConnectionRequest(name=connection)
        response = await self._retry(lambda left: self._calls.unary(GET_CONNECTION, request, left))
        return response.connection.account.directory_id or None

    async def close(self) -> None:
        await self._channels.close()

    async def _retry(self, attempt: Callable[[float], Awaitable[Answer]]) -> Answer:
        return await with_retries(self._io, self._options.timeout, attempt)

    async def _request_token(self, request: TokenRequest, once: bool) -> AccessToken:
        message = GetAccessTokenRequest(
            connection=request.connection,
            scopes=request.scopes,
            min_ttl=Duration(seconds=self._options.min_ttl),
            claims=request.claims or "",
            rejected_token_sha256=_sha256(request.rejected_token),
        )

        async def attempt(timeout: float) -> AccessToken:
            response = await self._calls.unary(GET_ACCESS_TOKEN, message, timeout)
            return to_access_token(response)

        if once:
            return await attempt(min(self._options.timeout, LONGEST_REFRESH))
        return await self._retry(attempt)


def _sha256(token: str | None) -> str:
    return "" if token is None else hashlib.sha256(token.encode()).hexdigest()
