"""The client for programs with asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from types import TracebackType

from ._access_token import AccessToken
from ._async_io import AsyncIo
from ._base_token_vault import BaseTokenVault
from ._connect_links import ConnectLinks
from ._gen.connection_service_pb2 import ConfirmAuthorizationRequest, StartAuthorizationRequest
from ._token_request import TokenRequest, to_scopes


class AsyncTokenVault(BaseTokenVault):
    """A client of Token Vault for asyncio. Create one for the event loop, use it from all tasks, and close it at the
    end."""

    _create_io = AsyncIo

    async def get_access_token(
        self,
        connection: str,
        scopes: Sequence[str] = (),
        *,
        rejected_token: str | None = None,
        claims: str | None = None,
    ) -> AccessToken:
        """See `TokenVault.get_access_token`."""
        request = TokenRequest(connection, to_scopes(scopes), rejected_token, claims)
        return await self._client.get_access_token(request)

    def watch(self, connection: str, scopes: Sequence[str] = ()) -> AsyncGenerator[AccessToken, None]:
        """See `TokenVault.watch`. To stop earlier, close it (`contextlib.aclosing`)."""
        return self._client.watch(TokenRequest(connection, to_scopes(scopes)))

    async def connect(
        self,
        connection: str,
        *,
        scopes: Sequence[str] = (),
        return_url: str | None = None,
        auto_confirm: bool = False,
        login_hint: str | None = None,
        app: str | None = None,
        claims: str | None = None,
    ) -> ConnectLinks:
        """See `TokenVault.connect`."""
        request = StartAuthorizationRequest(
            connection=connection,
            scopes=to_scopes(scopes),
            return_url=return_url,
            auto_confirm=auto_confirm,
            login_hint=login_hint,
            app=app,
            claims=claims,
        )
        return await self._client.connect(request)

    async def confirm(self, connection: str, confirmation: str) -> None:
        """See `TokenVault.confirm`."""
        request = ConfirmAuthorizationRequest(connection=connection, confirmation=confirmation)
        await self._client.confirm(request)

    async def get_directory_id(self, connection: str) -> str | None:
        """See `TokenVault.get_directory_id`."""
        return await self._client.get_directory_id(connection)

    async def close(self) -> None:
        """See `TokenVault.close`."""
        await self._client.close()

    async def __aenter__(self) -> AsyncTokenVault:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
