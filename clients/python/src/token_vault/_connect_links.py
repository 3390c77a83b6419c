"""Where to send the user's browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone

from ._gen.connection_service_pb2 import StartAuthorizationResponse


@dataclass(frozen=True)
class ConnectLinks:
    """Where to send the user's browser."""

    connect_uri: str = field(repr=False)
    """A page of the vault that explains the request and leads to Entra. Suitable as a link in a message."""
    authorization_uri: str = field(repr=False)
    """Entra's page, for an immediate redirect."""
    expires_at: datetime
    """When `connect_uri` expires."""
    admin_consent_uri: str | None
    """For an administrator who must probably approve first; None: probably not needed."""


def to_connect_links(response: StartAuthorizationResponse) -> ConnectLinks:
    return ConnectLinks(
        connect_uri=response.connect_uri,
        authorization_uri=response.authorization_uri,
        expires_at=response.expire_time.ToDatetime(timezone.utc),
        admin_consent_uri=response.admin_consent_uri or None,
    )
