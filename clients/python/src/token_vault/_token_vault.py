"""The client for programs with threads."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from types import TracebackType

from ._access_token import AccessToken
from ._base_token_vault import BaseTokenVault
from ._blocking_io import BlockingIo
from ._connect_links import ConnectLinks
from ._gen.connection_service_pb2 import ConfirmAuthorizationRequest, StartAuthorizationRequest
from ._io import run_blocking
from ._token_request import TokenRequest, to_scopes


class TokenVault(BaseTokenVault):
    """A client of Token Vault. Create one for the process, use it from all threads, and close it at the end."""

    _create_io = BlockingIo

    def get_access_token(
        self,
        connection: str,
        scopes: Sequence[str] = (),
        *,
        rejected_token: str | None = None,
        claims: str | None = None,
    ) -> AccessToken:
        """A token that is kept in this process until its `refresh_at`. Do not keep it yourself: call again for each
        use. While the vault cannot be reached, the last token is returned until it expires.

        :param connection: `tenants/{tenant}/connections/{connection}`.
        :param scopes: Product scopes of one resource, or `X/.default`. Default: those of the connection, if they are of
            one resource.
        :param rejected_token: The token that the resource refused with 401. The vault replaces it once for all who
            report it.
        :param claims: The `claims` of the resource's challenge, decoded from base64.
        """
        request = TokenRequest(connection, to_scopes(scopes), rejected_token, claims)
        return run_blocking(self._client.get_access_token(request))

    def watch(self, connection: str, scopes: Sequence[str] = ()) -> Generator[AccessToken, None, None]:
        """The current token, and each new one before the previous one expires. Ends when the client is closed."""
        tokens = self._client.watch(TokenRequest(connection, to_scopes(scopes)))
        try:
            while True:
                try:
                    token = run_blocking(tokens.__anext__())
                except StopAsyncIteration:
                    return
                yield token
        finally:
            run_blocking(tokens.aclose())

    def connect(
        self,
        connection: str,
        *,
        scopes: Sequence[str] = (),
        return_url: str | None = None,
        auto_confirm: bool = False,
        login_hint: str | None = None,
        app: str | None = None,
        claims: str | None = None,
    ) -> ConnectLinks:
        """Starts to connect a user, or to connect again.

        :param connection: `tenants/{tenant}/connections/{connection}`. It does not need to exist.
        :param scopes: Product scopes; may span resources. Default: those of the existing connection.
        :param return_url: Where the browser goes at the end. It must begin with one of the app's return URL prefixes.
        :param auto_confirm: Activate the grant without `confirm`. Only if any person who has the link may connect any
            account.
        :param login_hint: The username to suggest.
        :param app: `tenants/{tenant}/apps/{app}`. Default: the app of the connection, otherwise the tenant's app
            `default`.
        :param claims: A claims challenge that only a new sign-in can answer.
        """
        request = StartAuthorizationRequest(
            connection=connection,
            scopes=to_scopes(scopes),
            return_url=return_url,
            auto_confirm=auto_confirm,
            login_hint=login_hint,
            app=app,
            claims=claims,
        )
        return run_blocking(self._client.connect(request))

    def confirm(self, connection: str, confirmation: str) -> None:
        """Activates the grant, with the `confirmation` that the return URL received. It works once, so it is not
        retried."""
        request = ConfirmAuthorizationRequest(connection=connection, confirmation=confirmation)
        run_blocking(self._client.confirm(request))

    def get_directory_id(self, connection: str) -> str | None:
        """The directory (GUID) of the connected account. Needs the role `connector`. None: not known yet."""
        return run_blocking(self._client.get_directory_id(connection))

    def close(self) -> None:
        """Closes the connections to the vault, and ends what `watch` returned."""
        run_blocking(self._client.close())

    def __enter__(self) -> TokenVault:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()
