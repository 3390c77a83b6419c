"""What the clients for threads and for tasks have in common."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from ._io import Io
from ._vault_client import VaultClient
from ._vault_options import FilePath, TlsOptions, TokenVaultOptions


class BaseTokenVault:
    _create_io: ClassVar[Callable[[], Io]]

    def __init__(
        self,
        address: str,
        *,
        api_key_file: FilePath | None = None,
        token_file: FilePath | None = None,
        tls: TlsOptions | None = None,
        timeout: float = 15,
        min_ttl: int = 60,
        proxy: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        :param address: `host:port`, `dns:///host:port`, `ipv4:a:port,b:port` or `unix:/path`. Calls go to all addresses
            of the name in turn.
        :param api_key_file: File with the API key (`tv1_…`). It is read for each call, so a new key needs no restart.
        :param token_file: File with a JWT of Kubernetes, Entra or SPIRE, such as a projected token. It is read for each
            call.
        :param tls: Default: the CAs of grpcio; on loopback, plaintext.
        :param timeout: Seconds that a call may take, retries included.
        :param min_ttl: Seconds that a token must still be valid when the vault serves it. At most 300.
        :param proxy: Honor `https_proxy` and `no_proxy`.
        :param now: The time in seconds since 1970. For tests with a clock that moves.
        """
        options = TokenVaultOptions(
            address=address,
            api_key_file=api_key_file,
            token_file=token_file,
            tls=tls,
            timeout=timeout,
            min_ttl=min_ttl,
            proxy=proxy,
            now=now,
        )
        self._client = VaultClient(type(self)._create_io(), options)
