"""What proposed places are worth: polygons drawn where `lcz next-polygons` says, at random, where the map is unsure.

    python benchmarks/next_polygons.py [--cities 20] [--km 8] [--draws 20] [--write FOLDER]

A random forest of band means and deviations starts with three polygons a class, gets 10 further ones, is grown
anew, and gets 10 more. Each is drawn as a user would who sees the truth: what is proposed is a place, and the
class is the true one.

Simulated cities: the truth is known everywhere. At each place the connected true cells of one class around it are
drawn, at most 900 m across. `at random` are places in true patches of 300 m or more, anywhere in the city. Accuracy
is that of all cells that no way has drawn.

Hong Kong (Landsat 8 and the expert polygons in ../shared/data/hong_kong): a third of the polygons of each class is
held out, and of the others those that hold a square of 300 m can be drawn: places are looked for within them,
and the polygon that a place lies in is drawn, whole. Accuracy is that of the cells of those held out. Intervals
there are over draws of one city's polygons, and say nothing of other cities.

`most unsure`: the places of least margin, as far apart as the others.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio import features
from scipy import ndimage
from scipy.stats import t as student
from sklearn.ensemble import RandomForestClassifier

from lczlib.analysis import active_learning
from lczlib.analysis.active_learning import next_polygons
from lczlib.analysis.options import PLACE_SIZE, PLACE_SPACING
from lczlib.grid import geobox_of, on_grid
from lczlib.maps import probabilities
from lczlib.polygon_cells import polygon_cells
from lczlib.polygons import open_polygons
from lczlib.scenes.simulation import simulate_city

WAYS = ("proposed", "most unsure", "at random")
ROUNDS, EACH, START = 2, 10, 3
TREES = 40
DATA = Path(__file__).resolve().parents[2] / "shared/data/hong_kong"
_HALF = int(PLACE_SPACING / 100 - 1) // 2
_NEAR = 20
"""Cells around Hong Kong's polygons that are mapped."""


@dataclass
class Case:
    """One start: what is known, and what can be drawn."""

    box: GeoBox
    values: np.ndarray  # (y, x, features), NaN where there are none
    start: gpd.GeoDataFrame
    truth: np.ndarray | None = None
    pool: gpd.GeoDataFrame | None = None
    test: gpd.GeoDataFrame | None = None


def mapped(case: Case, drawn: gpd.GeoDataFrame, seed: int) -> xr.DataArray:
    """The map of a forest of the polygons drawn so far."""
    cells = polygon_cells(drawn, case.box)
    there = np.isfinite(case.values).all(-1)
    cells = cells[there[cells["row"], cells["col"]]]
    forest = RandomForestClassifier(
        TREES, min_samples_leaf=2, class_weight="balanced", random_state=seed, n_jobs=1
    )
    forest.fit(case.values[cells["row"], cells["col"]], cells["lcz"])
    p = np.full((17, *case.box.shape), np.nan, np.float32)
    p[:, there] = 0
    p[forest.classes_.astype(int)[:, None] - 1, there] = forest.predict_proba(case.values[there]).T
    return probabilities(on_grid(p, case.box, dims=("lcz", "y", "x")))


def places(
    way: str, case: Case, proba: xr.DataArray, drawn: gpd.GeoDataFrame, rng: np.random.Generator, n: int
) -> np.ndarray:  # fmt: skip
    """Rows and columns of `n` places by one way, the best first."""
    if way == "proposed":
        found = next_polygons(proba, drawn, n=n, within=case.pool, seed=int(rng.integers(1 << 30)))
        at = gpd.GeoSeries.from_xy(found["longitude"], found["latitude"], crs=4326).to_crs(
            case.box.crs
        )
        col, row = ~case.box.affine * (at.x.to_numpy(), at.y.to_numpy())
        return np.floor(np.column_stack([row, col])).astype(int)
    ground = active_learning._ground(proba, case.box, drawn, PLACE_SIZE, PLACE_SPACING, case.pool)
    if way == "most unsure":
        at = np.argwhere(ground.room)
        order = np.argsort(
            active_learning._two_best(ground.p[:, ground.room].T)[:, 3], kind="stable"
        )
    else:
        low = ndimage.minimum_filter(case.truth, 3, mode="constant")
        room = (low > 0) & (low == ndimage.maximum_filter(case.truth, 3, mode="constant"))
        room &= ndimage.distance_transform_cdt(~ground.drawn, "chessboard") > _HALF
        at = np.argwhere(room)
        order = rng.permutation(len(at))
    free, chosen = np.ones(len(at), bool), []
    for i in order:
        if free[i]:
            chosen.append(at[i])
            free &= np.abs(at - at[i]).max(1) >= PLACE_SPACING / 100
        if len(chosen) == n:
            break
    return np.array(chosen)


