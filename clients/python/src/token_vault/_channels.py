"""The channel to the vault."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from ._io import Channel, ClosedError, Io
from ._token_vault_error import unreadable_file
from ._vault_address import parse_vault_address
from ._vault_options import FilePath, TlsOptions, TokenVaultOptions

OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    # An address that is gone without a word is noticed within 40 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A client comes back within 2 s after an outage.
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # This package retries by itself (RetryInfo).
    ("grpc.enable_retries", 0),
)

Version = tuple[tuple[int, int, int], ...]


@dataclass
class OpenChannel:
    channel: Channel
    version: Version
    uses: int
    """Calls in progress, and one while it is the current channel."""


class Channels:
    """Provides the channel to the vault. If TLS files have changed, a new channel replaces it, and calls in progress
    finish."""

    def __init__(self, io: Io, options: TokenVaultOptions) -> None:
        self._io = io
        self._target, is_loopback = parse_vault_address(options.address)
        self._is_plaintext = is_loopback and options.tls is None
        self._tls = options.tls or TlsOptions()
        files = (self._tls.ca_file, self._tls.certificate_file, self._tls.key_file)
        self._files: list[FilePath] = [file for file in files if file is not None]
        self._options = [*OPTIONS, ("grpc.enable_http_proxy", int(options.proxy and not is_loopback))]
        if self._tls.server_name is not None:
            self._options.append(("grpc.ssl_target_name_override", self._tls.server_name))
            self._options.append(("grpc.default_authority", self._tls.server_name))
        self._lock = threading.Lock()
        self._current: OpenChannel | None = None
        self._open: list[OpenChannel] = []
        self.is_closed = False

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Channel]:
        """For one call."""
        with self._lock:
            used, replaced = self._take()
        try:
            if replaced is not None:
                await self._release(replaced)
            yield used.channel
        finally:
            await self._release(used)

    async def close(self) -> None:
        with self._lock:
            self.is_closed = True
            closing, self._open = self._open, []
        self._io.wake()
        for each in closing:
            await self._io.close_channel(each.channel)

    def _take(self) -> tuple[OpenChannel, OpenChannel | None]:
        """The channel to use, and the one that it replaces."""
        if self.is_closed:
            raise ClosedError
        before = self._current
        if before is None or len(self._files) > 0:
            self._refresh()
        assert self._current is not None
        self._current.uses += 1
        return self._current, before if before is not self._current else None

    def _refresh(self) -> None:
        try:
            version = self._read_version()
            if self._current is not None and self._current.version == version:
                return
            credentials = None if self._is_plaintext else self._read_credentials()
            # What has been checked may not be what has been read.
            if self._read_version() != version:
                raise OSError("A file changed while it was read.")
        except (OSError, ssl.SSLError) as error:
            # While files are replaced, key and certificate may not match.
            if self._current is not None:
                return
            raise unreadable_file(
                "tls: A file cannot be used. Check that each exists and is PEM, and that the key matches."
            ) from error
        self._current = OpenChannel(self._io.open_channel(self._target, credentials, self._options), version, uses=1)
        self._open.append(self._current)

    async def _release(self, used: OpenChannel) -> None:
        with self._lock:
            used.uses -= 1
            is_unused = used.uses == 0 and used in self._open
            if is_unused:
                self._open.remove(used)
        if is_unused:
            await self._io.close_channel(used.channel)

    def _read_version(self) -> Version:
        """Changes when a file is replaced."""
        versions = (Path(file).stat() for file in self._files)
        return tuple((version.st_mtime_ns, version.st_ino, version.st_size) for version in versions)

    def _read_credentials(self) -> grpc.ChannelCredentials:
        ca, key, certificate = (
            None if file is None else Path(file).read_bytes()
            for file in (self._tls.ca_file, self._tls.key_file, self._tls.certificate_file)
        )
        # grpc reports files that it cannot use only by calls that fail.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self._tls.ca_file is not None:
            context.load_verify_locations(self._tls.ca_file)
        if self._tls.certificate_file is not None:
            # An encrypted key is an error. Without a password, OpenSSL would prompt for one.
            context.load_cert_chain(self._tls.certificate_file, self._tls.key_file, password="")
        return grpc.ssl_channel_credentials(ca, key, certificate)
