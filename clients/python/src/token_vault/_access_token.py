"""An access token of a connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone

from ._gen.token_service_pb2 import GetAccessTokenResponse, WatchAccessTokenResponse


@dataclass(frozen=True)
class AccessToken:
    """An access token of a connection."""

    token: str = field(repr=False)
    """For the `Authorization` header, or XOAUTH2. Opaque: do not parse or log it."""
    expires_at: datetime
    refresh_at: datetime
    """From then on, the vault prefers a new token."""
    resource: str
    """The only resource that accepts the token: `https://graph.microsoft.com`."""
    permissions: tuple[str, ...]
    """The permissions in the token. Can be more than requested."""


def to_access_token(response: GetAccessTokenResponse | WatchAccessTokenResponse) -> AccessToken:
    expires_at = response.expire_time.ToDatetime(timezone.utc)
    return AccessToken(
        token=response.access_token,
        expires_at=expires_at,
        refresh_at=response.refresh_time.ToDatetime(timezone.utc) if response.HasField("refresh_time") else expires_at,
        resource=response.resource,
        permissions=tuple(response.permissions),
    )
