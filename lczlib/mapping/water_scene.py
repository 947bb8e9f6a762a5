"""Sentinel-1 scenes for the water network: bands, units, no data and grid checked at the door."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from lczlib.errors import GridError, InputError
from lczlib.grid import check_same_grid, describe, geobox_of
from lczlib.rasters import band_names, check_real, open_raster, physical
from lczlib.reading import Reading, tell
from lczlib.scenes.radar_missing import find_missing
from lczlib.scenes.radar_units import NAMES, Units, check_name, check_units, to_db
from lczlib.scenes.radiometry import SIGMA, direction_of, floor_of, radiometry_of
from lczlib.terms import option

Orbit = Literal["as", "des", "as_des"]
"""Passes that a network takes: ascending, descending, or both stacked."""

ORBITS: tuple[str, ...] = get_args(Orbit)
BANDS: dict[str, tuple[str, ...]] = {
    "as": ("VV_as", "VH_as"),
    "des": ("VV_des", "VH_des"),
    "as_des": ("VV_as", "VH_as", "VV_des", "VH_des"),
}
"""Input bands of each orbit's network, in its order."""

CELL_RANGE = (5.0, 20.0)
"""Metres. The network was trained on 10 m; outside this range water bodies have another size."""

CHUNK = 512
"""Edge in pixels of the pieces that a file is read in."""

_SMALLEST = 16  # pixels; below, hardly anything but mirrored or padded edge is read
_SAMPLE_WINDOW = 128
_METRES_PER_DEGREE = 111_320.0
_PASSES = {
    "as": {"as", "asc", "ascending"},
    "des": {"des", "desc", "dsc", "descending"},
}


def check_orbit(orbit: str) -> Orbit:
    """Return the orbit, or raise `InputError` if it is none of `ORBITS`."""
    if orbit not in ORBITS:
        msg = (
            f"{orbit!r} is no orbit: use as (ascending), des (descending) or as_des (both, the "
            "ascending bands first)."
        )
        raise InputError(msg, parameter="orbit")
    return orbit  # type: ignore[return-value]


def open_water_scene(
    path: str | Path,
    orbit: Orbit,
    *,
    descending: str | Path | None = None,
    dn_scale: float = 1.0,
    units: Units = "db",
) -> xr.DataArray:
    """Open a Sentinel-1 file as the water network takes it; pixels are read when they are needed.

    Parameters
    ----------
    path : path
        Raster with VV and VH (``as``, ``des``), or with ascending VV, VH and descending VV, VH
        (``as_des``). Bands are found by name (``VV_p50``, ``VH_des``); without names they must be
        exactly these, in this order.
    orbit : {"as", "des", "as_des"}
        Passes of the scene.
    descending : path, optional
        For ``as_des`` from two files: the file of the descending pass; `path` is the ascending one.
    dn_scale : float
        Stored values are divided by it: 100 for dB stored as integers of 0.01 dB.
    units : {"db", "linear", "amplitude"}
        Units of the values after that; intensity is converted by 10 log10, amplitude by 20 log10.

    Returns
    -------
    DataArray (band, y, x) float32
        See `water_scene`; the attribute ``radiometry`` says what its tags do.

    Raises
    ------
    InputError
        If bands are missing or ambiguous, values do not look like `units`, nothing is valid, or the
        two passes are of two radiometries.
    GridError
        If the grid has no CRS or no cells of about 10 m, or the passes are on different grids.
    """
    check_orbit(orbit)
    parts = [(path, orbit)] if descending is None else [(path, "as"), (descending, "des")]
    if descending is not None and orbit != "as_des":
        msg = f"A descending file was given, but the orbit is {orbit!r}: use as_des."
        raise InputError(msg, parameter="descending")
    opened, taken, stated, held, floors = [], [], [], [], []
    for file, part in parts:
        data = open_raster(file, "Sentinel-1 scene", chunks={"band": -1, "y": CHUNK, "x": CHUNK})
        names = band_names(data)
        data = physical(data).assign_coords(band=names)
        opened.append(select_bands(data, part, f"Sentinel-1 scene {file}"))
        taken.append(_taken(names, part, f"{Path(file).name}: " if descending else ""))
        taken += [data.attrs["scaling"]] if data.attrs["scaling"] else []
        found = radiometry_of(file)
        stated.append(
            f"{found} by its tags" if found else "sigma or gamma nought: its tags do not say"
        )
        held.append(found)
        _caution(found)
        _check_direction(file, part)
        floors += [floor_of(file)] * len(BANDS[part])
    if len(opened) == 2:
        check_same_grid(*opened, (f"ascending scene {path}", f"descending scene {descending}"))
        # coordinates may differ by rounding where the grids are the same
        opened[1] = opened[1].assign_coords(x=opened[0].x, y=opened[0].y)
    known = sorted(set(filter(None, held)))
    if len(known) > 1:
        msg = (
            f"Of the two passes one holds {known[0]} and the other {known[1]} by their tags: give both the same "
            "(lcz prepare-s1 writes sigma nought)."
        )
        raise InputError(msg, parameter="descending")
    scene = water_scene(
        xr.concat(opened, "band") if len(opened) == 2 else opened[0],
        orbit, dn_scale=dn_scale, units=units, what=f"Sentinel-1 scene {path}",
        source=str(path), bands="; ".join(dict.fromkeys([*stated, *taken])), floors=floors,
    )  # fmt: skip
    return scene.assign_attrs(radiometry="".join(known))


