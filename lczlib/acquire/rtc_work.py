"""What a run that fetches passes of Sentinel-1 keeps while it goes on, for one that is taken up again.

The plan holds the scenes that were found; a pass that is finished is a raster with its counts beside it.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from affine import Affine
from odc.geo.geobox import GeoBox

from lczlib.acquire.rtc import RtcPass
from lczlib.acquire.work import check_same
from lczlib.export.files import write_json, writing

NAME = ".get-rtc"
_PLAN = "plan.json"


@dataclass(frozen=True)
class RtcPlan:
    """What is fetched.

    Attributes
    ----------
    asked : mapping
        What it depends on, as plain values.
    collection, licence : str
        As the service names and states them.
    grid : GeoBox
        Of all passes.
    corner : tuple of float
        Upper-left corner of a scene, where its blocks begin.
    passes : tuple of RtcPass
        By time.
    left_out : mapping
        Why something was not taken, and how much of it.
    empty : mapping
        Of each period without a pass, the reason.
    """

    asked: Mapping[str, Any]
    collection: str
    licence: str
    grid: GeoBox
    corner: tuple[float, float]
    passes: tuple[RtcPass, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    empty: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "asked": dict(self.asked), "collection": self.collection, "licence": self.licence,
            "grid": {
                "epsg": self.grid.crs.to_epsg(), "affine": list(self.grid.affine)[:6],
                "shape": list(self.grid.shape),
            },
            "corner": list(self.corner), "passes": [p.to_dict() for p in self.passes],
            "left_out": dict(self.left_out), "empty": dict(self.empty),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RtcPlan:
        """What `to_dict` gave."""
        grid = values["grid"]
        box = GeoBox(tuple(grid["shape"]), Affine(*grid["affine"]), f"EPSG:{grid['epsg']}")
        x, y = values["corner"]
        return cls(
            values["asked"], values["collection"], values["licence"], box, (x, y),
            tuple(RtcPass.from_dict(p) for p in values["passes"]), values["left_out"], values["empty"],
        )  # fmt: skip


class RtcWork:
    """The hidden folder of a run.

    Parameters
    ----------
    folder : path
        Of the result.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / NAME

    def plan(self, asked: Mapping[str, Any]) -> RtcPlan | None:
        """The plan of the run that is taken up; None where there is none.

        Raises
        ------
        InputError
            If that run was asked for something else.
        """
        try:
            plan = RtcPlan.from_dict(json.loads((self.path / _PLAN).read_text()))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        check_same(plan.asked, asked, self.path.parent)
        return plan

    def begin(self, plan: RtcPlan) -> None:
        """Begin anew."""
        self.remove()
        with writing(self.path):
            self.path.mkdir(parents=True)
        write_json(self.path / _PLAN, plan.to_dict())

    def remove(self) -> None:
        """Remove all of it."""
        with writing(self.path):
            shutil.rmtree(self.path, ignore_errors=True)

    def raster(self, name: str) -> Path:
        """Where the raster of a pass is kept."""
        return self.path / f"{name}.tif"

    def found(self, name: str) -> tuple[Counter[str], float] | None:
        """The counts of a finished pass and the size of its scenes' pixels in metres; None of one that is not."""
        try:
            values = json.loads((self.path / f"{name}.json").read_text())
            return Counter(values["counts"]), float(values["pixel_metres"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def finished(self, name: str, counts: Mapping[str, int], metres: float) -> None:
        """Note that a pass is finished, after its raster."""
        write_json(self.path / f"{name}.json", {"counts": dict(counts), "pixel_metres": metres})
