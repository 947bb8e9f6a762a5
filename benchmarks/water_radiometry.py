"""What sigma nought against gamma nought changes in the water that GMNet maps, on simulated slopes.

    python benchmarks/water_radiometry.py [--write FILE] [--size 588] [--seeds 3]

On which radiometry GMNet was trained is stated nowhere. `lcz prepare-s1` makes sigma nought of detected
products, with slopes as bright as they are; radiometrically terrain-corrected products (RTC) hold gamma
nought, slopes evened out. Hills with lakes in their valleys are seen from both passes at 38 degrees. The
power of a slope is that of its gamma nought, equal everywhere on land, times its area as the radar sees it
(Small 2011, doi 10.1109/TGRS.2011.2120616, of an area's edges on the slant range plane: Ulander 1996,
doi 10.1109/36.535960); sigma nought divides it by the area on the ellipsoid. Speckle of 4.4 looks and noise
of -24 dB, subtracted in the mean, are the same in both. Layover and shadow are left out. Places are exact,
so that radiometry alone is measured; real hills also differ in cover, which is not simulated.

The weights are downloaded on first use (LCZLIB_MIRROR names a folder that has them).
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter

from lczlib.export import write_raster
from lczlib.grid import on_grid
from lczlib.mapping.water import load_water_model, water_map
from lczlib.scenes.simulation.radar import INCIDENCE, LOOK_AZIMUTH

PIXEL, LOOKS = 10.0, 4.4
SLOPES = (0, 5, 10, 15, 20, 30)
"""Degrees: the slope that a twentieth of the land exceeds."""
LAND, WATER = (-11.0, -18.0), (-21.0, -27.5)
"""Sigma nought on flat ground, dB in VV and VH."""
NOISE, FLOOR = 10**-2.4, 1e-4
LAKES = 0.12  # share of the scene
_STEEPEST = 0.1  # cosine to the slant range plane's normal below which a slope is in layover
KINDS = ("sigma", "gamma", "gamma - 1 dB")
"""The last is gamma nought as bright as sigma nought is on flat land: what slopes alone change."""
ORBITS = {"as": "ascending", "des": "descending"}


@dataclass(frozen=True)
class Country:
    """Heights in m (y, x), north up, and where lakes are."""

    height: np.ndarray
    lake: np.ndarray

    @classmethod
    def of(cls, size: int, slope: float, seed: int) -> Country:
        """Hills of some hundred metres to kilometres, flooded in their lowest parts."""
        rng = np.random.default_rng(seed)
        height = sum(
            s**1.2 * gaussian_filter(rng.standard_normal((size, size)), s, mode="wrap") * s
            for s in (20, 60)
        )
        level = np.quantile(height, LAKES)
        lake = height < level
        height = np.maximum(height - level, 0)
        steep = np.hypot(*np.gradient(height, PIXEL))[~lake]
        return cls(height * np.tan(np.radians(slope)) / np.quantile(steep, 0.95), lake)


def areas(country: Country, orbit: str) -> tuple[np.ndarray, np.ndarray]:
    """Of each pixel its area as the radar sees it, against flat ground's; and whether it is seen by itself."""
    down, east = np.gradient(country.height, PIXEL)
    normal = np.stack([-east, down, np.ones_like(east)])
    normal /= np.linalg.norm(normal, axis=0)
    angle, look = np.radians(INCIDENCE), np.radians(LOOK_AZIMUTH[ORBITS[orbit]])
    sight = np.array([-np.sin(look) * np.sin(angle), -np.cos(look) * np.sin(angle), np.cos(angle)])
    flight = np.array([np.sin(look - np.pi / 2), np.cos(look - np.pi / 2), 0])
    plane = np.cross(sight, flight)
    plane *= np.sign(plane[2])
    facing, edge = (np.tensordot(v, normal, 1) for v in (sight, plane))
    seen = (edge > _STEEPEST) & (facing > 0)
    return np.where(seen, facing / np.where(seen, edge, 1) * np.tan(angle), 1.0), seen


