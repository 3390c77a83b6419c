"""The client of Token Vault: fresh access tokens for Microsoft 365."""

from typing import TYPE_CHECKING

from ._access_token import AccessToken
from ._async_token_vault import AsyncTokenVault
from ._connect_links import ConnectLinks
from ._mail_auth import xoauth2
from ._token_vault import TokenVault
from ._token_vault_error import TokenVaultError
from ._vault_options import TlsOptions
from ._who_acts import WhoActs

if TYPE_CHECKING:
    from ._token_vault_credential import TokenVaultCredential

__all__ = [
    "AccessToken",
    "AsyncTokenVault",
    "ConnectLinks",
    "TlsOptions",
    "TokenVault",
    "TokenVaultCredential",
    "TokenVaultError",
    "WhoActs",
    "xoauth2",
]


def __getattr__(name: str) -> object:
    """Imports the credential when it is used, because azure-core is optional."""
    if name == "TokenVaultCredential":
        from ._token_vault_credential import TokenVaultCredential

        return TokenVaultCredential
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
