from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from token_vault._gen import access_token_pb2 as _access_token_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetAccessTokenRequest(_message.Message):
    __slots__ = ("connection", "scopes", "min_ttl", "claims", "rejected_token_sha256")
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    MIN_TTL_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_FIELD_NUMBER: _ClassVar[int]
    REJECTED_TOKEN_SHA256_FIELD_NUMBER: _ClassVar[int]
    connection: str
    scopes: _containers.RepeatedScalarFieldContainer[str]
    min_ttl: _duration_pb2.Duration
    claims: str
    rejected_token_sha256: str
    def __init__(self, connection: _Optional[str] = ..., scopes: _Optional[_Iterable[str]] = ..., min_ttl: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., claims: _Optional[str] = ..., rejected_token_sha256: _Optional[str] = ...) -> None: ...

class GetAccessTokenResponse(_message.Message):
    __slots__ = ("access_token", "token_type", "expire_time", "refresh_time", "resource", "permissions", "source")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TIME_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    token_type: str
    expire_time: _timestamp_pb2.Timestamp
    refresh_time: _timestamp_pb2.Timestamp
    resource: str
    permissions: _containers.RepeatedScalarFieldContainer[str]
    source: _access_token_pb2.TokenSource
    def __init__(self, access_token: _Optional[str] = ..., token_type: _Optional[str] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., refresh_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., resource: _Optional[str] = ..., permissions: _Optional[_Iterable[str]] = ..., source: _Optional[_Union[_access_token_pb2.TokenSource, str]] = ...) -> None: ...

class WatchAccessTokenRequest(_message.Message):
    __slots__ = ("connection", "scopes", "min_ttl")
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    MIN_TTL_FIELD_NUMBER: _ClassVar[int]
    connection: str
    scopes: _containers.RepeatedScalarFieldContainer[str]
    min_ttl: _duration_pb2.Duration
    def __init__(self, connection: _Optional[str] = ..., scopes: _Optional[_Iterable[str]] = ..., min_ttl: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchAccessTokenResponse(_message.Message):
    __slots__ = ("access_token", "token_type", "expire_time", "refresh_time", "resource", "permissions", "source")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TIME_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    token_type: str
    expire_time: _timestamp_pb2.Timestamp
    refresh_time: _timestamp_pb2.Timestamp
    resource: str
    permissions: _containers.RepeatedScalarFieldContainer[str]
    source: _access_token_pb2.TokenSource
    def __init__(self, access_token: _Optional[str] = ..., token_type: _Optional[str] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., refresh_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., resource: _Optional[str] = ..., permissions: _Optional[_Iterable[str]] = ..., source: _Optional[_Union[_access_token_pb2.TokenSource, str]] = ...) -> None: ...
