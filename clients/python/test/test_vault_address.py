from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from conftest import CreateClient

from token_vault import TlsOptions, TokenVault, TokenVaultError
from token_vault._vault_address import parse_vault_address
from token_vault.testing import FakeVault

KEY = "tv1_canary"
CONNECTION = "tenants/a/connections/b"


@pytest.fixture
def api_key_file(tmp_path: Path) -> Path:
    file = tmp_path / "api-key"
    file.write_text(f"{KEY}\n")
    return file


@pytest.mark.parametrize(
    ("address", "target", "is_loopback"),
    [
        ("vault.example:50051", "dns:///vault.example:50051", False),
        ("dns:///vault.example:50051", "dns:///vault.example:50051", False),
        ("10.0.0.1:50051", "dns:///10.0.0.1:50051", False),
        ("127.0.0.1:50051", "dns:///127.0.0.1:50051", True),
        ("LOCALHOST:50051", "dns:///LOCALHOST:50051", True),
        ("[::1]:50051", "dns:///[::1]:50051", True),
        ("unix:/run/vault.sock", "unix:/run/vault.sock", True),
        ("ipv4:127.0.0.1:1,127.0.0.2:2", "ipv4:127.0.0.1:1,127.0.0.2:2", True),
        ("ipv4:127.0.0.1:1,10.0.0.1:2", "ipv4:127.0.0.1:1,10.0.0.1:2", False),
        ("localhost.evil.example:50051", "dns:///localhost.evil.example:50051", False),
        ("127.0.0.1.evil.example:50051", "dns:///127.0.0.1.evil.example:50051", False),
    ],
)
def test_address(address: str, target: str, is_loopback: bool) -> None:
    assert parse_vault_address(address) == (target, is_loopback)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "vault.example",
        "https://vault.example:50051",
        "host:99999",
        "dns://8.8.8.8/vault:1",
        "ipv4:127.0.0.1",
        "unix:",
        "127.0.0.1:1\n",
    ],
)
def test_it_is_not_an_address(address: str) -> None:
    with pytest.raises(ValueError, match="address:"):
        TokenVault(address)


class Listener:
    """Receives the first bytes of each connection, and closes it."""

    def __init__(self, host: str) -> None:
        self.received: list[bytes] = []
        self._socket = socket.create_server((host, 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                data = connection.recv(4096)
                if data == b"end":
                    return
                self.received.append(data)

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(b"end")
        self._thread.join()
        self._socket.close()


def test_beyond_loopback_the_first_bytes_are_those_of_tls_without_the_key(
    create_client: CreateClient, api_key_file: Path
) -> None:
    listener = Listener("0.0.0.0")
    # Leads to this machine, but is not in the range of loopback.
    client = create_client(f"0.0.0.0:{listener.port}", api_key_file=api_key_file, timeout=5)
    with pytest.raises(TokenVaultError) as caught:
        client.get(CONNECTION)
    client.call("close")
    listener.close()
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert listener.received[0][0] == 0x16
    assert KEY.encode() not in b"".join(listener.received)


@pytest.mark.parametrize(("proxy", "is_used"), [(False, False), (True, True)])
def test_a_proxy_of_the_environment_is_used_only_if_asked(
    create_client: CreateClient, api_key_file: Path, monkeypatch: pytest.MonkeyPatch, proxy: bool, is_used: bool
) -> None:
    listener = Listener("127.0.0.1")
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{listener.port}")
    client = create_client("0.0.0.0:1", api_key_file=api_key_file, timeout=1, proxy=proxy)
    with pytest.raises(TokenVaultError):
        client.get(CONNECTION)
    client.call("close")
    listener.close()
    assert bool(listener.received) == is_used


@pytest.mark.parametrize("option", ["api_key_file", "token_file"])
def test_a_credential_is_read_again_so_that_a_new_one_needs_no_restart(
    create_client: CreateClient, fake: FakeVault, tmp_path: Path, option: str
) -> None:
    file = tmp_path / "credential"
    client = create_client(fake.address, **{option: file})
    for credential in ("first", "second"):
        file.write_text(f"{credential}\n")
        client.get(f"tenants/acme/connections/{credential}")
    assert [request.authorization for request in fake.requests] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize(
    "prepare",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text(""),
        lambda file: file.write_text("one\ntwo\n"),
        lambda file: file.write_bytes(b"one\xff"),
    ],
    ids=["missing", "empty", "two lines", "not text"],
)
def test_a_file_is_no_credential_and_the_error_does_not_quote_it(
    create_client: CreateClient, api_key_file: Path, prepare: Callable[[Path], object]
) -> None:
    prepare(api_key_file)
    with pytest.raises(TokenVaultError, match=r"^api_key_file: ") as caught:
        create_client("127.0.0.1:1", api_key_file=api_key_file).get(CONNECTION)
    assert (caught.value.reason, caught.value.who_acts) == ("CREDENTIAL_FILE_UNREADABLE", "caller")
    assert "one" not in str(caught.value).replace("nothing else", "")


def test_two_credentials_are_refused(api_key_file: Path) -> None:
    with pytest.raises(ValueError, match="More than one credential"):
        TokenVault("127.0.0.1:1", api_key_file=api_key_file, token_file=api_key_file)
    with pytest.raises(ValueError, match="Set both"):
        TlsOptions(key_file=api_key_file)
