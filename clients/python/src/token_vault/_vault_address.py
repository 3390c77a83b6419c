"""The address of a vault."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import NamedTuple


class VaultAddress(NamedTuple):
    target: str
    """For grpc: with its scheme."""
    is_loopback: bool
    """Whether only this machine can reach it, so that keys may travel in plaintext."""


def parse_vault_address(address: str) -> VaultAddress:
    """`host:port`, `dns:///host:port`, `ipv4:a:port,b:port`, `ipv6:[a]:port,…` or `unix:/path`. A host name becomes
    `dns:///`, whose addresses are used in turn."""
    match = re.fullmatch(r"(dns:///|ipv4:|ipv6:|unix:)(.*)", address)
    scheme, rest = match.groups() if match else (None, address)
    if scheme == "unix:" and rest != "":
        return VaultAddress(address, is_loopback=True)
    endpoints = rest.split(",") if scheme in ("ipv4:", "ipv6:") else [rest]
    hosts = [_host_of(endpoint) for endpoint in endpoints]
    if scheme == "unix:" or None in hosts:
        raise ValueError(f"address: {address!r} is not an address. Use host:port, dns:///host:port or unix:/path.")
    target = f"dns:///{address}" if scheme is None else address
    return VaultAddress(target, is_loopback=all(_is_loopback(host or "") for host in hosts))


def _host_of(endpoint: str) -> str | None:
    """None: not `host:port`."""
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_.-]+)):([0-9]{1,5})", endpoint)
    if match is None or int(match[3]) > 65_535:
        return None
    return match[1] or match[2]


def _is_loopback(host: str) -> bool:
    if host.lower() in ("localhost", "::1"):
        return True
    try:
        return IPv4Address(host).is_loopback
    except ValueError:
        return False
