"""The credential for SDKs of Microsoft that use asyncio. Needs azure-core."""

from ._async_token_vault_credential import TokenVaultCredential

__all__ = ["TokenVaultCredential"]
