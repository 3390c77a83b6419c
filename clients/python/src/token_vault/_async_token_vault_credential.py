"""An `AsyncTokenCredential` of azure-core."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

from ._async_token_vault import AsyncTokenVault
from ._connection_credential import ConnectionCredential


class TokenVaultCredential(ConnectionCredential):
    """An `AsyncTokenCredential` for the SDKs of Microsoft. `X/.default` means the scopes of this connection for
    resource X.

    `enable_cae` is a permission: the app's `client_capabilities` decide whether tokens are evaluated continuously.
    Failures are a `ClientAuthenticationError`, whose `__cause__` is the `TokenVaultError`.
    """

    def __init__(self, vault: AsyncTokenVault, connection: str, *, directory_id: str | None = None) -> None:
        super().__init__(vault, connection, directory_id=directory_id)

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        return await self._get_token(scopes, claims, tenant_id)

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        return await self._get_token_info(scopes, options)

    async def close(self) -> None:
        """The vault stays open: other credentials may use it."""

    async def __aenter__(self) -> TokenVaultCredential:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