def further(
    way: str, case: Case, proba: xr.DataArray, drawn: gpd.GeoDataFrame, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """The polygons that are drawn in one round."""
    if case.pool is None:
        at = places(way, case, proba, drawn, rng, EACH)
        shapes = [_drawn_at(case, row, col) for row, col in at]
        new = gpd.GeoDataFrame(
            {"lcz": case.truth[at[:, 0], at[:, 1]].astype(np.uint8)},
            geometry=shapes,
            crs=case.box.crs,
        )
    else:
        left = case.pool[~case.pool["polygon"].isin(drawn["polygon"])]
        if way == "at random":
            new = left.sample(EACH, random_state=int(rng.integers(1 << 30)))
        else:
            at = places(way, case, proba, drawn, rng, len(left))
            x, y = case.box.affine * (at[:, 1] + 0.5, at[:, 0] + 0.5)
            middle = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=case.box.crs)
            joined = middle.sjoin(left.to_crs(case.box.crs), predicate="within")
            hit = joined.sort_index()["polygon"].drop_duplicates()[:EACH]
            new = left.set_index("polygon").loc[hit].reset_index()
    both = pd.concat([drawn, new.to_crs(drawn.crs)], ignore_index=True)
    number = np.arange(1, len(both) + 1) if case.pool is None else both["polygon"]
    return gpd.GeoDataFrame(both).assign(polygon=number)


def _drawn_at(case: Case, row: int, col: int) -> shapely.Geometry:
    """The true patch around a place."""
    top, left = max(row - _HALF, 0), max(col - _HALF, 0)
    part = case.truth[top : row + _HALF + 1, left : col + _HALF + 1]
    numbers, _ = ndimage.label(part == case.truth[row, col])
    own = numbers == numbers[row - top, col - left]
    place = case.box.affine * case.box.affine.translation(left, top)
    found = features.shapes(own.astype(np.uint8), own, connectivity=4, transform=place)
    return shapely.union_all([shapely.geometry.shape(s) for s, _ in found])


def compared(case: Case, seed: int) -> list[tuple[object, ...]]:
    """Accuracy after each round by each way: (way, polygons added, OA, AA, cells drawn)."""
    first = mapped(case, case.start, seed)
    kept = {}
    for k, way in enumerate(WAYS):
        rng, drawn, proba = np.random.default_rng([seed, k]), case.start, first
        kept[way] = [(drawn, proba)]
        for _ in range(ROUNDS):
            drawn = further(way, case, proba, drawn, rng)
            proba = mapped(case, drawn, seed)
            kept[way].append((drawn, proba))
    if case.test is None:
        test = np.ones(case.box.shape, bool)
        for rounds in kept.values():
            cells = polygon_cells(rounds[-1][0], case.box)
            test[cells["row"], cells["col"]] = False
        rows, cols = np.nonzero(test)
        truth = case.truth[rows, cols]
    else:
        cells = polygon_cells(case.test, case.box)
        rows, cols, truth = (cells[c].to_numpy() for c in ("row", "col", "lcz"))
    out = []
    for way, rounds in kept.items():
        for k, (drawn, proba) in enumerate(rounds):
            right = proba.values[:, rows, cols].argmax(0) + 1 == truth
            aa = np.mean([right[truth == c].mean() for c in np.unique(truth)])
            n_cells = len(polygon_cells(drawn, case.box))
            out.append(
                (seed, way, k * EACH, right.mean(), aa, len(drawn) - len(case.start), n_cells)
            )
    return out


def around(means: list[np.ndarray]) -> np.ndarray:
    """Each layer of cells, and its mean of 300 m."""
    return np.stack([*means, *(ndimage.uniform_filter(m, 3) for m in means)], -1).astype(np.float32)


def starting(polygons: gpd.GeoDataFrame, seed: int) -> gpd.GeoDataFrame:
    """Three polygons of each class, or what there is."""
    order = polygons.sample(frac=1, random_state=seed)
    return order.groupby("lcz").head(START).sort_values("polygon")


def simulated(km: float, seed: int) -> Case:
    """A simulated city and three of its polygons a class."""
    city = simulate_city(km, seed)
    rows, cols = city.lcz.shape
    layers = []
    for band in city.sentinel2["summer"].data_vars.values():
        pixels = band.values.reshape(rows, 10, cols, 10).astype(float)
        for layer in (np.nanmean(pixels, (1, 3)), np.nanstd(pixels, (1, 3))):
            layers.append(np.where(np.isfinite(layer), layer, np.nanmean(layer)))
    polygons = city.polygons[["lcz", "geometry"]].assign(polygon=range(1, len(city.polygons) + 1))
    polygons["lcz"] = polygons["lcz"].astype(np.uint8)
    return Case(
        geobox_of(city.lcz), around(layers), starting(polygons, seed), np.asarray(city.lcz.values)
    )