def water_scene(
    data: xr.DataArray | xr.Dataset,
    orbit: Orbit,
    *,
    dn_scale: float = 1.0,
    units: Units = "db",
    what: str = "Sentinel-1 scene",
    source: str = "in memory",
    bands: str = "",
    floors: Sequence[float | None] = (),
) -> xr.DataArray:
    """Check a scene and bring it to the schema of the water network.

    Parameters
    ----------
    data : DataArray (band, y, x), or Dataset with a variable per band
        Backscatter; the ``band`` coordinate (or the variables) named as in `open_water_scene`.
        In-memory or dask-backed.
    orbit, dn_scale, units
        See `open_water_scene`.
    what, source : str
        The scene, in messages and in what is told of its reading.
    bands : str
        Which bands were taken, to be told.
    floors : sequence of float or None
        Of each band the dB to which lower values were raised: calm water below the noise, and not missing.

    Returns
    -------
    DataArray (band, y, x) float32
        dB, bands as in `BANDS`, NaN where missing (`lczlib.scenes.radar_missing`) or 0: the networks'
        training scenes mark missing pixels with 0. Where one band is missing, maps have no data.

    Raises
    ------
    InputError, GridError
        See `open_water_scene`.
    """
    check_orbit(orbit)
    units = check_name(units)
    if not (np.isfinite(dn_scale) and dn_scale > 0):
        msg = (
            f"A DN scale of {dn_scale:g} makes no sense: give what 1 dB is stored as, such as 100."
        )
        raise InputError(msg, parameter="dn_scale")
    if isinstance(data, xr.Dataset):
        data = data.to_dataarray("band")
    data = select_bands(data.transpose("band", "y", "x"), orbit, what)
    if min(data.sizes["y"], data.sizes["x"]) < _SMALLEST:
        msg = (
            f"The {what} is {data.sizes['x']} x {data.sizes['y']} pixels: GMNet reads windows of 256 "
            f"pixels and more, and says nothing of a scene under {_SMALLEST}."
        )
        raise InputError(msg)
    _check_cells(geobox_of(data, what), what)
    check_real(data.dtype, what)
    values = data.astype(np.float32)
    if dn_scale != 1.0:
        values = values / np.float32(dn_scale)
    # a map has no data where one band is missing; the others keep their values there, for the
    # surroundings of other pixels, as in the published pipeline
    each = [slice(i, i + 1) for i in range(len(BANDS[orbit]))]
    missing = find_missing(
        values, [units] * len(each), each, floors if units == "db" and dn_scale == 1 else ()
    )
    # fills are judged before units: -9999 makes linear values look like dB
    doubts = check_units(missing.sample, units, what, dn_scale=dn_scale)
    names = [str(b).split("_")[0] if len(each) == 2 else str(b) for b in values.band.values]
    middles = np.nanmedian(to_db(missing.sample, units), axis=1)
    by = "after that scale" if data.attrs.get("scaling") or dn_scale != 1 else "as given"
    unit = f"{NAMES[units]} {by}, and plausible: in the middle "
    unit += ", ".join(f"{n} {m:.1f} dB" for n, m in zip(names, middles, strict=True))
    scaled = () if dn_scale == 1 else (f"stored values divided by {dn_scale:g}",)
    tell(
        Reading(
            "Sentinel-1 scene",
            source,
            (*((bands,) if bands else ()), *scaled, unit, *missing.said(names, dn_scale)),
            (*doubts, *missing.cautions(what)),
            {"units": units, "dn_scale": dn_scale, **missing.facts()},
        )
    )
    values = missing.without(values)
    if units != "db":
        values = xr.apply_ufunc(
            to_db, values, kwargs={"units": units}, dask="parallelized", output_dtypes=[np.float32]
        )
    values.attrs = {"units": "dB", "orbit": orbit}
    return values


