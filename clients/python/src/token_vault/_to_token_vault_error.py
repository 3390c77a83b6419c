"""Translates errors of grpc and their `grpc-status-details-bin` (AIP-193)."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from ._token_vault_error import TokenVaultError


def to_token_vault_error(error: grpc.RpcError) -> TokenVaultError:
    code: grpc.StatusCode = error.code()
    text: str = error.details() or ""
    info, retry = _read_details(error)
    if info is None:
        return _without_answer(code, text)
    return TokenVaultError(
        text,
        code=code,
        reason=info.reason,
        metadata=info.metadata,
        retry_after=None if retry is None else retry.retry_delay.ToTimedelta().total_seconds(),
    )


def _without_answer(code: grpc.StatusCode, text: str) -> TokenVaultError:
    """A call without an answer of the vault. A connection that breaks off can also be another status than UNAVAILABLE:
    INTERNAL, CANCELLED, or UNKNOWN ("Stream removed")."""
    lost = (grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN)
    if code is grpc.StatusCode.UNAVAILABLE:
        message = f"Token Vault cannot be reached: {text}. Check the address, and whether the vault runs."
        return TokenVaultError(message, code=code, reason="VAULT_UNREACHABLE", who="none")
    if code in lost:
        message = f"The connection to Token Vault broke off: {text}. Call again."
        return TokenVaultError(message, code=grpc.StatusCode.UNAVAILABLE, reason="CONNECTION_LOST", who="none")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        message = "Token Vault did not answer before the deadline. Call again, or set a longer timeout."
        return TokenVaultError(message, code=code, reason=code.name, who="none")
    return TokenVaultError(text, code=code, reason=code.name)


def _read_details(
    error: grpc.RpcError,
) -> tuple[error_details_pb2.ErrorInfo | None, error_details_pb2.RetryInfo | None]:
    trailers: Any = error.trailing_metadata() or ()
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    has_info = has_retry = False
    try:
        for key, value in trailers:
            if key == "grpc-status-details-bin":
                for detail in status_pb2.Status.FromString(value).details:
                    has_info = has_info or detail.Unpack(info)
                    has_retry = has_retry or detail.Unpack(retry)
    except DecodeError:
        return None, None
    return info if has_info else None, retry if has_retry else None
