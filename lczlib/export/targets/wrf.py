"""Urban form of an LCZ map in a domain of WRF: what w2w writes into a ``geo_em`` file, after its paper.

Demuzere et al. 2022 (doi 10.21105/joss.04432): each cell of the map has the values of its class, and only these are
averaged over the cells of the domain; a cell is urban where the mean urban fraction is above 0.2, and takes the
built class that covers most of it. What was urban before takes the land use around it first.

Classes are 31-41 in WRF 4.3 up to 4.4.1 (of 41 land use categories), and 51-61 since 4.4.2 (of 61), so that they do
not meet the 40 of NLCD (https://github.com/wrf-model/WRF/issues/2159). w2w 0.6 writes the first alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from pyproj import CRS
from rasterio.enums import Resampling
from rasterio.warp import reproject
from scipy import spatial

from lczlib.errors import InputError
from lczlib.export.files import staged
from lczlib.export.targets.urban_canopy import canopy_table, derived, height_shares
from lczlib.grid import geobox_of
from lczlib.wrf_grids import wrf_grid

LEAST_FRACTION = 0.2
"""Urban fraction above which a cell of the domain is urban."""
_NEIGHBOURS = 45
_WITHIN = _NEIGHBOURS**2
"""Natural cells whose land use what was urban takes, and cells among which they are looked for."""
_HEIGHTS = np.arange(0, 76, 5.0)
_LEAST_SHARE = 5.0  # per cent of buildings in an interval of heights; below, it is none
_PARAMETERS = 132
_PLACES = {"LP": 91, "MH": 92, "STDH": 93, "HGT": 94, "LB": 95, "LF": 96, "HI": 118}
"""Positions in URB_PARAM, from 1 (NUDAPT 44 documentation of WRF)."""
_NEEDED = ("LU_INDEX", "LANDUSEF", "GREENFRAC", "XLAT_M", "XLONG_M")
_STATED = ("MAP_PROJ", "NUM_LAND_CAT", "ISURBAN", "ISWATER", "DX", "DY", "CEN_LAT", "CEN_LON")


@dataclass(frozen=True)
class Domain:
    """A domain of WRF, as geogrid wrote it.

    Attributes
    ----------
    path : Path
    content : Dataset
        As stored, in memory.
    crs : CRS
    transform : Affine
        Of the domain's cells, the first row in the south.
    """

    path: Path
    content: xr.Dataset
    crs: CRS
    transform: Affine

    @property
    def shape(self) -> tuple[int, int]:
        """Cells from south to north, and from west to east."""
        return self.content["LU_INDEX"].shape[-2:]

    @property
    def categories(self) -> int:
        """Land use categories."""
        return int(self.content.attrs["NUM_LAND_CAT"])


@dataclass(frozen=True)
class UrbanForm:
    """What an LCZ map says of the cells of a domain.

    Attributes
    ----------
    shares : array (18, y, x)
        Of each cell: without a class, and of each class.
    fraction : array (y, x)
        Urban fraction, 0 where the cell is not urban.
    zones : array (y, x), uint8
        Built class of urban cells, 0 of others.
    parameters : array (132, y, x), float32
        ``URB_PARAM``.
    intervals : int
        Most intervals of building heights in a cell (``NBUI_MAX``).
    """

    shares: np.ndarray
    fraction: np.ndarray
    zones: np.ndarray
    parameters: np.ndarray
    intervals: int


def first_code(version: tuple[int, ...]) -> int:
    """The land use category before LCZ 1, by the version of WRF: 30, or 50 since 4.4.2."""
    return 50 if version >= (4, 4, 2) else 30


def open_domain(path: str | Path) -> Domain:
    """Read a ``geo_em`` file.

    Raises
    ------
    InputError
        If it is none, or on a projection that is not known here.
    """
    path = Path(path)
    content = _read(path)
    lacks = [n for n in _NEEDED if n not in content] + [
        n for n in _STATED if n not in content.attrs
    ]
    if lacks:
        msg = f"{path} is no geo_em file of geogrid: it lacks {', '.join(lacks[:4])}."
        raise InputError(msg)
    rows, cols = content["LU_INDEX"].shape[-2:]
    found = wrf_grid(content.attrs, (rows, cols))
    if found is None:
        msg = (
            f"{path} is on WRF's projection {content.attrs['MAP_PROJ']}: Lambert conformal (1), polar stereographic "
            "(2) and Mercator (3) can be filled."
        )
        raise InputError(msg)
    crs, north_up = found
    # rows of WRF go from south to north
    transform = north_up * Affine.translation(0, rows) * Affine.scale(1, -1)
    return Domain(path, content, crs, transform)


def _read(path: Path) -> xr.Dataset:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as err:
        msg = f"The geo_em file {path} cannot be read ({err.strerror})."
        raise InputError(msg) from err
    engine = {b"CDF\x01": "scipy", b"CDF\x02": "scipy", b"\x89HDF": "h5netcdf"}.get(start)
    if engine is None:
        msg = f"{path} is no NetCDF file: give the geo_em file that geogrid wrote."
        raise InputError(msg)
    try:
        # as stored, but for texts: an array of characters would be written back with one dimension more
        with xr.open_dataset(
            path, engine=engine, mask_and_scale=False, decode_times=False, decode_coords=False
        ) as content:
            return content.load()
    except Exception as err:
        msg = f"{path} cannot be read as NetCDF ({str(err)[:80]}): is it complete?"
        raise InputError(msg) from err


def class_shares(lcz: xr.DataArray, domain: Domain) -> np.ndarray:
    """Share of each class, and of what has none, in each cell of a domain: (18, y, x), NaN off the map."""
    box = geobox_of(lcz, "LCZ map")
    codes = lcz.transpose("y", "x").values
    shares = np.full((18, *domain.shape), np.nan, np.float32)
    for number in range(18):
        reproject(
            (codes == number).astype(np.float32), shares[number], src_transform=box.affine,
            src_crs=box.crs.to_wkt(), dst_transform=domain.transform, dst_crs=domain.crs.to_wkt(),
            dst_nodata=np.nan, resampling=Resampling.average,
        )  # fmt: skip
    return shares


def off_the_map(lcz: xr.DataArray, domain: Domain) -> np.ndarray:
    """Cells of a domain of which a corner lies off the map: bool (y, x)."""
    from pyproj import Transformer

    box = geobox_of(lcz, "LCZ map")
    rows, cols = domain.shape
    col, row = np.meshgrid(np.arange(cols + 1), np.arange(rows + 1))
    x, y = domain.transform * (col.ravel(), row.ravel())
    # latitudes of WRF's sphere are those of the map, as every program that fills a domain takes them
    sphere = Transformer.from_crs(domain.crs, domain.crs.geodetic_crs, always_xy=True)
    to_map = Transformer.from_crs("EPSG:4326", box.crs.to_wkt(), always_xy=True)
    east, north = to_map.transform(*sphere.transform(x, y))
    bounds = box.boundingbox
    outside = ~(
        (np.array(east) >= bounds.left) & (np.array(east) <= bounds.right)
        & (np.array(north) >= bounds.bottom) & (np.array(north) <= bounds.top)
    )  # fmt: skip
    corner = outside.reshape(rows + 1, cols + 1)
    return corner[:-1, :-1] | corner[1:, :-1] | corner[:-1, 1:] | corner[1:, 1:]


def urban_form(shares: np.ndarray) -> UrbanForm:
    """What the shares of classes say of the cells of a domain; see the module.

    Parameters
    ----------
    shares : array (18, y, x)
        As of `class_shares`; NaN counts as no class.
    """
    shares = np.nan_to_num(shares)
    built = shares[1:11].astype(np.float64)
    table = canopy_table()
    form = derived(table)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.tensordot(values, built, 1)

    fraction = mean(table.loc[1:10, "FRC_URB2D"].to_numpy())
    fraction = np.where(fraction > LEAST_FRACTION, fraction, 0)
    urban = fraction > 0
    zones = np.where(urban, built.argmax(0) + 1, 0).astype(np.uint8)
    out = np.zeros((_PARAMETERS, *urban.shape), np.float32)
    layers = {n: mean(form[n].to_numpy()) for n in ("LP", "MH", "STDH", "LB", "LF")}
    ground = form["building"].to_numpy() ** 2
    over = mean(ground)
    layers["HGT"] = np.divide(
        mean(ground * form["MH"].to_numpy()), over, out=np.zeros_like(over), where=over > 0
    )
    for name, layer in layers.items():
        first = _PLACES[name] - 1
        # frontal area of all four directions is alike
        out[first : first + (4 if name == "LF" else 1)] = np.where(urban, layer, 0)
    heights = np.tensordot(height_shares(table, _HEIGHTS).T, built, 1)
    heights[heights < _LEAST_SHARE] = 0
    total = heights.sum(0)
    heights = np.divide(100 * heights, total, out=np.zeros_like(heights), where=urban & (total > 0))
    out[_PLACES["HI"] - 1 :] = heights
    return UrbanForm(shares, fraction, zones, out, int((heights > 0).sum(0).max(initial=0)))


def without_urban(content: xr.Dataset) -> xr.Dataset:
    """A domain in which what was urban has the land use that is most frequent around it.

    Raises
    ------
    InputError
        If no natural land lies around it.
    """
    out = content.copy(deep=True)
    use, parts, green = (out[n].values for n in ("LU_INDEX", "LANDUSEF", "GREENFRAC"))
    use, parts, green = use[0], parts[0], green[0]
    urban, known = int(content.attrs["ISURBAN"]), int(content.attrs["NUM_LAND_CAT"])
    waters = [int(content.attrs["ISWATER"])]
    lake = int(content.attrs.get("ISLAKE", -1))
    waters += [lake] if 0 < lake < known else []
    before = use.copy()
    natural = (before != urban) & ~np.isin(before, waters)
    places = np.flatnonzero(before.ravel() == urban)
    if len(places):
        lat, lon = (np.deg2rad(content[n].values[0].ravel()) for n in ("XLAT_M", "XLONG_M"))
        points = np.c_[np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
        _, near = spatial.KDTree(points).query(points[places], k=min(_WITHIN, len(points)))
        flat_green = green.reshape(len(green), -1)
        kept = flat_green.copy()
        for place, others in zip(places, np.atleast_2d(near), strict=True):
            others = others[natural.ravel()[others]][:_NEIGHBOURS]
            if not len(others):
                msg = "The domain has no natural land around its urban cells: what they were cannot be told."
                raise InputError(msg)
            values, counts = np.unique(before.ravel()[others], return_counts=True)
            most = values[counts.argmax()]
            use.ravel()[place] = most
            alike = others[before.ravel()[others] == most]
            flat_green[:, place] = kept[:, alike].mean(1)
    row, col = np.nonzero(parts[urban - 1])
    moved = parts[urban - 1, row, col].copy()
    parts[urban - 1, row, col] = 0
    parts[use[row, col].astype(int) - 1, row, col] += moved
    return out


def with_urban_form(domain: Domain, form: UrbanForm, base: int) -> xr.Dataset:
    """A domain with the classes and the urban form of an LCZ map.

    Parameters
    ----------
    domain : Domain
        As geogrid wrote it.
    form : UrbanForm
        Of its cells.
    base : int
        As of `first_code`.
    """
    out = without_urban(domain.content)
    urban = form.zones > 0
    use = out["LU_INDEX"].values
    use[0][urban] = form.zones[urban] + base
    was = domain.content["LU_INDEX"].values[0] == int(domain.content.attrs["ISURBAN"])
    if was.any():  # green fraction of cities, month by month
        green = domain.content["GREENFRAC"].values[0][:, was].mean(1)
        out["GREENFRAC"].values[0][:, urban] = green[:, None]
    out = expanded(out, base + 11)
    parts = out["LANDUSEF"].values
    parts[0][:, urban] = 0
    row, col = np.nonzero(urban)
    parts[0, use[0, row, col].astype(int) - 1, row, col] = 1
    dims = ("Time", "south_north", "west_east")
    told = {"FieldType": np.int32(104), "stagger": "M", "sr_x": np.int32(1), "sr_y": np.int32(1)}
    out["FRC_URB2D"] = (
        dims, form.fraction[None].astype(np.float32),
        {**told, "MemoryOrder": "XY ", "units": "-", "description": "ufrac"},
    )  # fmt: skip
    out["URB_PARAM"] = (
        ("Time", "num_urb_params", *dims[1:]), form.parameters[None],
        {**told, "MemoryOrder": "XYZ", "units": "dimensionless", "description": "all urban parameters"},
    )  # fmt: skip
    out.attrs |= {"FLAG_URB_PARAM": np.int32(1), "NBUI_MAX": np.int32(form.intervals)}
    return out


def expanded(content: xr.Dataset, categories: int) -> xr.Dataset:
    """A domain whose land use fractions have more categories, as the parents of one with LCZ must have."""
    parts = content["LANDUSEF"]
    more = categories - parts.shape[1]
    out = content.drop_vars("LANDUSEF")
    wide = np.pad(parts.values, ((0, 0), (0, max(more, 0)), (0, 0), (0, 0)))
    modis = int(content.attrs["NUM_LAND_CAT"]) < 24
    kind = (
        "Noah-modified {}-category IGBP-MODIS landuse"
        if modis
        else "modified {}-category USGS landuse"
    )
    attrs = {**parts.attrs, "description": kind.format(categories)}
    out["LANDUSEF"] = (parts.dims, wide, attrs)
    out.attrs |= {"NUM_LAND_CAT": np.int32(categories)}
    return out


def write_domain(path: str | Path, content: xr.Dataset, facts: Mapping[str, Any]) -> Path:
    """Write a domain in NetCDF's classic form with 64-bit offsets, which every build of WPS reads."""
    content = content.assign_attrs(dict(facts))
    with staged(path) as temporary:
        content.to_netcdf(temporary, engine="scipy", format="NETCDF3_64BIT")
    return Path(path)
