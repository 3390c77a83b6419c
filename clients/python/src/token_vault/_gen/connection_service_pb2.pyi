from google.protobuf import timestamp_pb2 as _timestamp_pb2
from token_vault._gen import connection_pb2 as _connection_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StartAuthorizationRequest(_message.Message):
    __slots__ = ("connection", "app", "scopes", "login_hint", "return_url", "redirect_uri", "auto_confirm", "allow_account_change", "external_id", "labels", "directory_id", "prompt", "claims")
    class Prompt(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PROMPT_UNSPECIFIED: _ClassVar[StartAuthorizationRequest.Prompt]
        PROMPT_SELECT_ACCOUNT: _ClassVar[StartAuthorizationRequest.Prompt]
        PROMPT_CONSENT: _ClassVar[StartAuthorizationRequest.Prompt]
        PROMPT_LOGIN: _ClassVar[StartAuthorizationRequest.Prompt]
    PROMPT_UNSPECIFIED: StartAuthorizationRequest.Prompt
    PROMPT_SELECT_ACCOUNT: StartAuthorizationRequest.Prompt
    PROMPT_CONSENT: StartAuthorizationRequest.Prompt
    PROMPT_LOGIN: StartAuthorizationRequest.Prompt
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    APP_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    LOGIN_HINT_FIELD_NUMBER: _ClassVar[int]
    RETURN_URL_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    AUTO_CONFIRM_FIELD_NUMBER: _ClassVar[int]
    ALLOW_ACCOUNT_CHANGE_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    DIRECTORY_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_FIELD_NUMBER: _ClassVar[int]
    connection: str
    app: str
    scopes: _containers.RepeatedScalarFieldContainer[str]
    login_hint: str
    return_url: str
    redirect_uri: str
    auto_confirm: bool
    allow_account_change: bool
    external_id: str
    labels: _containers.ScalarMap[str, str]
    directory_id: str
    prompt: StartAuthorizationRequest.Prompt
    claims: str
    def __init__(self, connection: _Optional[str] = ..., app: _Optional[str] = ..., scopes: _Optional[_Iterable[str]] = ..., login_hint: _Optional[str] = ..., return_url: _Optional[str] = ..., redirect_uri: _Optional[str] = ..., auto_confirm: bool = ..., allow_account_change: bool = ..., external_id: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., directory_id: _Optional[str] = ..., prompt: _Optional[_Union[StartAuthorizationRequest.Prompt, str]] = ..., claims: _Optional[str] = ...) -> None: ...

class StartAuthorizationResponse(_message.Message):
    __slots__ = ("connect_uri", "authorization_uri", "expire_time", "authorization_expire_time", "admin_consent_likely", "admin_consent_permissions", "admin_consent_uri", "warnings", "authorization_id")
    CONNECT_URI_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZATION_URI_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZATION_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ADMIN_CONSENT_LIKELY_FIELD_NUMBER: _ClassVar[int]
    ADMIN_CONSENT_PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    ADMIN_CONSENT_URI_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    connect_uri: str
    authorization_uri: str
    expire_time: _timestamp_pb2.Timestamp
    authorization_expire_time: _timestamp_pb2.Timestamp
    admin_consent_likely: bool
    admin_consent_permissions: _containers.RepeatedScalarFieldContainer[str]
    admin_consent_uri: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    authorization_id: str
    def __init__(self, connect_uri: _Optional[str] = ..., authorization_uri: _Optional[str] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., authorization_expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., admin_consent_likely: bool = ..., admin_consent_permissions: _Optional[_Iterable[str]] = ..., admin_consent_uri: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ..., authorization_id: _Optional[str] = ...) -> None: ...

class ConfirmAuthorizationRequest(_message.Message):
    __slots__ = ("connection", "confirmation")
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    CONFIRMATION_FIELD_NUMBER: _ClassVar[int]
    connection: str
    confirmation: str
    def __init__(self, connection: _Optional[str] = ..., confirmation: _Optional[str] = ...) -> None: ...

class ConfirmAuthorizationResponse(_message.Message):
    __slots__ = ("connection",)
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    connection: _connection_pb2.Connection
    def __init__(self, connection: _Optional[_Union[_connection_pb2.Connection, _Mapping]] = ...) -> None: ...

class GetConnectionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetConnectionResponse(_message.Message):
    __slots__ = ("connection",)
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    connection: _connection_pb2.Connection
    def __init__(self, connection: _Optional[_Union[_connection_pb2.Connection, _Mapping]] = ...) -> None: ...
