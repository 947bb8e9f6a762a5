"""An LCZ map in a domain of WRF: as w2w fills it, and what would fail there said first."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyproj
import pytest
import xarray as xr
from export_maps import needed_tool
from odc.geo.geobox import GeoBox

from lczlib.errors import InputError
from lczlib.export import write_lcz_map
from lczlib.export.targets.urban_canopy import canopy_table, derived, height_shares
from lczlib.export.targets.wrf import expanded, open_domain, urban_form
from lczlib.grid import geobox_of, on_grid
from lczlib.jobs.export import ExportRequest, run
from lczlib.longitudes import centre_of
from lczlib.maps import lcz_map, open_lcz_map
from lczlib.terms import worded

SIZE = 20
CENTRE = (13.4, 52.5)
URBAN, WATER, LAKE = 13, 17, 21


def write_geo_em(
    path: Path, dx: float = 600.0, categories: int = 21, *, size: int = SIZE,
    centre: tuple[float, float] = CENTRE, **changes: object,
) -> Path:  # fmt: skip
    """A file as geogrid writes it: grass and forest, a town of WRF's own in the middle, a lake."""
    text = f"+proj=lcc +lat_1=52 +lat_2=53 +lat_0=52.4 +lon_0={centre[0]} +R=6370000 +units=m"
    projection = pyproj.Proj(text)
    x0, y0 = projection(*centre)
    steps = (np.arange(size) - (size - 1) / 2) * dx
    lon, lat = projection(*np.meshgrid(x0 + steps, y0 + steps), inverse=True)
    rng = np.random.default_rng(5)
    use = rng.choice([10, 5], (size, size), p=[0.7, 0.3]).astype(np.float32)
    middle = slice(size // 2 - 2, size // 2 + 2)
    use[middle, middle] = URBAN
    use[:2, :3] = WATER
    parts = np.zeros((categories, size, size), np.float32)
    row, col = np.indices(use.shape)
    parts[use.astype(int) - 1, row, col] = 0.8
    parts[9, row, col] += 0.2
    green = rng.uniform(0.1, 0.9, (12, size, size)).astype(np.float32)
    flat = ("Time", "south_north", "west_east")
    data = {
        "Times": (("Time", "DateStrLen"), np.array([[*"0000-00-00_00:00:00"]], "S1")),
        "XLAT_M": (flat, lat[None].astype(np.float32)),
        "XLONG_M": (flat, lon[None].astype(np.float32)),
        "LU_INDEX": (flat, use[None]),
        "LANDMASK": (flat, (use != WATER)[None].astype(np.float32)),
        "LANDUSEF": (("Time", "land_cat", *flat[1:]), parts[None], {"description": "21-category"}),
        "GREENFRAC": (("Time", "month", *flat[1:]), green[None]),
    }
    attrs = {
        "TITLE": "OUTPUT FROM GEOGRID V4.5", "MAP_PROJ": np.int32(1), "TRUELAT1": 52.0, "TRUELAT2": 53.0,
        "MOAD_CEN_LAT": 52.4, "STAND_LON": centre[0], "CEN_LAT": centre[1], "CEN_LON": centre[0],
        "DX": dx, "DY": dx, "NUM_LAND_CAT": np.int32(categories), "ISURBAN": np.int32(URBAN),
        "ISWATER": np.int32(WATER), "ISLAKE": np.int32(-1), "MMINLU": "MODIFIED_IGBP_MODIS_NOAH",
    }  # fmt: skip
    xr.Dataset(data, attrs=attrs | changes).to_netcdf(path, engine="scipy", format="NETCDF3_64BIT")
    return path


def write_town(path: Path, zones: tuple[int, ...] = (2, 5, 6, 8, 9), edge: float = 0.12) -> Path:
    """A town of some zones in patches of 300 m among low plants and trees, in degrees."""
    x, y = CENTRE
    box = GeoBox.from_bbox((x - edge, y - edge * 0.7, x + edge, y + edge * 0.7), crs="EPSG:4326",
                           resolution=0.001)  # fmt: skip
    rng = np.random.default_rng(2)
    rows, cols = (-(-n // 4) for n in box.shape)
    codes = np.kron(rng.choice([14, 14, 14, 12], (rows, cols)), np.ones((4, 4)))
    built = np.kron(rng.choice([*zones, 14], (rows, cols)), np.ones((4, 4)))
    rows, cols = box.shape
    codes, built = codes[:rows, :cols], built[:rows, :cols]
    r, c = np.indices(box.shape)
    town = np.hypot((r - rows / 2) / rows, (c - cols / 2) / cols) < 0.22
    codes = np.where(town, built, codes).astype(np.uint8)
    return write_lcz_map(path, lcz_map(on_grid(codes, box, ("y", "x"))))


@pytest.fixture
def town(tmp_path):
    return write_town(tmp_path / "town.tif")


@pytest.fixture
def geo_em(tmp_path):
    return write_geo_em(tmp_path / "geo_em.d01.nc")


def written(path: Path) -> xr.Dataset:
    engine = "scipy" if path.read_bytes()[:3] == b"CDF" else "h5netcdf"
    with xr.open_dataset(path, engine=engine, decode_cf=False) as content:
        return content.load()


@pytest.mark.parametrize(
    ("version", "base"), [("4.3", 30), ("4.4.1", 30), ("4.4.2", 50), ("4.6", 50)]
)
def test_a_domain_holds_the_map_as_its_version_of_wrf_counts(town, geo_em, tmp_path, version, base):
    request = ExportRequest(map_path=town, to="wrf", geo_em=geo_em, wrf_version=version)
    result = run(request)
    out = result.write(tmp_path / "out")
    found, before = written(out / "geo_em.d01.nc"), written(geo_em)
    use, parts = found["LU_INDEX"].values[0], found["LANDUSEF"].values[0]
    urban = use > 25
    assert parts.shape[0] == base + 11 == found.attrs["NUM_LAND_CAT"]
    assert set(use[urban]) <= {base + n for n in range(1, 11)}
    assert len(set(use[urban])) >= 3
    assert not (use == URBAN).any()
    np.testing.assert_allclose(parts.sum(0), 1, atol=1e-6)
    np.testing.assert_array_equal(parts.argmax(0)[urban] + 1, use[urban])
    fraction = found["FRC_URB2D"].values[0]
    assert ((fraction > 0.2) == urban).all()
    assert (fraction[~urban] == 0).all()
    values = found["URB_PARAM"].values[0]
    np.testing.assert_allclose(values[117:132].sum(0)[urban], 100, rtol=1e-5)
    assert (values[:, ~urban] == 0).all()
    assert (values[[95, 96, 97, 98]] == values[95]).all()  # all directions
    assert found.attrs["FLAG_URB_PARAM"] == 1
    kept = [n for n in before if n not in ("LU_INDEX", "LANDUSEF", "GREENFRAC")]
    for name in kept:
        np.testing.assert_array_equal(found[name].values, before[name].values)
    lines = (out / "namelist_lines.txt").read_text()
    assert f"num_land_cat     = {base + 11}" in lines
    assert f"{base + 1}-{base + 10}" in " ".join(worded(f.text) for f in result.findings)
    assert open_lcz_map(out / "lcz.tif").rio.crs.to_epsg() == 4326


def test_a_cell_of_one_class_has_the_values_of_that_class():
    shares = np.zeros((18, 1, 10), np.float32)
    for n in range(10):
        shares[n + 1, 0, n] = 1
    found = urban_form(shares)
    table = canopy_table()
    form = derived(table)
    np.testing.assert_array_equal(found.zones[0], np.arange(1, 11))
    np.testing.assert_allclose(found.fraction[0], table.loc[1:10, "FRC_URB2D"], rtol=1e-6)
    for place, name in ((91, "LP"), (92, "MH"), (93, "STDH"), (94, "MH"), (95, "LB"), (96, "LF")):
        np.testing.assert_allclose(found.parameters[place - 1, 0], form[name], rtol=1e-5)
    # street canyons: the plan area of buildings within the built part
    fractions = table.loc[1:10]
    np.testing.assert_allclose(form["LP"], fractions["BLDFR_URB2D"] / fractions["FRC_URB2D"])


def test_building_heights_are_a_whole_and_about_their_mean():
    edges = np.arange(0, 76, 5.0)
    shares = height_shares(canopy_table(), edges)
    np.testing.assert_allclose(shares.sum(1), 100)
    middle = shares @ (edges[:-1] + 2.5) / 100
    np.testing.assert_allclose(middle, canopy_table().loc[1:10, "MH_URB2D"], atol=2.5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"town": {"edge": 0.06}}, "does not cover the domain"),
        ({"town": {"zones": (2, 3)}}, "OLD 3 URBAN CLASSES"),
        ({"town": {"zones": (14,)}}, "No cell of the domain has an urban fraction"),
        ({"geo_em": {"categories": 41}}, "holds LCZ already"),
        ({"geo_em": {"categories": 40}, "version": "4.4"}, "before WRF 4.4.2"),
    ],
)
def test_what_wrf_would_stop_at_is_refused_before(tmp_path, change, says):
    town = write_town(tmp_path / "town.tif", **change.get("town", {}))
    geo_em = write_geo_em(tmp_path / "geo_em.d01.nc", **change.get("geo_em", {}))
    values = {"map_path": town, "to": "wrf", "geo_em": geo_em,
              "wrf_version": change.get("version", "4.6")}  # fmt: skip
    assert run(ExportRequest(**values, check=True)).fails
    with pytest.raises(InputError, match=says):
        run(ExportRequest(**values))


