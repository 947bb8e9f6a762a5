"""Polygons of an LCZ map as a GeoPackage that opens in its colours."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pyogrio

from lczlib.export.files import staged
from lczlib.export.targets.styles import polygon_qml, polygon_sld

LAYER = "lcz"

_STYLES = """CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
  update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"""
"""The table in which QGIS keeps the styles of a GeoPackage's layers."""


def write_geopackage(
    path: str | Path, patches: gpd.GeoDataFrame, *, language: str = "en", facts: Mapping[str, str]
) -> Path:
    """Write patches as layer ``lcz``, with the style that QGIS opens it in.

    Parameters
    ----------
    path : path
        Target; appears only when complete.
    patches : GeoDataFrame
        As of `lczlib.export.targets.patches.lcz_patches`.
    language : str
        Of the style's labels.
    facts : mapping
        What the layer is of, as its metadata.
    """
    content = io.BytesIO()  # GDAL's errors do not say that a disk is full
    pyogrio.write_dataframe(
        patches, content, driver="GPKG", layer=LAYER, geometry_type=_geometry_type(patches),
        layer_metadata=dict(facts), dataset_metadata=dict(facts),
    )  # fmt: skip
    with staged(path) as temporary:
        temporary.write_bytes(content.getbuffer())
        with closing(sqlite3.connect(temporary)) as database, database:
            database.execute(_STYLES)
            database.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
                "styleName, styleQML, styleSLD, useAsDefault, description, owner) "
                "VALUES ('', '', ?, 'geom', 'lcz', ?, ?, 1, 'Local Climate Zones', '')",
                (LAYER, polygon_qml(language), polygon_sld(language)),
            )
            database.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier) "
                "VALUES ('layer_styles', 'attributes', 'layer_styles')"
            )
    return Path(path)


def _geometry_type(patches: gpd.GeoDataFrame) -> str:
    """One type for the layer: where an outline had to be mended, it may have become several parts."""
    kinds = set(patches.geom_type)
    return "Polygon" if kinds <= {"Polygon"} else "MultiPolygon"
