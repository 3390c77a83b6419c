"""XOAUTH2 for imaplib and smtplib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def xoauth2(user: str, token: str) -> Callable[..., Any]:
    """The `authobject` of `imaplib.IMAP4.authenticate("XOAUTH2", …)` and of `smtplib.SMTP.auth("XOAUTH2", …)`.

    :param user: The address of the mailbox.
    :param token: The token of a connection with scopes of Outlook: `https://outlook.office.com/.default`.
    """

    def respond(challenge: bytes | None = None) -> str:
        # The server has refused the token, and says why. It then expects an empty line.
        return "" if challenge else f"user={user}\1auth=Bearer {token}\1\1"

    return respond
