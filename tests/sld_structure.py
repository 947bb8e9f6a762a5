"""What OGC's Styled Layer Descriptor 1.0.0 (02-070) allows inside the elements that LCZ styles use.

A check of structure, written from the standard's tables and not OGC's own XML schema: order and number of
children, attributes, and the form of colours and numbers. One attribute goes beyond the standard, which has no
discrete colour map: ``type="values"`` of ``ColorMap``, as GeoServer, MapServer and QGIS read and write it; without
it codes between two classes would be drawn in mixed colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

SLD, OGC = "{http://www.opengis.net/sld}", "{http://www.opengis.net/ogc}"
COLOR, NUMBER, CODE = r"#[0-9a-f]{6}", r"0|1|0?\.\d+", r"\d+"
BEYOND = {"ColorMap": {"type": "values"}}
"""Attributes that are none of the standard's."""

# the children of each element in their order, as a regular expression over their names
CHILDREN = {
    "StyledLayerDescriptor": "(Name )?(Title )?(Abstract )?((NamedLayer|UserLayer) )*",
    "NamedLayer": "Name (LayerFeatureConstraints )?((NamedStyle|UserStyle) )*",
    "UserStyle": "(Name )?(Title )?(Abstract )?(IsDefault )?(FeatureTypeStyle )+",
    "FeatureTypeStyle": (
        "(Name )?(Title )?(Abstract )?(FeatureTypeName )?(SemanticTypeIdentifier )*(Rule )+"
    ),
    "Rule": (
        "(Name )?(Title )?(Abstract )?(LegendGraphic )?((ogc:Filter|ElseFilter) )?(MinScaleDenominator )?"
        "(MaxScaleDenominator )?((LineSymbolizer|PolygonSymbolizer|PointSymbolizer|TextSymbolizer|RasterSymbolizer) )+"
    ),
    "RasterSymbolizer": (
        "(Geometry )?(Opacity )?(ChannelSelection )?(OverlapBehavior )?(ColorMap )?(ContrastEnhancement )?"
        "(ShadedRelief )?(ImageOutline )?"
    ),
    "ColorMap": "(ColorMapEntry )*",
    "PolygonSymbolizer": "(Geometry )?(Fill )?(Stroke )?",
    "Fill": "(GraphicFill )?(CssParameter )*",
    "ogc:Filter": "ogc:PropertyIsEqualTo ",  # of its many, the one that is used
    "ogc:PropertyIsEqualTo": "ogc:PropertyName ogc:Literal ",
}
TEXTS = {
    "Name": ".+", "Title": ".+", "Opacity": NUMBER, "CssParameter": COLOR, "ogc:PropertyName": "lcz",
    "ogc:Literal": CODE,
}  # fmt: skip
ATTRIBUTES = {
    "StyledLayerDescriptor": {"version": r"1\.0\.0"},
    "ColorMapEntry": {"color": COLOR, "quantity": CODE, "label": ".+", "opacity": NUMBER},
    "CssParameter": {"name": "fill|fill-opacity"},
}


def _name(element: ElementTree.Element) -> str:
    tag = element.tag
    return tag.removeprefix(SLD) if tag.startswith(SLD) else tag.replace(OGC, "ogc:")


def faults(text: str) -> Iterator[str]:
    """What a style breaks of the standard; the root first."""
    root = ElementTree.fromstring(text.encode())
    if _name(root) != "StyledLayerDescriptor":
        yield f"root {root.tag}"
    for element in root.iter():
        name = _name(element)
        inside = "".join(f"{_name(child)} " for child in element)
        if not re.fullmatch(CHILDREN.get(name, ""), inside):
            yield f"{name} holds {inside or 'nothing'}"
        known = name in CHILDREN or name in TEXTS or name in ATTRIBUTES
        if not known:
            yield f"{name} is none of the standard's"
        own = (element.text or "").strip()
        if not re.fullmatch(TEXTS.get(name, ""), own):
            yield f"{name} reads {own!r}"
        allowed = ATTRIBUTES.get(name, {}) | BEYOND.get(name, {})
        given = {k: v for k, v in element.attrib.items() if not k.startswith("{")}
        for key, value in given.items():
            if not re.fullmatch(allowed.get(key, "(?!)"), value):
                yield f"{name} {key}={value!r}"
        if name in ("StyledLayerDescriptor", "CssParameter") and not given:
            yield f"{name} lacks its attribute"
        if name == "ColorMapEntry" and "color" not in given:
            yield "ColorMapEntry without a color"
