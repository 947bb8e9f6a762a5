"""What can be chosen of products and patches: names alone, so that commands start without opening files."""

from __future__ import annotations

from typing import Literal

Kind = Literal["GRDH", "SLC"]
"""Of a product."""
NamesOf = Literal["sentinel2", "bigearthnet"]
"""Schemes of the names of patches; see `lczlib.sentinel1.patches.Naming`."""
EdgeOf = Literal["drop", "part"]
"""What becomes of the narrower patches at the edge of a tile."""
