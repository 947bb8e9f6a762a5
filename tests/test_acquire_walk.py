"""From a search in a STAC API to a map and its comparison, in each layout of the services.

The APIs are the one that public services run (on PostgreSQL), rustac's, and the tests' own. The pixels
are Berlin's real ones where the reference data are there, else those of a simulated city.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from stac import pgstac, rustac
from stac.published import NOTE, by_band_ratios, write_made_map
from stac.scenes import PROVIDERS, TWENTY, as_stored, clear_sky, write_scene
from stac.server import Service, serve
from typer.testing import CliRunner

from lczlib.cli import app
from lczlib.grid import lcz_grid
from lczlib.scenes.bands import BANDS

pytestmark = pytest.mark.slow


@dataclass
class Town:
    """What is served, and what must come of it.

    Attributes
    ----------
    name, box, month : str
        What is asked for.
    day : str
        That is found.
    dn : array (10, y, x)
        True DN, bands of 20 m as the files hold them.
    grid : GeoBox
        Of these.
    folder : Path
        Of the files.
    items : list of dict
        A scene in one layout, whose addresses begin with ``{root}/files``.
    made : array
        Classes of cells of 100 m, by another rule than a network's.
    mapped : tuple of str
        Options of the map.
    """

    name: str
    box: str
    day: str
    dn: np.ndarray
    grid: GeoBox
    folder: Path
    items: list[dict]
    made: np.ndarray
    mapped: tuple[str, ...] = ()


def berlin(shared: Path, layout: str) -> Town:
    """Real pixels, in the files and the items of the reference data."""
    lines = (shared / "stac" / f"items_{layout}.ndjson").read_text()
    lines = lines.replace("http://127.0.0.1:8765", "{root}/files")
    items = [json.loads(line) for line in lines.splitlines() if line.strip()]
    with rasterio.open(shared / "mirror" / "berlin_s2_20241024.tif") as src:
        dn, grid = src.read().astype(int), GeoBox(src.shape, src.transform, str(src.crs))
    made = by_band_ratios(dn)
    for i, band in enumerate(BANDS):
        if band in TWENTY:
            halves = np.round(dn[i].reshape(174, 2, 174, 2).mean((1, 3)))
            dn[i] = halves.repeat(2, 0).repeat(2, 1)
    items = [i for i in items if "sentinel-2" in i["collection"]]
    box = "13.2915,52.4898,13.3429,52.5209"
    return Town("Berlin", box, "2024-10-24", dn, grid, shared / "stac", items, made)


def simulated(folder: Path, layout: str) -> Town:
    """A simulated city, whose truth is the map that is compared with."""
    from lczlib.models import embedded_weights, load_model
    from lczlib.models.weights import read_description, save_safetensors
    from lczlib.scenes.simulation import simulate_city

    city = simulate_city(2.4, seed=3)
    scene = city.sentinel2["summer"]
    grid, day = scene.odc.geobox, str(scene.attrs["date"])
    dn = np.rint(np.stack([scene[b].values for b in BANDS]) * 1e4).clip(1).astype(np.uint16)
    item = write_scene(
        folder, layout, "S2B_simulated", f"{day}T10:50:29Z", dn, clear_sky(grid), grid, tile="31UET"
    )
    w, s, e, n = grid.geographic_extent.boundingbox.bbox
    box = f"{w + 2e-3:.4f},{s + 2e-3:.4f},{e - 2e-3:.4f},{n - 2e-3:.4f}"
    # services do not tell that a scene is simulated, and the network is to be told neither
    name = embedded_weights()["demo_s2"]
    weights = folder / "simulated.safetensors"
    save_safetensors(
        weights, load_model("demo_s2"), replace(read_description(name), simulated=False)
    )
    options = ("--weights", str(weights), "--level", "L1C")
    return Town(box, box, day, as_stored(dn), grid, folder, [item], city.lcz.values, options)


@pytest.fixture(scope="session")
def database() -> Iterator[pgstac.Database]:
    """PostgreSQL with the tables of pgstac, for all of its layouts."""
    with pgstac.database() as found:
        yield found


@contextmanager
def own(files: Service) -> Iterator[str]:
    yield files.api


@pytest.fixture(params=("pgstac", "rustac", "own"))
def api(request) -> str:
    missing = {"pgstac": pgstac.missing, "rustac": rustac.missing}.get(request.param)
    if missing and (why := missing()):
        pytest.skip(why)
    return request.param


@pytest.fixture(params=PROVIDERS)
def walked(request, api, tmp_path) -> Iterator[tuple[str, Service, Town]]:
    """An API that holds a town in one layout, and the server of its files."""
    real = Path(__file__).resolve().parents[2] / "shared"
    if real.is_dir() and api != "own":
        town = berlin(request.getfixturevalue("shared"), request.param)
        request.getfixturevalue("mirror")
    else:
        town = simulated(tmp_path, request.param)
    files, stop = serve(town.folder, town.items)
    try:
        if api == "pgstac":
            holding = request.getfixturevalue("database").holding(files.items, tmp_path)
        elif api == "rustac":
            holding = rustac.holding(files.items, tmp_path)
        else:
            holding = own(files)
        with holding as address:
            yield address, files, town
    finally:
        stop()


def lcz(*words: object) -> str:
    done = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_search_list_get_map_and_compare(walked, tmp_path):
    address, files, town = walked
    month = town.day[:7]
    asked = [
        "get",
        town.name,
        "--start",
        f"{month}-01",
        "--end",
        f"{month}-28",
        "--provider",
        address,
    ]
    asked += ["--box", town.box] if town.name != town.box else []
    assert town.day in lcz(*asked, "--list", "--out", tmp_path / "list")
    (row,) = (tmp_path / "list" / "scenes.csv").read_text().splitlines()[1:]
    date, cloud, covered = row.split(",")[:3]
    assert (date, float(cloud)) == (town.day, 0)
    assert float(covered) > 0.99
    assert not [a for a in files.asked if "SCL" not in a.path]

    (tmp_path / "lcz").mkdir()
    made = write_made_map(tmp_path / "lcz" / "made.tif", town.made, lcz_grid(town.grid))
    maps, stop = serve(made.parent, [])
    out = tmp_path / "town"
    try:
        lcz(*asked, "--what", "s2,lcz", "--global-map", f"{maps.root}/files/made.tif", "--out", out)
    finally:
        stop()
    check_pixels(out, town)
    check_ranges(files)
    check_ranges(maps)
    lcz("map", out, *town.mapped, "--out", tmp_path / "map")
    check_comparison(tmp_path, town)


def check_pixels(out: Path, town: Town) -> None:
    """The reflectance of the source to one DN, on its own pixels."""
    (file,) = out.glob("Sentinel-2/*/*/[0-9]*_*.tif")
    with rasterio.open(file) as src:
        values = src.read().astype(int)
        col, row = (round(v) for v in ~src.transform * (town.grid.affine.c, town.grid.affine.f))
    rows, cols = (
        slice(max(0, at), min(at + n, end))
        for at, n, end in zip((row, col), town.grid.shape, values.shape[1:], strict=True)
    )
    got = values[:, rows, cols]
    want = town.dn[:, rows.start - row : rows.stop - row, cols.start - col : cols.stop - col]
    valid = (got > 0).all(0)
    assert valid.mean() > 0.99
    assert np.abs(got - want.astype(int))[:, valid].max() <= 1


def check_ranges(files: Service) -> None:
    """A whole file is answered with 200, also where it is asked for as a range."""
    parts = [a for a in files.asked if 0 < a.last < (files.folder / a.path).stat().st_size - 1]
    assert parts
    assert {a.status for a in parts} == {206}


def check_comparison(folder: Path, town: Town) -> None:
    """The map agrees with one that was made otherwise as far as the cells of both say."""
    own = folder / "map" / "s2_lcz.tif"
    (other,) = (folder / "town").glob("Reference/*/lcz_global.tif")
    with rasterio.open(folder / "lcz" / "made.tif") as src:
        assert src.tags()["NOTE"] == NOTE
    lcz("compare", own, other, "--out", folder / "compared")
    told = json.loads((folder / "compared" / "comparison.json").read_text())
    with rasterio.open(own) as one, rasterio.open(other) as two:
        assert one.transform == two.transform
        a, b = one.read(1), two.read(1)
    a, b = (codes[(a > 0) & (b > 0)] for codes in (a, b))
    print(f"{town.name}: agreement {told['agreement']:.2f}, n {told['n']}")  # noqa: T201
    assert told["n"] == a.size > 0.7 * town.made.size
    assert told["agreement"] == pytest.approx((a == b).mean(), abs=1e-6)
    by_chance = sum((a == code).mean() * (b == code).mean() for code in range(1, 18))
    assert 1.3 * by_chance < told["agreement"] < 0.95
