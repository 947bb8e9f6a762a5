"""What surfaces are made of: reflectance in the Sentinel-2 bands and radar backscatter.

Reflectances are round figures of the kind that field and laboratory spectra show at the band
centres: urban materials after the London Urban Micromet spectral library (Kotthaus et al. 2014,
doi 10.1016/j.isprsjprs.2014.05.005) and Heiden et al. (2007, doi 10.1016/j.rse.2007.04.020);
soils, rock, vegetation and water after the ECOSTRESS library (Meerdink et al. 2019,
doi 10.1016/j.rse.2019.05.015). Backscatter at C band and about 38 degrees follows the ranges in
Ulaby & Dobson (1989, Handbook of Radar Scattering Statistics for Terrain); decibels. Water is that
of a sheltered river in a light wind: VV is CMOD5.N (Hersbach 2010, doi 10.1175/2009JTECHO698.1) at
3.5 m/s, averaged over wind directions, and lies with what real lakes and canals have once the
instrument's noise is taken off (medians of -19.6 to -20.9 dB in two Sentinel-1 scenes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
WAVELENGTH = np.array([0.492, 0.560, 0.665, 0.704, 0.741, 0.783, 0.833, 0.865, 1.614, 2.202])
"""Centres in micrometres (Sentinel-2A, ESA Sentinel-2 spectral response functions v3.0)."""

SEASONS = ("spring", "summer", "autumn", "winter")

# percent reflectance at BANDS; decibels VV and VH
_TABLE = """
roof_tile       7.0 10.0 19.0 22.0 24.5 26.5 27.5 28.5 34.0 33.0   -9.5 -19.0
roof_bitumen    6.0  6.5  7.0  7.2  7.5  7.7  8.0  8.2  9.5 10.0   -9.5 -19.0
roof_gravel    14.0 16.0 18.0 18.5 19.0 19.5 20.0 20.0 22.5 21.0   -9.0 -18.5
roof_concrete  21.0 24.0 27.0 28.0 28.5 29.0 29.5 30.0 32.0 29.5   -9.5 -19.5
roof_metal     30.0 32.0 33.5 34.0 34.0 34.0 33.5 33.5 33.0 31.0   -7.5 -18.0
roof_rust       7.0  9.0 15.0 18.5 21.5 23.5 24.5 25.5 33.5 33.0   -7.5 -18.0
asphalt         8.5  9.5 10.5 11.0 11.3 11.6 12.0 12.2 14.0 13.5  -16.5 -25.5
concrete       18.5 22.0 25.0 26.0 26.5 27.5 28.0 28.5 30.5 28.5  -15.5 -24.5
ballast         9.0 10.5 12.5 13.5 14.0 14.5 15.0 15.5 19.0 18.5   -9.0 -19.0
soil            7.5 10.0 13.0 15.0 17.0 18.5 20.5 21.5 29.0 25.0  -12.0 -21.0
sand           17.0 23.0 29.0 31.0 32.5 34.0 35.0 36.0 43.0 39.0  -15.0 -24.0
rock           13.0 15.5 18.5 19.5 20.5 21.0 22.0 22.5 27.0 25.0  -10.5 -20.0
tree_leaf       2.9  4.8  2.9  7.5 25.0 33.0 36.0 37.5 17.5  7.2   -9.0 -14.5
tree_bare       4.8  6.5  8.0 10.0 13.0 15.5 18.0 19.5 20.5 12.5  -10.0 -15.5
tree_needle     2.1  3.3  2.2  4.8 14.0 18.0 20.0 21.0 10.5  4.5   -9.5 -15.0
grass_green     3.8  7.2  4.6 10.5 28.0 36.0 39.5 41.5 22.5 11.5  -13.0 -20.0
grass_dry       6.2  9.8 11.0 15.0 20.5 24.5 27.0 28.5 31.5 21.0  -13.5 -21.0
scrub           3.8  6.0  5.4  9.5 18.0 22.0 24.5 26.0 22.5 13.0  -11.0 -16.8
crop_green      2.8  6.4  3.3 10.0 34.0 44.5 48.5 50.5 20.5  9.5  -11.0 -17.0
stubble         9.0 12.5 15.5 18.5 22.0 25.0 27.5 29.0 34.0 26.0  -12.5 -20.5
water           4.6  5.2  3.4  2.4  1.5  1.4  1.2  0.9  0.4  0.3  -21.0 -29.0
"""

_ROWS = {line.split()[0]: np.array(line.split()[1:], float) for line in _TABLE.split("\n") if line}
REFLECTANCE = {name: row[:10] / 100 for name, row in _ROWS.items()}
BACKSCATTER = {name: row[10:] for name, row in _ROWS.items()}
"""VV and VH of a level, open surface of each material, dB."""


@dataclass(frozen=True)
class Cover:
    """A kind of surface cover, and the materials it shows over the year.

    `mix` gives the shares of materials in each season; a cover that does not change has one entry.
    """

    name: str
    mix: tuple[dict[str, float], ...]

    def in_season(self, season: str) -> dict[str, float]:
        """Shares of materials in a season."""
        return self.mix[SEASONS.index(season) if len(self.mix) > 1 else 0]


def _same(name: str, material: str | None = None) -> Cover:
    return Cover(name, ({material or name: 1.0},))


def _two(name: str, first: str, second: str, share: tuple[float, ...]) -> Cover:
    return Cover(name, tuple({first: s, second: 1 - s} for s in share))


ROOFS = ("roof_tile", "roof_bitumen", "roof_gravel", "roof_concrete", "roof_metal", "roof_rust")

# Green shares in spring (May), summer (July), autumn (October), winter (February) of a temperate
# climate: broadleaf trees are out of leaf in winter, lawns parch in summer, winter cereals are
# green in spring and stubble in summer, summer crops the other way round.
COVERS = (
    *(_same(name) for name in ROOFS),
    *(_same(name) for name in ("asphalt", "concrete", "ballast", "soil", "sand", "rock")),
    _two("broadleaf", "tree_leaf", "tree_bare", (0.80, 1.0, 0.60, 0.05)),
    _same("conifer", "tree_needle"),
    _two("lawn", "grass_green", "grass_dry", (0.95, 0.80, 0.90, 0.60)),
    _same("scrub"),
    _two("meadow", "grass_green", "grass_dry", (1.0, 0.75, 0.80, 0.50)),
    Cover(
        "winter_crop",
        (
            {"crop_green": 0.95, "soil": 0.05},
            {"stubble": 0.85, "soil": 0.15},
            {"crop_green": 0.15, "soil": 0.85},
            {"crop_green": 0.35, "soil": 0.65},
        ),
    ),
    Cover(
        "summer_crop",
        (
            {"crop_green": 0.08, "soil": 0.92},
            {"crop_green": 0.92, "soil": 0.08},
            {"stubble": 0.6, "soil": 0.4},
            {"stubble": 0.2, "soil": 0.8},
        ),
    ),
    _same("water"),
)
NAMES = tuple(c.name for c in COVERS)
"""Names of the covers, in the order of the first axis of every array of cover shares."""


def reflectance_of_covers(season: str) -> np.ndarray:
    """Surface reflectance ``(cover, band)``, 0-1, of every cover in a season."""
    return np.array(
        [sum(s * REFLECTANCE[m] for m, s in c.in_season(season).items()) for c in COVERS]
    )


def backscatter_of_covers(season: str) -> np.ndarray:
    """Backscatter ``(cover, 2)`` of VV and VH, linear power, of every cover in a season."""
    return np.array(
        [
            sum(s * 10 ** (BACKSCATTER[m] / 10) for m, s in c.in_season(season).items())
            for c in COVERS
        ]
    )