def test_few_zones_and_water_below_the_town_are_told_of(tmp_path):
    town = write_town(tmp_path / "town.tif", zones=(5, 6))
    geo_em = write_geo_em(tmp_path / "geo_em.d01.nc")
    with xr.open_dataset(geo_em, engine="scipy", decode_cf=False) as content:
        content = content.load()
    content["LANDMASK"].values[0, 9:11, 9:11] = 0
    content.to_netcdf(geo_em, engine="scipy", format="NETCDF3_64BIT")
    found = run(ExportRequest(map_path=town, to="wrf", geo_em=geo_em, check=True))
    said = " ".join(worded(f.text) for f in found.findings if f.level == "caution")
    assert not found.fails
    assert "only LCZ 5, 6: at least three urban zones" in said
    n = int((found.material.form.zones[9:11, 9:11] > 0).sum())
    assert n >= 2
    assert f"{n} cells of the domain are water for WRF" in said


def test_parents_of_a_nest_get_as_many_categories(town, tmp_path):
    write_geo_em(tmp_path / "geo_em.d01.nc", dx=3000.0)
    nest = write_geo_em(tmp_path / "geo_em.d02.nc")
    out = run(ExportRequest(map_path=town, to="wrf", geo_em=nest)).write(tmp_path / "out")
    parent, before = written(out / "geo_em.d01.nc"), written(tmp_path / "geo_em.d01.nc")
    assert parent.attrs["NUM_LAND_CAT"] == 61 == parent["LANDUSEF"].shape[1]
    np.testing.assert_array_equal(parent["LANDUSEF"].values[:, :21], before["LANDUSEF"].values)
    np.testing.assert_array_equal(parent["LU_INDEX"], before["LU_INDEX"])
    assert expanded(before, 41)["LANDUSEF"].shape[1] == 41


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"no NetCDF", "is no NetCDF file"), (b"CDF\x01broken", "cannot be read as NetCDF")],
)
def test_what_is_no_domain_is_refused(tmp_path, content, says):
    path = tmp_path / "geo_em.d01.nc"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        open_domain(path)
    xr.Dataset({"LU_INDEX": ("x", [1.0])}).to_netcdf(path, engine="scipy")
    with pytest.raises(InputError, match="is no geo_em file"):
        open_domain(path)
    with pytest.raises(InputError, match="WRF's projection 6"):
        open_domain(write_geo_em(path, MAP_PROJ=np.int32(6)))
    with pytest.raises(InputError) as refused:
        ExportRequest(map_path="map.tif", to="wrf")
    assert refused.value.parameter == "geo_em"
    with pytest.raises(InputError) as refused:
        ExportRequest(map_path="map.tif", to="wrf", geo_em=path, wrf_version="4.2")
    assert refused.value.parameter == "wrf_version"


