from google.protobuf import timestamp_pb2 as _timestamp_pb2
from token_vault._gen import app_pb2 as _app_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Connection(_message.Message):
    __slots__ = ("name", "uid", "app", "external_id", "labels", "account", "scopes", "resources", "state", "state_reason", "verify_time", "last_refresh_time", "idle_expire_time", "create_time", "update_time", "etag", "last_served_time", "callers")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Connection.State]
        STATE_PENDING: _ClassVar[Connection.State]
        STATE_ACTIVE: _ClassVar[Connection.State]
        STATE_REAUTHORIZATION_REQUIRED: _ClassVar[Connection.State]
        STATE_BLOCKED: _ClassVar[Connection.State]
        STATE_SUSPENDED: _ClassVar[Connection.State]
    STATE_UNSPECIFIED: Connection.State
    STATE_PENDING: Connection.State
    STATE_ACTIVE: Connection.State
    STATE_REAUTHORIZATION_REQUIRED: Connection.State
    STATE_BLOCKED: Connection.State
    STATE_SUSPENDED: Connection.State
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    APP_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    VERIFY_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_REFRESH_TIME_FIELD_NUMBER: _ClassVar[int]
    IDLE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    LAST_SERVED_TIME_FIELD_NUMBER: _ClassVar[int]
    CALLERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    app: str
    external_id: str
    labels: _containers.ScalarMap[str, str]
    account: Account
    scopes: _containers.RepeatedScalarFieldContainer[str]
    resources: _containers.RepeatedCompositeFieldContainer[ConnectionResource]
    state: Connection.State
    state_reason: _app_pb2.StateReason
    verify_time: _timestamp_pb2.Timestamp
    last_refresh_time: _timestamp_pb2.Timestamp
    idle_expire_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    last_served_time: _timestamp_pb2.Timestamp
    callers: _containers.RepeatedCompositeFieldContainer[ConnectionCaller]
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., app: _Optional[str] = ..., external_id: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., account: _Optional[_Union[Account, _Mapping]] = ..., scopes: _Optional[_Iterable[str]] = ..., resources: _Optional[_Iterable[_Union[ConnectionResource, _Mapping]]] = ..., state: _Optional[_Union[Connection.State, str]] = ..., state_reason: _Optional[_Union[_app_pb2.StateReason, _Mapping]] = ..., verify_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., last_refresh_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., idle_expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., last_served_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., callers: _Optional[_Iterable[_Union[ConnectionCaller, _Mapping]]] = ...) -> None: ...

class ConnectionCaller(_message.Message):
    __slots__ = ("caller", "last_served_time")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    LAST_SERVED_TIME_FIELD_NUMBER: _ClassVar[int]
    caller: str
    last_served_time: _timestamp_pb2.Timestamp
    def __init__(self, caller: _Optional[str] = ..., last_served_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ConnectionResource(_message.Message):
    __slots__ = ("resource", "permissions", "state", "state_reason", "retry_time")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[ConnectionResource.State]
        STATE_ACTIVE: _ClassVar[ConnectionResource.State]
        STATE_CONSENT_REQUIRED: _ClassVar[ConnectionResource.State]
        STATE_REAUTHORIZATION_REQUIRED: _ClassVar[ConnectionResource.State]
        STATE_BLOCKED: _ClassVar[ConnectionResource.State]
    STATE_UNSPECIFIED: ConnectionResource.State
    STATE_ACTIVE: ConnectionResource.State
    STATE_CONSENT_REQUIRED: ConnectionResource.State
    STATE_REAUTHORIZATION_REQUIRED: ConnectionResource.State
    STATE_BLOCKED: ConnectionResource.State
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_TIME_FIELD_NUMBER: _ClassVar[int]
    resource: str
    permissions: _containers.RepeatedScalarFieldContainer[str]
    state: ConnectionResource.State
    state_reason: _app_pb2.StateReason
    retry_time: _timestamp_pb2.Timestamp
    def __init__(self, resource: _Optional[str] = ..., permissions: _Optional[_Iterable[str]] = ..., state: _Optional[_Union[ConnectionResource.State, str]] = ..., state_reason: _Optional[_Union[_app_pb2.StateReason, _Mapping]] = ..., retry_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Account(_message.Message):
    __slots__ = ("directory_id", "object_id", "username", "display_name", "email")
    DIRECTORY_ID_FIELD_NUMBER: _ClassVar[int]
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    directory_id: str
    object_id: str
    username: str
    display_name: str
    email: str
    def __init__(self, directory_id: _Optional[str] = ..., object_id: _Optional[str] = ..., username: _Optional[str] = ..., display_name: _Optional[str] = ..., email: _Optional[str] = ...) -> None: ...
