"""How to reach the vault, and as which caller."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

FilePath = str | os.PathLike[str]


@dataclass(frozen=True, kw_only=True)
class TlsOptions:
    """Files in PEM. They are read again when they change."""

    ca_file: FilePath | None = None
    """The CA of the vault's certificate. Default: the CAs of grpcio."""
    certificate_file: FilePath | None = None
    """The client certificate (mTLS), followed by its intermediate CAs."""
    key_file: FilePath | None = None
    """The private key of the client certificate."""
    server_name: str | None = None
    """The name in the vault's certificate, if it is not the host of the address."""

    def __post_init__(self) -> None:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("tls: Only one of certificate_file and key_file is set. Set both, or neither.")


@dataclass(frozen=True, kw_only=True)
class TokenVaultOptions:
    """As `TokenVault` documents them."""

    address: str
    api_key_file: FilePath | None
    token_file: FilePath | None
    tls: TlsOptions | None
    timeout: float
    min_ttl: int
    proxy: bool
    now: Callable[[], float]
