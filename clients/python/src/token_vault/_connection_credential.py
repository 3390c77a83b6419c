"""The logic of both credentials for the SDKs of Microsoft, in coroutines over `Io`."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from azure.core.credentials import AccessToken as AzureToken
from azure.core.credentials import AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError

from ._access_token import AccessToken
from ._base_token_vault import BaseTokenVault
from ._token_request import TokenRequest
from ._token_vault_error import TokenVaultError


class ConnectionCredential:
    def __init__(self, vault: BaseTokenVault, connection: str, *, directory_id: str | None = None) -> None:
        """
        :param vault: It stays open when the credential is closed.
        :param connection: `tenants/{tenant}/connections/{connection}`.
        :param directory_id: The directory (GUID) of the connected account, for SDKs that pass a `tenant_id`. Default:
            the vault is asked, which needs the role `connector`.
        """
        self._client = vault._client
        self._connection = connection
        self._directory_id = directory_id

    async def _get(self, scopes: Sequence[str], claims: str | None, tenant_id: str | None) -> AccessToken:
        try:
            if tenant_id is not None:
                await self._check_directory(tenant_id)
            request = TokenRequest(self._connection, tuple(scopes), claims=claims or None)
            return await self._client.get_access_token(request)
        except TokenVaultError as error:
            # azure-core does not retry it.
            raise ClientAuthenticationError(message=str(error), error=error) from error

    async def _get_token(self, scopes: Sequence[str], claims: str | None, tenant_id: str | None) -> AzureToken:
        token = await self._get(scopes, claims, tenant_id)
        return AzureToken(token.token, int(token.expires_at.timestamp()))

    async def _get_token_info(self, scopes: Sequence[str], options: TokenRequestOptions | None) -> AccessTokenInfo:
        options = options or {}
        token = await self._get(scopes, options.get("claims"), options.get("tenant_id"))
        expires_on, refresh_on = int(token.expires_at.timestamp()), int(token.refresh_at.timestamp())
        return AccessTokenInfo(token.token, expires_on, refresh_on=refresh_on)

    async def _check_directory(self, tenant_id: str) -> None:
        """A token of another directory would be one of another account."""
        if self._directory_id is None:
            self._directory_id = await self._client.get_directory_id(self._connection)
        if self._directory_id is None or self._directory_id.lower() != tenant_id.lower():
            raise TokenVaultError(
                f"tenant_id: {tenant_id} is not the directory of {self._connection}. Leave it out, or use another "
                "connection.",
                code=grpc.StatusCode.INVALID_ARGUMENT,
                reason="TENANT_ID_MISMATCH",
                who="caller",
            )