def _caution(radiometry: str) -> None:
    """Caution of a radiometry that the networks may not know: once, of however many scenes."""
    if radiometry in ("", SIGMA):
        return
    text = (
        f"The scenes hold {radiometry}. On which one GMNet was trained is stated nowhere; sigma nought is the usual "
        "one of detected products. Gamma nought is about 1 dB brighter on flat land and evens slopes out: compare "
        "with sigma nought (lcz prepare-s1 with the recipe water) where it matters."
    )
    tell(Reading("radiometry", radiometry, ("by the tags of scenes",), (text,)))


def _check_direction(file: str | Path, part: str) -> None:
    """Refuse a scene of the other direction than the network's, where its tags say so."""
    found = direction_of(file)
    right = {"ascending": "as", "descending": "des"}.get(found, part)
    if part in _PASSES and right != part:
        msg = (
            f"{Path(file).name} is of {'an' if right == 'as' else 'a'} {found} pass by its tags, and the network of "
            f"{option('orbit', part)} was trained on the others: give {option('orbit', right)}."
        )
        raise InputError(msg, parameter="orbit")


def _taken(names: list[str], orbit: Orbit, file: str = "") -> str:
    """Which bands of a file are taken for an orbit, in words."""
    named = [_tokens(n) for n in names]
    wanted = [b if len(BANDS[orbit]) > 2 else b[:2] for b in BANDS[orbit]]
    if not any(tokens & {"vv", "vh"} for tokens in named):
        own = f", named {', '.join(n or 'nothing' for n in names)}" if any(names) else ", unnamed"
        return f"{file}bands 1 to {len(names)} as {', '.join(wanted)} by their order{own}"
    positions = _positions(named, orbit, "", "")
    pairs = (f"{b} from {names[i]}" for b, i in zip(wanted, positions, strict=True))
    return f"{file}bands by name: {', '.join(pairs)}"


def select_bands(data: xr.DataArray, orbit: Orbit, what: str) -> xr.DataArray:
    """The network's bands of a ``(band, y, x)`` array, by name, else by position.

    Raises
    ------
    InputError
        If a band is missing or two fit, or if the names say another orbit.
    """
    wanted = BANDS[orbit]
    names = [str(n) for n in data.band.values] if "band" in data.coords else []
    named = [_tokens(n) for n in names]
    listed = ", ".join(n or "unnamed" for n in names) or "unnamed"
    if not any(pol in tokens for tokens in named for pol in ("vv", "vh")):
        if any(pol in tokens for tokens in named for pol in ("hh", "hv")):
            msg = f"The {what} has bands {listed}: the water networks know VV and VH only."
            raise InputError(msg)
        twice = sorted({n for n in names if n and names.count(n) > 1})
        if twice:
            msg = (
                f"The {what} has {names.count(twice[0])} bands named {twice[0]}, so that VV and VH cannot be "
                "told from it: name the bands VV and VH."
            )
            raise InputError(msg)
        if data.sizes["band"] != len(wanted):
            msg = (
                f"The {what} has {data.sizes['band']} band(s) without VV / VH names, and orbit "
                f"{orbit} takes {len(wanted)}: {', '.join(wanted)}."
            )
            raise InputError(msg)
        return data.assign_coords(band=list(wanted))
    return data.isel(band=_positions(named, orbit, what, listed)).assign_coords(band=list(wanted))


