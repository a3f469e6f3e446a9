"""Messages of protobuf that are a few fields, described here rather than in generated code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

# A field: its number and its type, or the name of its message; `repeated` by a star before it.
Fields = Mapping[str, tuple[int, str]]
_TYPES = {
    "string": Field.TYPE_STRING,
    "bytes": Field.TYPE_BYTES,
    "double": Field.TYPE_DOUBLE,
    "int32": Field.TYPE_INT32,
    "int64": Field.TYPE_INT64,
}


def messages(package: str, described: Mapping[str, Fields]) -> dict[str, Any]:
    """Classes of messages by their names. Fields that are not described are passed over."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="proto3"
    )
    for name, fields in described.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            added = message.field.add(name=field, number=number)
            added.label = Field.LABEL_REPEATED if kind[0] == "*" else Field.LABEL_OPTIONAL
            kind = kind.lstrip("*")
            if kind in _TYPES:
                added.type = _TYPES[kind]
            else:
                added.type, added.type_name = Field.TYPE_MESSAGE, f".{package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in described
    }
