"""A `TokenCredential` of azure-core."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

from ._connection_credential import ConnectionCredential
from ._io import run_blocking
from ._token_vault import TokenVault


class TokenVaultCredential(ConnectionCredential):
    """A `TokenCredential` for the SDKs of Microsoft. `X/.default` means the scopes of this connection for resource X.

    `enable_cae` is a permission: the app's `client_capabilities` decide whether tokens are evaluated continuously.
    Failures are a `ClientAuthenticationError`, whose `__cause__` is the `TokenVaultError`.
    """

    def __init__(self, vault: TokenVault, connection: str, *, directory_id: str | None = None) -> None:
        super().__init__(vault, connection, directory_id=directory_id)

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        return run_blocking(self._get_token(scopes, claims, tenant_id))

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        return run_blocking(self._get_token_info(scopes, options))

    def close(self) -> None:
        """The vault stays open: other credentials may use it."""

    def __enter__(self) -> TokenVaultCredential:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()