def _tokens(name: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", name.lower()))


def _positions(named: list[set[str]], orbit: Orbit, what: str, listed: str) -> list[int]:
    """Where the bands of an orbit are, in a list of band names split into words."""
    absent = [pol for pol in ("vv", "vh") if not any(pol in tokens for tokens in named)]
    if absent:
        msg = (
            f"The {what} has bands {listed}, but no {absent[0].upper()}: the water networks take VV "
            "and VH together."
        )
        raise InputError(msg)
    no_pass = not any(tokens & words for tokens in named for words in _PASSES.values())
    polarised = [i for i, tokens in enumerate(named) if len(tokens & {"vv", "vh"}) == 1]
    kinds = [next(iter(named[i] & {"vv", "vh"})) for i in polarised]
    if no_pass and orbit == "as_des" and kinds == ["vv", "vh"] * 2:
        return polarised
    if no_pass and orbit == "as_des":
        msg = (
            f"The {what} has bands {listed}, which do not tell the ascending pass from the descending: "
            "orbit as_des takes both, stacked in one file (VV, VH, VV, VH) or with the descending one "
            f"apart ({option('descending')}); for one pass say as or des."
        )
        raise InputError(msg, parameter="orbit")
    positions = []
    for band in BANDS[orbit]:
        pol, passing = band.lower().split("_")
        fits = [
            i
            for i, kind in zip(polarised, kinds, strict=True)
            if kind == pol and (no_pass or named[i] & _PASSES[passing])
        ]
        if len(fits) != 1:
            found = "several bands fit" if fits else "no band is"
            advice = f"name the bands {', '.join(BANDS[orbit])}, or choose another orbit"
            if orbit == "as_des":
                advice = f"stack both passes into one file, or give the descending one apart ({option('descending')})"
            msg = f"The {what} has bands {listed}: {found} {band} of orbit {orbit}; {advice}."
            raise InputError(msg, parameter="orbit")
        positions += fits
    return positions


def cell_metres(box: GeoBox) -> tuple[float, float]:
    """Width and height of the cell in the middle of a grid, in metres on the ground."""
    width, height = abs(box.affine.a), abs(box.affine.e)
    if box.crs.geographic:
        latitude = np.deg2rad(box.extent.centroid.coords[0][1])
        return width * _METRES_PER_DEGREE * float(np.cos(latitude)), height * _METRES_PER_DEGREE
    factor = float(getattr(box.crs.proj.axis_info[0], "unit_conversion_factor", 1.0))
    return width * factor, height * factor


def _check_cells(box: GeoBox, what: str) -> None:
    low, high = CELL_RANGE
    width, height = cell_metres(box)
    if not (low <= width <= high and low <= height <= high):
        msg = (
            f"The {what} has cells of {width:.3g} x {height:.3g} m ({describe(box)}), but the water "
            f"networks were trained on 10 m and take {low:g}-{high:g} m: warp it to 10 m first."
        )
        raise GridError(msg)


def _sample(values: xr.DataArray) -> np.ndarray:
    """Valid pixels ``(band, n)``: 16 windows over the scene, all of it where those hold none."""
    rows, cols = (
        np.unique(np.linspace(0, max(0, n - _SAMPLE_WINDOW), 4).astype(int))
        for n in values.shape[1:]
    )
    for size, tops, lefts in (
        (_SAMPLE_WINDOW, rows, cols),
        (CHUNK, range(0, values.shape[1], CHUNK), range(0, values.shape[2], CHUNK)),
    ):
        found = []
        for top in tops:
            for left in lefts:
                part = values[:, top : top + size, left : left + size].values
                found.append(part[:, np.isfinite(part).all(0)])
                if size == CHUNK and found[-1].size:
                    return found[-1]
        pixels = np.concatenate(found, axis=1)
        if pixels.size:
            return pixels
    return np.empty((values.shape[0], 0), np.float32)


def typical(scene: xr.DataArray) -> np.ndarray:
    """The median of each band over windows spread over the scene, ``(band,)``."""
    return np.median(_sample(scene), axis=1)
