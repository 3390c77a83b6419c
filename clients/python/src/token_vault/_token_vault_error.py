"""The error of a failed call."""

from __future__ import annotations

from collections.abc import Mapping

import grpc

from ._who_acts import WhoActs, who_acts


class TokenVaultError(Exception):
    """A failed call. It never contains a token or a key."""

    code: grpc.StatusCode
    reason: str
    """The vault's reason, such as `REAUTHORIZATION_REQUIRED`. Without an answer of the vault: `VAULT_UNREACHABLE`,
    `CONNECTION_LOST`, `DEADLINE_EXCEEDED`, or what this package found (`CREDENTIAL_FILE_UNREADABLE`,
    `TENANT_ID_MISMATCH`)."""
    who_acts: WhoActs
    """The party that removes the cause."""
    metadata: Mapping[str, str]
    """Facts from `google.rpc.ErrorInfo`: `resource`, `entraError`, `correlationId`, …"""
    retry_after: float | None
    """Seconds until a retry can help, if the vault says so."""

    # With defaults, because pickle passes the message alone.
    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        reason: str = "UNKNOWN",
        who: WhoActs | None = None,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.who_acts = who_acts(reason) if who is None else who
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after


def is_outage(error: BaseException) -> bool:
    """Whether the last good token may still be used: the vault did not answer, or says that it cannot answer now."""
    return isinstance(error, TokenVaultError) and error.code in (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    )


def may_retry(error: TokenVaultError) -> bool:
    return is_outage(error) or error.code is grpc.StatusCode.RESOURCE_EXHAUSTED


def unreadable_file(message: str) -> TokenVaultError:
    return TokenVaultError(
        message, code=grpc.StatusCode.UNAUTHENTICATED, reason="CREDENTIAL_FILE_UNREADABLE", who="caller"
    )
