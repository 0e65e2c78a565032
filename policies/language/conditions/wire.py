"""The protocol buffer wire format, as much of it as the engine's checked expressions use."""

import struct
from collections.abc import Iterator

Field = int | bytes
Fields = dict[int, list[Field]]

_VARINT, _FIXED64, _BYTES = 0, 1, 2


class WireError(ValueError):
    """Bytes that are not what the engine writes; the caller refuses the condition."""


def read_fields(data: Field) -> Fields:
    """The fields of one message by number, repeated ones in order."""
    fields: Fields = {}
    for number, value in _fields(_as_bytes(data)):
        fields.setdefault(number, []).append(value)
    return fields


def as_text(value: Field) -> str:
    """A string field."""
    return _as_bytes(value).decode("utf-8")


def as_signed(value: Field) -> int:
    """An int64 field: two's complement in 64 bits."""
    number = _as_int(value)
    return number - (1 << 64) if number >= 1 << 63 else number


def as_double(value: Field) -> float:
    """A double field, as eight bytes."""
    (number,) = struct.unpack("<d", _as_bytes(value))
    return float(number)


def _as_bytes(value: Field) -> bytes:
    if isinstance(value, bytes):
        return value
    raise WireError("a number where bytes were expected")


def _as_int(value: Field) -> int:
    if isinstance(value, int):
        return value
    raise WireError("bytes where a number was expected")


def _fields(data: bytes) -> Iterator[tuple[int, Field]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            number, at = _varint(data, at)
            yield key >> 3, number
            continue
        if kind == _BYTES:
            length, at = _varint(data, at)
        elif kind == _FIXED64:
            length = 8
        else:
            raise WireError(f"wire type {kind}")
        if at + length > len(data):
            raise WireError("cut short")
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise WireError("a number is cut short")
