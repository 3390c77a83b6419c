"""The current token, and each new one."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from contextlib import aclosing

from google.protobuf.duration_pb2 import Duration

from ._access_token import AccessToken, to_access_token
from ._gen.token_service_pb2 import WatchAccessTokenRequest
from ._io import ClosedError, Io
from ._token_request import TokenRequest
from ._token_vault_error import TokenVaultError, may_retry
from ._vault_calls import WATCH_ACCESS_TOKEN, VaultCalls

# Seconds.
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0


async def watch_token(
    io: Io, calls: VaultCalls, request: TokenRequest, min_ttl: int
) -> AsyncGenerator[AccessToken, None]:
    """The stream is opened again when it completes or breaks off. It ends when the client is closed, and fails when the
    vault serves no token any more: within a second after the caller is contained."""
    message = WatchAccessTokenRequest(
        connection=request.connection, scopes=request.scopes, min_ttl=Duration(seconds=min_ttl)
    )
    last: str | None = None
    failures = 0
    while True:
        wait = 0.0
        try:
            async with aclosing(calls.stream(WATCH_ACCESS_TOKEN, message)) as responses:
                async for response in responses:
                    failures = 0
                    if response.access_token != last:
                        last = response.access_token
                        yield to_access_token(response)
        except ClosedError:
            return
        except TokenVaultError as error:
            # The credential that opened the stream has expired. A projected token has been renewed by now.
            may_be_renewed = failures == 0 and error.metadata.get("tokenFault") == "expired"
            if not may_retry(error) and not may_be_renewed:
                raise
            wait = error.retry_after or 0
        failures += 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 10)) * random.uniform(0.5, 1)
        await io.pause(max(wait, pause))
