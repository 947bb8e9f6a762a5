"""Honest inputs of every kind that the commands read: small, simulated, and taken without a word."""

from __future__ import annotations

import dataclasses
import sys
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import torch

from lczlib.export import write_lcz_map, write_probabilities
from lczlib.grid import geobox_of, on_grid
from lczlib.maps import open_lcz_map, probabilities
from lczlib.models import build, embedded_weights, read_safetensors, save_safetensors
from lczlib.models.lcznet import LCZNet
from lczlib.models.parameters import build_for
from lczlib.scenes.simulation import simulate_city, write_so2sat

sys.path.append(str(Path(__file__).resolve().parents[1]))
from synthetic_sentinel2 import land, write_product
from synthetic_so2sat import write_hdf5
from synthetic_water import BOX, backscatter, lake
from test_keras_graph import lcznet_model
from test_models import keras_file

CITY = "00000_00000_Simulated"
_SIZE = 3.0  # km


def write_all(folder: Path) -> dict[str, Path]:
    """Write one file of each kind; where they are, by kind."""
    scene = write_so2sat(simulate_city(_SIZE, 1), folder / "city")
    beside = scene / "Reference" / CITY
    found = {
        "map": beside / "lcz.tif", "elevation": beside / "elevation.tif",
        "stations": beside / "air_temperature.csv", "sites": beside / "stations.gpkg",
        "polygons": beside / "polygons.gpkg",
        "scene": next((scene / "Sentinel-2" / CITY / "summer").glob("*.tif")),
    }  # fmt: skip
    return (
        found | _rasters(folder, found) | _vectors(folder, found) | _tables(folder, found)
        | _networks(folder) | _containers(folder, found)
    )  # fmt: skip


def _rasters(folder: Path, of: dict[str, Path]) -> dict[str, Path]:
    lcz = open_lcz_map(of["map"], scheme="1-17")
    rng = np.random.default_rng(1)
    shares = 0.1 * rng.random((17, *lcz.shape)) + (lcz.values == np.arange(1, 18)[:, None, None])
    shares = np.where(lcz.values > 0, shares / shares.sum(0), np.nan).astype(np.float32)
    proba = on_grid(shares, geobox_of(lcz), ("lcz", "y", "x"), coords={"lcz": np.arange(1, 18)})
    write_probabilities(folder / "proba.tif", probabilities(proba))
    theirs = lcz.copy(data=np.roll(lcz.values, 1, axis=1))
    write_lcz_map(folder / "theirs.tif", theirs)
    with rasterio.open(of["map"].with_name("lst.tif")) as src:
        day, profile = src.read(1), src.profile | {"count": 1}
    for name, values, unit in (("lst", day, "degC"), ("air", 15 + 0.2 * day, "degC")):
        with rasterio.open(folder / f"{name}.tif", "w", **profile) as dst:
            dst.write(values.astype(np.float32), 1)
            dst.units = (unit,)
            dst.set_band_description(1, "LST" if name == "lst" else "t2m")
    flags = profile | {"dtype": "uint16", "nodata": None}
    with rasterio.open(folder / "cloud.tif", "w", **flags) as dst:
        dst.write((rng.random(day.shape) < 0.1).astype(np.uint16), 1)
        dst.set_band_description(1, "cloud")
    data = on_grid(day, geobox_of(lcz)).rename("LST").assign_attrs(units="degC")
    data.rio.write_crs(str(geobox_of(lcz).crs)).rio.write_coordinate_system().to_netcdf(
        folder / "lst.nc"
    )
    radar = backscatter(lake(90), 1)
    with rasterio.open(
        folder / "S1_2020-06-01.tif", "w", driver="GTiff", count=2, height=BOX.shape[0],
        width=BOX.shape[1], dtype="float32", crs=str(BOX.crs), transform=BOX.affine,
    ) as dst:  # fmt: skip
        dst.write(radar.values)
        dst.descriptions = ("VV", "VH")
    named = ("proba.tif", "theirs.tif", "lst.tif", "air.tif", "cloud.tif", "lst.nc")
    kinds = ("proba", "map_b", "lst", "air", "quality", "netcdf")
    return {k: folder / n for k, n in zip(kinds, named, strict=True)} | {
        "radar": folder / "S1_2020-06-01.tif"
    }


