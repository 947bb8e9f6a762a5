"""What a page may send through its socket."""

from __future__ import annotations

import base64
import zlib
from typing import Any

from bokeh.core.serialization import DeserializationError, Deserializer

_LARGEST = 100_000_000
"""Bytes that one message may unpack to: a piece of an upload has 10 MB."""
_GZIP = 31  # window bits of zlib, for a gzip header


def unpack_within_limits() -> None:
    """Have Bokeh unpack what a message packs no further than to a limit.

    Bokeh 3.9 packs bytes by gzip, and unpacks whatever comes: forty megabytes of zeros are forty
    gigabytes then.
    """

    def decode_bytes(decoder: Deserializer, obj: Any) -> bytes:
        data = obj["data"]
        if not isinstance(data, str):
            return _decode_bytes(decoder, obj)
        left = _LARGEST - getattr(decoder, "_unpacked", 0)
        unpacker = zlib.decompressobj(_GZIP)
        try:
            found = unpacker.decompress(base64.b64decode(data), max(1, left))
        except (ValueError, zlib.error) as error:
            msg = "bytes of a message cannot be unpacked"
            raise DeserializationError(msg) from error
        if unpacker.unconsumed_tail or len(found) > left:
            msg = f"a message unpacks to more than {_LARGEST / 1e6:.0f} MB"
            raise DeserializationError(msg)
        decoder._unpacked = _LARGEST - left + len(found)
        return found

    Deserializer._decode_bytes = decode_bytes


_decode_bytes = Deserializer._decode_bytes
