"""A request for a token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TokenRequest:
    connection: str
    """`tenants/{tenant}/connections/{connection}`."""
    scopes: tuple[str, ...]
    """Product scopes of one resource, or `X/.default`. Empty: those of the connection."""
    rejected_token: str | None = field(default=None, repr=False)
    """The token that the resource refused with 401."""
    claims: str | None = None
    """The `claims` of the resource's challenge, decoded from base64."""

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for requests that the same token serves."""
        return (self.connection, *sorted(set(self.scopes)))

    @property
    def is_report(self) -> bool:
        """Whether the request refuses a token that the vault has served."""
        return self.claims is not None or self.rejected_token is not None


def to_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    # A string is a sequence of strings, too.
    return (scopes,) if isinstance(scopes, str) else tuple(scopes)
