"""A result as `lcz map` leaves it, without mapping anything."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from odc.geo.geobox import GeoBox

from lczlib.export import write_lcz_map
from lczlib.grid import on_grid
from lczlib.kinds import lcz_file


def write_result(folder: Path, kind: str = "s2", **parameters: object) -> str:
    """Write a result of the middle of Berlin; the folder."""
    codes = np.tile(np.arange(1, 18, dtype=np.uint8), (17, 1))
    grid = GeoBox.from_bbox((384000, 5818300, 385700, 5820000), crs="EPSG:32633", resolution=100)
    write_lcz_map(folder / lcz_file(kind), on_grid(codes, grid))
    manifest = {
        "command": "map", "kinds": [kind], "inputs": [{"path": "x.tif", "sha256": "0" * 64}],
        "weights": [{"name": "n", "title": "", "licence": "", "citation": "", "sha256": ""}],
        "parameters": {"inputs": [], "seasons": {}, "city": "", "fusion": "mean"} | parameters,
        "created": "2024-10-24T10:00", "engines": {"n": "cpu"}, "seconds": 1, "cells": 289,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return str(folder)
