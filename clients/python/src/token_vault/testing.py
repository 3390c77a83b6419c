"""A vault on loopback that issues tokens without Entra, for the tests of a program that uses this package."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from types import TracebackType
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

from ._access_token import AccessToken
from ._fake_token_issuer import FakeTokenIssuer, FakeTokenRequest, key_of
from ._gen.token_service_pb2 import (
    GetAccessTokenRequest,
    GetAccessTokenResponse,
    WatchAccessTokenRequest,
    WatchAccessTokenResponse,
)
from ._vault_calls import GET_ACCESS_TOKEN, WATCH_ACCESS_TOKEN, Method

__all__ = ["FakeTokenRequest", "FakeVault"]


@dataclass(frozen=True)
class Failure:
    code: grpc.StatusCode
    reason: str
    message: str
    metadata: Mapping[str, str]
    retry_after: float | None
    times: int | None


# A token to send, or how the stream fails.
Event = AccessToken | Failure | None


class FakeVault:
    """Listens from its creation until `close`, or as a context manager."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        self._issuer = FakeTokenIssuer(now)
        self._requests: list[FakeTokenRequest] = []
        self._failures: dict[str | None, Failure] = {}
        self._watchers: dict[queue.SimpleQueue[Event], WatchAccessTokenRequest] = {}
        self._port = 0
        self.restart()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[FakeTokenRequest]:
        """All requests for a token, the oldest first."""
        return list(self._requests)

    def replace_token(self, connection: str, scopes: Sequence[str] = (), **changes: Any) -> AccessToken:
        """Issues another token for the connection and scopes, served until it expires, and sends it to those who watch.
        `changes` are fields of `AccessToken`."""
        with self._lock:
            token = self._issuer.replace(connection, scopes, **changes)
            for events, request in self._watchers.items():
                if key_of(request.connection, request.scopes) == key_of(connection, scopes):
                    events.put(token)
        return token

    def fail(
        self,
        code: grpc.StatusCode,
        reason: str,
        *,
        connection: str | None = None,
        message: str | None = None,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        times: int | None = None,
    ) -> None:
        """Calls fail: for the connection, or for all; `times` calls, or all until `recover`. Streams of the connection
        end. `reason` as in `error_reason.proto`, `retry_after` in seconds."""
        text = message or f"The fake vault fails [{reason}]"
        failure = Failure(code, reason, text, metadata or {}, retry_after, times)
        with self._lock:
            self._failures[connection] = failure
            for events, request in self._watchers.items():
                if connection in (None, request.connection):
                    events.put(failure)

    def recover(self) -> None:
        """Calls succeed again."""
        with self._lock:
            self._failures.clear()

    def stop(self) -> None:
        """Closes the port: the vault is away. Tokens stay."""
        self._server.stop(None).wait()

    def restart(self) -> None:
        """Listens on the same port again."""
        # So that no other process can listen on the same port.
        self._server = grpc.server(ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0)])
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            _name(GET_ACCESS_TOKEN): grpc.unary_unary_rpc_method_handler(
                self._get_access_token,
                GetAccessTokenRequest.FromString,
                GetAccessTokenResponse.SerializeToString,
            ),
            _name(WATCH_ACCESS_TOKEN): grpc.unary_stream_rpc_method_handler(
                self._watch_access_token,
                WatchAccessTokenRequest.FromString,
                WatchAccessTokenResponse.SerializeToString,
            ),
        }
        service = GET_ACCESS_TOKEN.path.split("/")[1]
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        self._port = self._server.add_insecure_port(self.address)
        self._server.start()

    def close(self) -> None:
        self.stop()

    def __enter__(self) -> FakeVault:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def _get_access_token(self, request: GetAccessTokenRequest, context: Any) -> GetAccessTokenResponse:
        fields = (request.connection, tuple(request.scopes), request.claims, request.rejected_token_sha256)
        authorization = dict(context.invocation_metadata()).get("authorization", "")
        with self._lock:
            self._requests.append(FakeTokenRequest(*fields, authorization))
            failure = self._take_failure(request.connection)
            token = self._issuer.serve(*fields) if failure is None else None
        if failure is not None:
            _abort(context, failure)
        return GetAccessTokenResponse(**_fields_of(token))

    def _watch_access_token(self, request: WatchAccessTokenRequest, context: Any) -> Iterator[WatchAccessTokenResponse]:
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        context.add_callback(lambda: events.put(None))
        with self._lock:
            failure = self._take_failure(request.connection)
            if failure is None:
                self._watchers[events] = request
                events.put(self._issuer.serve(request.connection, request.scopes))
        if failure is not None:
            _abort(context, failure)
        try:
            while (event := events.get()) is not None:
                if isinstance(event, Failure):
                    _abort(context, event)
                yield WatchAccessTokenResponse(**_fields_of(event))
        finally:
            with self._lock:
                del self._watchers[events]

    def _take_failure(self, connection: str) -> Failure | None:
        key = connection if connection in self._failures else None
        failure = self._failures.get(key)
        if failure is not None and failure.times is not None:
            if failure.times > 1:
                self._failures[key] = replace(failure, times=failure.times - 1)
            else:
                del self._failures[key]
        return failure


def _name(method: Method[Any, Any]) -> str:
    return method.path.split("/")[2]


def _fields_of(token: AccessToken | None) -> dict[str, Any]:
    assert token is not None
    expire_time, refresh_time = Timestamp(), Timestamp()
    expire_time.FromDatetime(token.expires_at)
    refresh_time.FromDatetime(token.refresh_at)
    return {
        "access_token": token.token,
        "token_type": "Bearer",
        "expire_time": expire_time,
        "refresh_time": refresh_time,
        "resource": token.resource,
        "permissions": token.permissions,
    }


def _abort(context: Any, failure: Failure) -> NoReturn:
    """With the details that the vault sends (AIP-193)."""
    details: list[Any] = [
        error_details_pb2.ErrorInfo(domain="tokenvault", reason=failure.reason, metadata=failure.metadata)
    ]
    if failure.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(timedelta(seconds=failure.retry_after))
        details.append(retry)
    status = status_pb2.Status(code=failure.code.value[0], message=failure.message)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(failure.code, failure.message)
    raise AssertionError("`abort` raises.")
