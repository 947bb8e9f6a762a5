"""How scenes are read: the same options for mapping, training, experiments and the dashboard."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from lczlib.options import Option, option, options_of


@dataclass(frozen=True, kw_only=True)
class SceneOptions:
    """How scenes are read; each source of scenes (`lczlib.scenes.sources`) takes some of these.

    What the fields mean is said with them: `lczlib.options.options_of`.
    """

    city: str = option("", "City of the So2Sat folder.")
    only_seasons: tuple[str, ...] = option(
        (), "Seasons of the So2Sat folder to read: summer,winter; by default all.", kind="names"
    )
    sentinel1_time: str = option("", "Month YYYYMM of the Sentinel-1 mosaic.", flag="s1-time")
    bands: tuple[str, ...] = option(
        (), "Band names in file order: B02,B03,...; - for one that is not used.", kind="names"
    )
    scale: float | None = option(
        None, "Reflectance (or value) per stored unit, 0.0001 for DN.", kind="positive"
    )
    offset: float | None = option(
        None,
        "Added to stored values before scaling: -1000 for baseline 04.00 and later.",
        kind="finite",
    )
    nodata: float | None = option(None, "Stored value of missing pixels.", kind="number")
    level: Literal["", "L1C", "L2A"] = option(
        "", "L2A: surface reflectance; for networks of L1C an approximate atmosphere is put back."
    )
    date: str = option("", "Day of the image, YYYY-MM-DD, for level L2A.", kind="date")
    keep_clouds: bool = option(
        False, "Keep what a surface product's SCL calls cloud, shadow or snow."
    )
    box: tuple[float, ...] = option((), "This part only; degrees.", kind="box")
    resample: Literal["", "utm"] = option("", "utm: warp a raster to 10 m UTM first.")

    def given(self) -> dict[str, Option]:
        """The options that differ from their defaults."""
        own = options_of(SceneOptions)
        return {n: o for n, o in own.items() if getattr(self, n) != o.default}

    def stored(self, names: Collection[str] = ("bands", "scale", "offset", "nodata")) -> dict:
        """Some of them by name, as the openers of files take them: None for what is not given."""
        return {n: getattr(self, n) if n in self.given() else None for n in names}
