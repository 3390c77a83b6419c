from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class TokenSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKEN_SOURCE_UNSPECIFIED: _ClassVar[TokenSource]
    TOKEN_SOURCE_CACHE: _ClassVar[TokenSource]
    TOKEN_SOURCE_DATABASE: _ClassVar[TokenSource]
    TOKEN_SOURCE_ENTRA: _ClassVar[TokenSource]
TOKEN_SOURCE_UNSPECIFIED: TokenSource
TOKEN_SOURCE_CACHE: TokenSource
TOKEN_SOURCE_DATABASE: TokenSource
TOKEN_SOURCE_ENTRA: TokenSource
