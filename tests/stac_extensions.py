"""What the STAC extensions of our items ask of their fields, as JSON schemas.

Written from the tables of fields of the extensions' texts (classification 2.0, projection 2.0, file 2.1,
https://stac-extensions.github.io), not copies of their own schemas, which are on the network alone.
"""

from __future__ import annotations

from typing import Any

_BASE = "https://stac-extensions.github.io"


def _extension(
    url: str, prefix: str, properties: dict[str, Any], asset: dict[str, Any]
) -> dict[str, Any]:
    """An item that names the extension, with no other field of its prefix, and at least one of these."""
    of_others = {f"^(?!{prefix}:)": {}}

    def closed(fields: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object", "properties": fields, "patternProperties": of_others,
            "additionalProperties": False,
        }  # fmt: skip

    of_item = {"properties": closed(properties | asset)}
    of_assets = {"assets": {"type": "object", "additionalProperties": closed(properties | asset)}}
    needed = {"anyOf": [{"required": [n]} for n in (properties or asset)]}
    where = {"properties": needed} if properties else {"assets": {"additionalProperties": needed}}
    return {
        "allOf": [
            {
                "type": "object",
                "required": ["type", "stac_extensions", "properties", "assets"],
                "properties": {
                    "type": {"const": "Feature"}, **of_item, **of_assets,
                    "stac_extensions": {"type": "array", "contains": {"const": url}},
                },
            },
            {"properties": where},
        ]
    }  # fmt: skip


_CLASS = {
    "type": "object",
    "required": ["value", "name"],
    "properties": {
        "value": {"type": "integer"},
        "name": {"type": "string", "pattern": "^[0-9A-Za-z_-]+$"},
        "title": {"type": "string"},
        "description": {"type": "string"},
        "color_hint": {"type": "string", "pattern": "^[0-9A-F]{6}$"},
        "nodata": {"type": "boolean"},
    },
    "additionalProperties": False,
}
_NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 6, "maxItems": 9}
_URLS = {n: f"{_BASE}/{n}/{v}/schema.json" for n, v in (
    ("classification", "v2.0.0"), ("projection", "v2.0.0"), ("file", "v2.1.0"),
)}  # fmt: skip
EXTENSIONS: dict[str, dict[str, Any]] = {
    _URLS["classification"]: _extension(
        _URLS["classification"], "classification", {},
        {"classification:classes": {"type": "array", "minItems": 1, "uniqueItems": True, "items": _CLASS}},
    ),
    _URLS["projection"]: _extension(
        _URLS["projection"], "proj",
        {
            "proj:code": {"type": ["string", "null"], "pattern": "^[A-Z]+:[0-9]+$"},
            "proj:wkt2": {"type": ["string", "null"]},
            "proj:shape": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
            "proj:transform": _NUMBERS,
        }, {},
    ),
    _URLS["file"]: _extension(
        _URLS["file"], "file", {},
        {
            # a multihash: the code of the hash, its length, its bytes; here SHA-256
            "file:checksum": {"type": "string", "pattern": "^1220[a-f0-9]{64}$"},
            "file:size": {"type": "integer", "minimum": 1},
        },
    ),
}  # fmt: skip
"""By the address that an item names."""
