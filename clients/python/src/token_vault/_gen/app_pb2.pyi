from google.protobuf import timestamp_pb2 as _timestamp_pb2
from token_vault._gen import error_reason_pb2 as _error_reason_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StateReason(_message.Message):
    __slots__ = ("reason", "entra_error", "correlation_id", "time")
    REASON_FIELD_NUMBER: _ClassVar[int]
    ENTRA_ERROR_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    reason: _error_reason_pb2.ErrorReason
    entra_error: str
    correlation_id: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, reason: _Optional[_Union[_error_reason_pb2.ErrorReason, str]] = ..., entra_error: _Optional[str] = ..., correlation_id: _Optional[str] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
