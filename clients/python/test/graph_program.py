"""Reads the user with the unmodified msgraph-sdk, on request.

Each line has the time as `now`, in milliseconds, and the number of requests to send in turn as `count`.
"""

import asyncio
import json
import sys
from urllib.parse import urlsplit

from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient

from token_vault import AsyncTokenVault, TokenVaultError
from token_vault.aio import TokenVaultCredential


async def main(address: str, connection: str, graph_url: str) -> None:
    now = 0.0
    vault = AsyncTokenVault(address, timeout=2, now=lambda: now)
    credential = TokenVaultCredential(vault, connection)
    authentication = AzureIdentityAuthenticationProvider(
        credential,
        scopes=["https://graph.microsoft.com/.default"],
        allowed_hosts=[urlsplit(graph_url).hostname],
    )
    adapter = GraphRequestAdapter(authentication)
    adapter.base_url = f"{graph_url}/v1.0"
    graph = GraphServiceClient(request_adapter=adapter)

    async def read_user() -> str:
        try:
            return (await graph.me.get()).user_principal_name
        except Exception as error:
            cause = error.__cause__
            if not isinstance(cause, TokenVaultError):
                return repr(error)
            return f"{type(error).__name__} {cause.code.name} {cause.reason} {cause.who_acts}"

    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        now = command["now"] / 1000
        print(json.dumps([await read_user() for _ in range(command["count"])]), flush=True)
    await vault.close()


asyncio.run(main(**json.loads(sys.argv[1])))
