"""Calls over the channel. Failures are `TokenVaultError`s."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from ._caller_credential import Metadata
from ._channels import Channels
from ._gen import connection_service_pb2 as connections
from ._gen import token_service_pb2 as tokens
from ._io import ClosedError, Io
from ._to_token_vault_error import to_token_vault_error

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True)
class Method(Generic[Request, Response]):
    path: str
    request: type[Request]
    response: type[Response]


GET_ACCESS_TOKEN = Method(
    "/tokenvault.v1.TokenService/GetAccessToken", tokens.GetAccessTokenRequest, tokens.GetAccessTokenResponse
)
WATCH_ACCESS_TOKEN = Method(
    "/tokenvault.v1.TokenService/WatchAccessToken", tokens.WatchAccessTokenRequest, tokens.WatchAccessTokenResponse
)
START_AUTHORIZATION = Method(
    "/tokenvault.v1.ConnectionService/StartAuthorization",
    connections.StartAuthorizationRequest,
    connections.StartAuthorizationResponse,
)
CONFIRM_AUTHORIZATION = Method(
    "/tokenvault.v1.ConnectionService/ConfirmAuthorization",
    connections.ConfirmAuthorizationRequest,
    connections.ConfirmAuthorizationResponse,
)
GET_CONNECTION = Method(
    "/tokenvault.v1.ConnectionService/GetConnection",
    connections.GetConnectionRequest,
    connections.GetConnectionResponse,
)


class VaultCalls:
    def __init__(self, io: Io, channels: Channels, read_metadata: Callable[[], Metadata]) -> None:
        self._io = io
        self._channels = channels
        self._read_metadata = read_metadata

    async def unary(self, method: Method[Request, Response], request: Request, timeout: float) -> Response:
        """`timeout` in seconds."""
        metadata = self._read_metadata()
        async with self._channels.use() as channel:
            with self._translated():
                call = channel.unary_unary(method.path, *_codec(method))
                response: Response = await self._io.unary(call, request, timeout, metadata)
                return response

    async def stream(self, method: Method[Request, Response], request: Request) -> AsyncGenerator[Response, None]:
        """Without a deadline."""
        metadata = self._read_metadata()
        async with self._channels.use() as channel:
            with self._translated():
                call = channel.unary_stream(method.path, *_codec(method))
                async with aclosing(self._io.stream(call, request, metadata)) as responses:
                    async for response in responses:
                        yield response

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # grpc has several errors for calls of a closed channel.
            if self._channels.is_closed:
                raise ClosedError from error
            if isinstance(error, grpc.RpcError):
                raise to_token_vault_error(error) from error
            raise


def _codec(method: Method[Request, Response]) -> tuple[Callable[[Any], bytes], Callable[[bytes], Response]]:
    return method.request.SerializeToString, method.response.FromString
