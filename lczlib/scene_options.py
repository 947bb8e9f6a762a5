"""How scenes are read: the same options for mapping, training, experiments and the dashboard."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from lczlib.errors import InputError
from lczlib.settings import Described, described, setting, settle


def check_day(text: str) -> None:
    """Refuse what is no day, an empty text aside.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        dt.date.fromisoformat(text or "2000-01-01")
    except ValueError as err:
        msg = f"{text!r} is no date: write YYYY-MM-DD, as in 2024-10-24."
        raise InputError(msg) from err


@dataclass(frozen=True, kw_only=True)
class SceneOptions:
    """How scenes are read; each source of scenes (`lczlib.scenes.sources`) takes some of these.

    What the fields mean is said with them: `lczlib.settings.described`.

    Raises
    ------
    InputError
        If a value is none that its setting allows.
    """

    city: str = setting("", "City of the So2Sat folder.")
    only_seasons: tuple[str, ...] = setting(
        (), "Seasons of the So2Sat folder to read: summer,winter; by default all."
    )
    sentinel1_time: str = setting("", "Month YYYYMM of the Sentinel-1 mosaic.", flag="--s1-time")
    bands: tuple[str, ...] = setting(
        (), "Band names in file order: B02,B03,...; - for one that is not used."
    )
    scale: float | None = setting(
        None, "Reflectance (or value) per stored unit, 0.0001 for DN.", low=0, open_ends=True,
        usual="as the file says",
    )  # fmt: skip
    offset: float | None = setting(
        None, "Added to stored values before scaling: -1000 for baseline 04.00 and later.",
        usual="as the file says",
    )  # fmt: skip
    nodata: float | None = setting(
        None, "Stored value of missing pixels.", finite=False, usual="as the file says"
    )
    level: Literal["", "L1C", "L2A"] = setting(
        "", "L2A: surface reflectance; for networks of L1C an approximate atmosphere is put back."
    )
    date: str = setting(
        "",
        "Day of the image, YYYY-MM-DD, for level L2A and for Landsat of Level-1.",
        check=check_day,
    )
    keep_clouds: bool = setting(
        False,
        "Keep what the SCL of a surface product, or a band SCL, calls cloud, shadow or snow.",
    )
    box: tuple[float, ...] = setting((), "This part only; degrees.", metavar="W,S,E,N")
    resample: Literal["", "utm"] = setting("", "utm: warp a raster to 10 m UTM first.")

    def __post_init__(self) -> None:
        settle(self)

    def given_options(self) -> dict[str, Described]:
        """The options of scenes that differ from their defaults."""
        own = described(SceneOptions)
        return {n: o for n, o in own.items() if getattr(self, n) != o.default}

    def stored(self) -> dict[str, Any]:
        """What the values of a file mean, as its openers take it: None for what is not given."""
        given = self.given_options()
        names = ("bands", "scale", "offset", "nodata")
        return {n: getattr(self, n) if n in given else None for n in names}
