"""OTLP's messages, declared so that each part can be read, and refused, alone.

OpenTelemetry's own classes read a request as a whole: one text that is no UTF-8 somewhere in it, and all its spans are
lost; and each attribute becomes four objects. The messages here have the same numbers and the same bytes, but leave
what is inside of them as bytes. So a record that cannot be read costs no neighbour, and an attribute that was seen
before is not read again (docs/decisions/0037).
"""

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_TYPES: Final = {
    name: getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name.upper()}")
    for name in ("bool", "bytes", "double", "fixed32", "fixed64", "int32", "int64", "message", "string", "uint32")
}
_REPEATED: Final = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
_OPTIONAL: Final = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL

# Message: field: (number, type), "*" where it is repeated, "|" where only one of the fields can be set. A message that
# occurs twice in its holder is one in two pieces, which protobuf joins; here its pieces are a list.
_SHAPES: Final[dict[str, dict[str, tuple[int, str]]]] = {
    "Request": {"resources": (1, "bytes*")},
    "ResourcePart": {"resource": (1, "bytes*"), "scopes": (2, "bytes*"), "schema_url": (3, "bytes")},
    "ScopePart": {"scope": (1, "bytes*"), "records": (2, "bytes*"), "schema_url": (3, "bytes")},
    "Pair": {"key": (1, "string"), "value": (2, "message:Value")},
    "Value": {
        "text": (1, "string|"),
        "flag": (2, "bool|"),
        "integer": (3, "int64|"),
        "number": (4, "double|"),
        "list": (5, "bytes|"),
        "map": (6, "bytes|"),
        "raw": (7, "bytes|"),
    },
    "Items": {"items": (1, "bytes*")},  # of a list: values; of a map: pairs
    "Resource": {"attributes": (1, "bytes*"), "dropped": (2, "uint32"), "entities": (3, "bytes*")},
    "Scope": {"name": (1, "string"), "version": (2, "string"), "attributes": (3, "bytes*"), "dropped": (4, "uint32")},
    "Status": {"message": (2, "string"), "code": (3, "int32")},
    "Span": {
        "trace_id": (1, "bytes"),
        "span_id": (2, "bytes"),
        "trace_state": (3, "string"),
        "parent_span_id": (4, "bytes"),
        "name": (5, "string"),
        "kind": (6, "int32"),
        "start": (7, "fixed64"),
        "end": (8, "fixed64"),
        "attributes": (9, "bytes*"),
        "dropped": (10, "uint32"),
        "events": (11, "bytes*"),
        "dropped_events": (12, "uint32"),
        "links": (13, "bytes*"),
        "dropped_links": (14, "uint32"),
        "status": (15, "message:Status"),
        "flags": (16, "fixed32"),
    },
    "Event": {"time": (1, "fixed64"), "name": (2, "string"), "attributes": (3, "bytes*"), "dropped": (4, "uint32")},
    "Link": {
        "trace_id": (1, "bytes"),
        "span_id": (2, "bytes"),
        "trace_state": (3, "string"),
        "attributes": (4, "bytes*"),
        "dropped": (5, "uint32"),
        "flags": (6, "fixed32"),
    },
    "Log": {
        "time": (1, "fixed64"),
        "severity": (2, "int32"),
        "severity_text": (3, "string"),
        "body": (5, "bytes*"),
        "attributes": (6, "bytes*"),
        "dropped": (7, "uint32"),
        "flags": (8, "fixed32"),
        "trace_id": (9, "bytes"),
        "span_id": (10, "bytes"),
        "observed": (11, "fixed64"),
        "event_name": (12, "string"),
    },
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="tracelm/shapes.proto", package="tracelm.shapes", syntax="proto3")
    for name, fields in _SHAPES.items():
        message = file.message_type.add(name=name)
        for field, (number, written) in fields.items():
            kind, _, inner = written.rstrip("*|").partition(":")
            added = message.field.add(
                name=field,
                number=number,
                type=_TYPES[kind],
                type_name=f".tracelm.shapes.{inner}" if inner else None,
                label=_REPEATED if written.endswith("*") else _OPTIONAL,
            )
            if written.endswith("|"):
                if not message.oneof_decl:
                    message.oneof_decl.add(name="one")
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tracelm.shapes.{name}")) for name in _SHAPES
    }


_CLASSES: Final = _classes()
# What these hold stands in the table above; the classes are made from it, and no type checker sees into them.
REQUEST: Final[Any] = _CLASSES["Request"]
RESOURCE_PART: Final[Any] = _CLASSES["ResourcePart"]
SCOPE_PART: Final[Any] = _CLASSES["ScopePart"]
PAIR: Final[Any] = _CLASSES["Pair"]
VALUE: Final[Any] = _CLASSES["Value"]
ITEMS: Final[Any] = _CLASSES["Items"]
RESOURCE: Final[Any] = _CLASSES["Resource"]
SCOPE: Final[Any] = _CLASSES["Scope"]
SPAN: Final[Any] = _CLASSES["Span"]
EVENT: Final[Any] = _CLASSES["Event"]
LINK: Final[Any] = _CLASSES["Link"]
LOG: Final[Any] = _CLASSES["Log"]