def hong_kong(seed: int) -> Case:
    """Hong Kong: a third of each class held out, three polygons a class to start with, the others to draw."""
    polygons = open_polygons(DATA / "lcz_training_polygons.shp")
    with rasterio.open(next(DATA.glob("LC8*.tif"))) as file:
        bands = file.read(list(range(1, 8))).astype(np.float32)
        box = GeoBox((file.height, file.width), file.transform, str(file.crs))
    near = features.geometry_mask(
        polygons.to_crs(box.crs).geometry, box.shape, box.affine, all_touched=True, invert=True
    )
    near = ndimage.binary_dilation(near, np.ones((3, 3), bool), iterations=_NEAR)
    values = around(list(bands))
    values[~near | (bands == 0).all(0)] = np.nan
    held = [
        own.sample(max(1, round(len(own) / 3)), random_state=seed)
        for _, own in polygons.groupby("lcz")
    ]
    test = gpd.GeoDataFrame(pd.concat(held), crs=polygons.crs)
    rest = polygons[~polygons["polygon"].isin(test["polygon"])]
    start = starting(rest, seed)
    rest = rest[~rest["polygon"].isin(start["polygon"])]
    wide = [_holds_square(shape, box) for shape in rest.to_crs(box.crs).geometry]
    return Case(box, values, start, pool=rest[wide], test=test)


def _holds_square(shape: shapely.Geometry, box: GeoBox) -> bool:
    cells = features.geometry_mask([shape], box.shape, box.affine, invert=True)
    rows, cols = np.nonzero(cells)
    if not len(rows):
        return False
    part = cells[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    return bool(ndimage.minimum_filter(part, 3, mode="constant").any())


def summary(rows: list[tuple[object, ...]]) -> str:
    """Tables of the means, and of the paired differences with their 95 % intervals."""
    table = pd.DataFrame(rows, columns=["seed", "way", "added", "oa", "aa", "polygons", "cells"])
    lines = [
        "| polygons added | where | OA | AA | added in fact | labelled cells |",
        "| --- " * 6 + "|",
    ]
    means = table.groupby(["added", "way"])[["oa", "aa", "polygons", "cells"]].mean()
    for added in sorted(table["added"].unique()):
        for way in WAYS[: 1 if added == 0 else None]:
            m = means.loc[(added, way)]
            lines.append(
                f"| {added} | {way if added else '-'} | {m['oa']:.3f} | {m['aa']:.3f} | {m['polygons']:.1f} | "
                f"{m['cells']:,.0f} |"
            )
    lines += ["", "| polygons added | difference | OA | AA |", "| --- " * 4 + "|"]
    pairs = (("proposed", "at random"), ("proposed", "most unsure"), ("most unsure", "at random"))
    for added in sorted(table["added"].unique())[1:]:
        wide = table[table["added"] == added].pivot(index="seed", columns="way")
        for a, b in pairs:
            said = []
            for score in ("oa", "aa"):
                d = wide[score][a] - wide[score][b]
                half = student.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
                said.append(f"{d.mean():+.3f} ({d.mean() - half:+.3f} to {d.mean() + half:+.3f})")
            lines.append(f"| {added} | {a} - {b} | {said[0]} | {said[1]} |")
    return "\n".join(lines)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cities", type=int, default=20)
    parser.add_argument("--first", type=int, default=200, help="seed of the first city")
    parser.add_argument("--km", type=float, default=8)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    parts = [
        "# Where to draw the next polygons\n\n`python benchmarks/next_polygons.py --cities "
        f"{options.cities} --first {options.first} --km {options.km:g} --draws {options.draws}`: a random forest "
        f"({TREES} trees) starts with {START} polygons a class and gets {EACH}, then {EACH} more. Differences are "
        "paired, with 95 % intervals (Student's t)."
    ]
    if options.cities:
        rows = []
        for seed in range(options.first, options.first + options.cities):
            rows += compared(simulated(options.km, seed), seed)
            print("city", seed, flush=True)
        parts.append(
            f"## Simulated cities\n\n{options.cities} cities of {options.km:g} km; OA and AA of all cells that no way "
            "has drawn. Simulated: they say nothing about real cities.\n\n" + summary(rows)
        )
    if options.draws and DATA.is_dir():
        rows = []
        for seed in range(options.draws):
            rows += compared(hong_kong(seed), seed)
            print("draw", seed, flush=True)
        parts.append(
            f"## Hong Kong\n\nLandsat 8, {options.draws} draws of the polygons that are held out and started with; OA "
            "and AA of cells of polygons held out. `at random`: any of the polygons that can be drawn. Intervals are "
            "over draws of one city's polygons, which are not independent: read them as too narrow.\n\n"
            + summary(rows)
        )
    text = "\n\n".join(parts) + "\n"
    print(text)
    if options.write:
        (options.write / "next_polygons.md").write_text(text)


if __name__ == "__main__":
    main()