def _vectors(folder: Path, of: dict[str, Path]) -> dict[str, Path]:
    shapes = gpd.read_file(of["polygons"])[["lcz", "geometry"]]
    degrees = shapes.to_crs(4326)
    degrees.to_file(folder / "areas.geojson")
    named = degrees.assign(Name=[f"LCZ {n}" for n in degrees["lcz"]])[["Name", "geometry"]]
    named.to_file(folder / "areas.kml", driver="KML")
    shapes.to_file(folder / "areas.fgb")
    shapes.to_parquet(folder / "areas.parquet")
    (folder / "shp").mkdir()
    shapes.to_file(folder / "shp" / "areas.shp")
    points = degrees.geometry.representative_point()
    table = pd.DataFrame({"lon": points.x, "lat": points.y, "lcz": shapes["lcz"]})
    table.to_csv(folder / "points.csv", index=False)
    with zipfile.ZipFile(folder / "areas.kmz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "areas.kml", "doc.kml")
    with zipfile.ZipFile(folder / "areas.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted((folder / "shp").iterdir()):
            archive.write(part, part.name)
    return {
        "geojson": folder / "areas.geojson", "kml": folder / "areas.kml", "kmz": folder / "areas.kmz",
        "shapefile": folder / "areas.zip", "flatgeobuf": folder / "areas.fgb",
        "geoparquet": folder / "areas.parquet", "points": folder / "points.csv",
    }  # fmt: skip


def _tables(folder: Path, of: dict[str, Path]) -> dict[str, Path]:
    air = pd.read_csv(of["stations"])
    times = pd.to_datetime(air["time"])
    air.assign(time=times).to_parquet(folder / "air.parquet")
    hours = pd.date_range(times.min(), times.max(), freq="h")
    weather = pd.DataFrame({"time": hours.strftime("%Y-%m-%dT%H:%M:%SZ"), "wind": 2.0, "cloud": 3})
    weather.to_csv(folder / "weather.csv", index=False)
    sites = gpd.read_file(of["sites"])
    classes = pd.DataFrame({"station": sites["station"], "lcz": np.resize([2, 6, 14], len(sites))})
    classes.to_csv(folder / "classes.csv", index=False)
    return {
        "table_parquet": folder / "air.parquet", "weather": folder / "weather.csv",
        "station_classes": folder / "classes.csv",
    }  # fmt: skip


def _networks(folder: Path) -> dict[str, Path]:
    demo = embedded_weights()["demo_s2"]
    (folder / "network.safetensors").write_bytes(demo.read_bytes())
    weights, state = read_safetensors(demo)
    model = build_for(weights, state)
    model.load_state_dict(state)
    own = dataclasses.replace(weights, name="own", simulated=False)
    save_safetensors(folder / "own.safetensors", model, own)
    torch.manual_seed(0)
    torch.save(build("resnet20", 10, 17).state_dict(), folder / "network.pt")
    widths = (8, 8, 8)
    keras_file(folder / "network.h5", LCZNet(10, 17, widths, 4).eval())
    lcznet_model(widths).write(folder / "network.h5")
    return {
        "weights": folder / "network.safetensors", "own": folder / "own.safetensors",
        "torch": folder / "network.pt", "keras": folder / "network.h5",
    }  # fmt: skip


def _containers(folder: Path, of: dict[str, Path]) -> dict[str, Path]:
    product = write_product(folder / "safe", land(160), level="L1C")
    packed = folder / f"{product.stem}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(p for p in product.rglob("*") if p.is_file()):
            archive.write(part, part.relative_to(product.parent).as_posix())
    with zipfile.ZipFile(folder / "maps.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(of["map"], "maps/lcz.tif")
    write_hdf5(folder / "patches.h5", 40, classes=3)
    return {"product": packed, "archive": folder / "maps.zip", "patches": folder / "patches.h5"}