def scenes(country: Country, orbit: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sigma and gamma nought in dB (VV and VH, y, x), and where they are seen."""
    area, seen = areas(country, orbit)
    rng = np.random.default_rng(1000 + seed)
    texture = gaussian_filter(rng.standard_normal(area.shape), 6)
    texture *= 1.0 / texture.std()
    found = []
    for land, water in zip(LAND, WATER, strict=True):
        flat = 10 ** (np.where(country.lake, water, land + texture) / 10)
        speckle = rng.gamma(LOOKS, 1 / LOOKS, area.shape)
        sigma = (flat * area + NOISE) * speckle - NOISE
        gamma = sigma / area / np.cos(np.radians(INCIDENCE))
        found.append([10 * np.log10(np.maximum(power, FLOOR)) for power in (sigma, gamma)])
    sigma, gamma = np.array(found).transpose(1, 0, 2, 3)
    return sigma, gamma, seen


def shares(size: int, slope: float, seed: int, orbit: str, model: object) -> np.ndarray:
    """Percent of land called water, and of water missed, of `KINDS`; then of labels that differ from the first."""
    country = Country.of(size, slope, seed)
    sigma, gamma, seen = scenes(country, orbit, seed)
    levelled = gamma + 10 * np.log10(np.cos(np.radians(INCIDENCE)))
    box = GeoBox((size, size), Affine(PIXEL, 0, 5e5, 0, -PIXEL, 4e6), "EPSG:32650")
    water = [_mapped(v, box, orbit, model) for v in (sigma, gamma, levelled)]
    land, lake = seen & ~country.lake, seen & country.lake
    return 100 * np.array(
        [w[land].mean() for w in water]
        + [(~w)[lake].mean() for w in water]
        + [(w != water[0])[seen].mean() for w in water[1:]]
    )


def _mapped(values: np.ndarray, box: GeoBox, orbit: str, model: object) -> np.ndarray:
    """Water of a scene, of a file that says what `lcz prepare-s1` says of its floor."""
    scene = on_grid(values.astype(np.float32), box, dims=("band", "y", "x"))
    floor = {"radiometry": "sigma nought, dB", "floor": f"{10 ** (float(values.min()) / 10):.9g}"}
    with tempfile.TemporaryDirectory() as folder:
        path = write_raster(
            Path(folder) / "scene.tif", scene, descriptions=["VV", "VH"], tags=floor
        )
        return water_map(path, orbit, model=model)["water"].values == 1


def table(size: int, seeds: int) -> str:
    """The table of all slopes and passes."""
    columns = [
        *(f"land called water: {k}" for k in KINDS), *(f"water missed: {k}" for k in KINDS),
        *(f"labels unlike sigma's: {k}" for k in KINDS[1:]),
    ]  # fmt: skip
    rows = [
        f"| slope | pass | {' | '.join(columns)} |",
        f"| ---: | --- |{' ---: |' * len(columns)}",
    ]
    for orbit, name in ORBITS.items():
        model = load_water_model(orbit, "cpu")
        for slope in SLOPES:
            each = np.array([shares(size, slope, seed, orbit, model) for seed in range(seeds)])
            cells = [
                f"{m:.2f} ({low:.2f}-{high:.2f})"
                for m, low, high in zip(each.mean(0), each.min(0), each.max(0), strict=True)
            ]
            rows.append(f"| {slope} | {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--write", type=Path)
    parser.add_argument("--size", type=int, default=588)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    text = (
        f"Percent of {options.size} x {options.size} simulated pixels of 10 m, mean of {options.seeds} countries "
        "(lowest-highest). Slope: what a twentieth of the land exceeds, in degrees.\nOne incidence, one cover on land, "
        "calm lakes, exact places: what radiometry alone changes, and not how right either is on real land;\n"
        "`python benchmarks/water_radiometry.py`.\n\n" + table(options.size, options.seeds) + "\n"
    )
    if options.write:
        options.write.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