def run_w2w(folder: Path, exported: Path, geo_em: Path, size: int) -> tuple[Path, str]:
    """A domain as w2w itself fills it from the map that was written for it, and what it printed."""
    command = needed_tool("w2w")
    folder.mkdir()
    for path in (exported / "lcz.tif", exported / "LCZ_UCP_lookup.csv", geo_em):
        shutil.copy(path, folder)
    done = subprocess.run(
        [command, str(folder), "lcz.tif", "geo_em.d01.nc", "-a", str(size**2), "--lcz-ucp",
         str(folder / "LCZ_UCP_lookup.csv")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "geo_em.d01_LCZ_params.nc", done.stdout


def all_checks_pass(said: str) -> bool:
    """Whether w2w's nine checks were made, and none of them warns."""
    made = all(f"Check {number}" in said for number in range(1, 10))
    return made and "WARNING" not in said and said.count("OK") >= 9


@pytest.fixture
def filled_by_w2w(town, geo_em, tmp_path) -> tuple[Path, str]:
    needed_tool("w2w")
    out = run(ExportRequest(map_path=town, to="wrf", geo_em=geo_em)).write(tmp_path / "out")
    return run_w2w(tmp_path / "w2w", out, geo_em, SIZE)


def test_w2w_takes_the_map_with_all_its_checks_passing(filled_by_w2w):
    assert all_checks_pass(filled_by_w2w[1])


@pytest.mark.slow
def test_w2w_takes_the_demo_city_with_all_its_checks_passing(demo, tmp_path):
    needed_tool("w2w")
    path = demo[0] / "fused_lcz.tif"
    centre = centre_of(geobox_of(open_lcz_map(path)))
    geo_em = write_geo_em(tmp_path / "geo_em.d01.nc", 500.0, size=8, centre=centre)
    out = run(ExportRequest(map_path=path, to="wrf", geo_em=geo_em)).write(tmp_path / "out")
    assert (written(out / "geo_em.d01.nc")["LU_INDEX"].values > 50).any()
    assert all_checks_pass(run_w2w(tmp_path / "w2w", out, geo_em, 8)[1])


def test_a_domain_is_filled_as_w2w_fills_it(filled_by_w2w, town, geo_em, tmp_path):
    path, _ = filled_by_w2w
    theirs = written(path)
    request = ExportRequest(map_path=town, to="wrf", geo_em=geo_em, wrf_version="4.3")
    result = run(request)
    mine = written(result.write(tmp_path / "mine") / "geo_em.d01.nc")
    ours, other = (d["LU_INDEX"].values[0].astype(int) for d in (mine, theirs))
    np.testing.assert_array_equal(ours > 30, other > 30)
    np.testing.assert_array_equal(ours[ours < 31], other[ours < 31])
    # theirs counts the map's cells, ours weighs them by the part that lies in the domain's cell: where two
    # classes are as large to half a row of these (9 of 48), they may choose differently
    row, col = np.nonzero(ours != other)
    assert len(row) < 0.05 * ours.size
    shares = result.material.form.shares
    gap = shares[ours[row, col] - 30, row, col] - shares[other[row, col] - 30, row, col]
    assert (gap >= 0).all()
    assert (gap < 4.5 / 48).all()
    np.testing.assert_allclose(mine["FRC_URB2D"], theirs["FRC_URB2D"], atol=1e-4)
    alike = ours == other
    parts = [d["LANDUSEF"].values[0][:, alike] for d in (mine, theirs)]
    np.testing.assert_allclose(*parts, atol=1e-5)
    np.testing.assert_allclose(mine["GREENFRAC"], theirs["GREENFRAC"], atol=1e-5)
    a, b = mine["URB_PARAM"].values[0], theirs["URB_PARAM"].values[0]
    np.testing.assert_allclose(a[90:96], b[90:96], rtol=2e-3, atol=1e-3)
    # theirs draws building heights at random, and an interval near 5 % may fall out of one of the two
    both = (a[117:] > 6) & (b[117:] > 6)
    assert both.any()
    np.testing.assert_allclose(a[117:][both], b[117:][both], atol=6)
