"""What each target says of a map, and how the map is written for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import lczlib
from lczlib.classes import CLASSES
from lczlib.export.files import write_features
from lczlib.export.geotiff import write_lcz_map
from lczlib.export.targets.findings import Finding, caution, fails, note
from lczlib.grid import geobox_of
from lczlib.jobs.export_material import Material
from lczlib.jobs.export_request import name_of_map, parse_days
from lczlib.jobs.export_wrf import check_wrf, write_wrf
from lczlib.jobs.map_files import map_network
from lczlib.longitudes import crosses
from lczlib.made_by import WEIGHTS_TAG
from lczlib.reading import counted, share
from lczlib.terms import option

_AREAS = "districts.csv"
_MANY_PATCHES = 200_000
"""Polygons of which a program on a desk is slow."""
_LARGEST_PICTURE = 8192
"""Pixels of an edge that graphics cards take as one picture (Google Earth's limit is theirs)."""
NATURAL = range(11, 18)


def check(material: Material) -> Iterator[Finding]:
    """What a target says of a map; `lczlib.jobs.export.ExportResult.findings`."""
    codes = material.lcz.values
    if not codes.any():
        yield fails("No cell of the map has a class: is this the right file, and the right band?")
        return
    if material.request.written_scheme == "0-16":
        yield note(
            "In the numbering 0-16 code 0 is compact high-rise and 255 no data: many programs take 0 for no data."
        )
    yield from _CHECKS[material.request.to](material)


def write(material: Material, folder: Path) -> None:
    """Write a map for its target into a folder."""
    _WRITERS[material.request.to](material, folder)


def facts_of(material: Material) -> dict[str, str]:
    """Where a map comes from, for the files that can say it."""
    network = map_network(material.request.map_path)
    told = {
        "source": f"{name_of_map(material.request)}{f', made by {network}' if network else ''}",
        "references": "https://doi.org/10.1175/BAMS-D-11-00019.1",
        "history": f"written by lczlib {lczlib.__version__}",
    }
    if material.request.date:
        first, last = parse_days(material.request.date)
        told |= {"time_coverage_start": f"{first}", "time_coverage_end": f"{last}"}
    return told


def _tags(material: Material) -> dict[str, str]:
    network = map_network(material.request.map_path)
    return {WEIGHTS_TAG: network} if network else {}


def _write_raster(material: Material, folder: Path) -> Path:
    path = folder / "lcz.tif"
    scheme = material.request.written_scheme
    return write_lcz_map(path, material.lcz, tags=_tags(material), scheme=scheme)


def _check_geotiff(material: Material) -> Iterator[Finding]:
    natural = int(np.isin(material.lcz.values, NATURAL).sum())
    known = int((material.lcz.values > 0).sum())
    if natural and material.request.written_scheme != "101-107":
        yield note(
            f"UMEP and SUEWS count only 1-10 and 101-107: of this map they would lose {share(natural, known)} of the "
            f"cells, the natural zones, without an error; write it for them with {option('out_scheme', '101-107')}."
        )


def _check_qgis(material: Material) -> Iterator[Finding]:
    yield note(
        "QGIS takes lcz.qml by itself, as it lies beside lcz.tif under the same name; others read lcz.sld."
    )
    yield from _check_geotiff(material)


def _write_styled(material: Material, folder: Path) -> None:
    """The raster, and beside it its styles for QGIS and for others."""
    from lczlib.export.targets.styles import write_styles

    _write_raster(material, folder)
    write_styles(folder, material.request.language, material.request.written_scheme)


def _check_gpkg(material: Material) -> Iterator[Finding]:
    from lczlib.export.targets.patches import without_small_patches

    request = material.request
    codes = material.lcz.values
    kept = without_small_patches(codes, request.min_cells)
    changed, known = int((kept != codes).sum()), int((codes > 0).sum())
    if changed:
        yield caution(
            f"The minimum mapping unit of {counted(request.min_cells, 'cell')} gives {changed:,} of {known:,} cells "
            f"({share(changed, known)}) another class."
        )
    if material.certainty is None:
        yield note(
            f"The polygons have no certainty: give the map's probabilities ({option('probabilities')})."
        )
    n = _count_patches(kept)
    if n > _MANY_PATCHES:
        yield caution(
            f"There are {n:,} polygons, which programs are slow with: raise the minimum mapping unit "
            f"({option('min_cells')})."
        )


def _count_patches(codes: np.ndarray) -> int:
    from scipy import ndimage

    return sum(ndimage.label(codes == c.number)[1] for c in CLASSES)


def _write_gpkg(material: Material, folder: Path) -> None:
    from lczlib.export.targets.geopackage import write_geopackage
    from lczlib.export.targets.patches import lcz_patches, without_small_patches

    request = material.request
    kept = without_small_patches(material.lcz.values, request.min_cells)
    patches = lcz_patches(
        material.lcz.copy(data=kept), material.certainty, language=request.language
    )
    facts = {**facts_of(material), "minimum_mapping_unit_cells": str(request.min_cells)}
    write_geopackage(folder / "lcz.gpkg", patches, language=request.language, facts=facts)


def _check_netcdf(material: Material) -> Iterator[Finding]:
    from lczlib.export.targets.netcdf import MOST_PLACES, can_write

    if not can_write():
        yield fails("NetCDF needs h5netcdf, which is not installed (pip install h5netcdf).")
    box = geobox_of(material.lcz, "LCZ map")
    if not box.axis_aligned:
        yield fails(
            "The map's grid is turned, and CF's axes are not: warp it to a grid north up first."
        )
    if material.lcz.size > MOST_PLACES and not box.crs.geographic:
        yield note(
            f"Beyond {MOST_PLACES:,} cells latitude and longitude of each cell are left out: programs that do not "
            "read the grid mapping cannot place the map."
        )


def _write_netcdf(material: Material, folder: Path) -> None:
    from lczlib.export.targets.netcdf import write_netcdf

    write_netcdf(
        folder / "lcz.nc", material.lcz, material.certainty, scheme=material.request.written_scheme,
        facts=facts_of(material),
    )  # fmt: skip


def _check_180(material: Material, what: str) -> Iterator[Finding]:
    if crosses(geobox_of(material.lcz, "LCZ map")):
        yield fails(
            f"The map lies on both sides of 180 degrees, where {what} cannot be one piece: cut it there, and write "
            "both parts."
        )


def _check_kmz(material: Material) -> Iterator[Finding]:
    yield from _check_180(material, "an overlay of KML")
    edge = max(material.lcz.shape)
    if edge > _LARGEST_PICTURE:
        yield caution(
            f"The map is {edge:,} cells wide or high: beyond {_LARGEST_PICTURE:,} Google Earth shows it blurred or "
            "not at all; cut it, or write a coarser one."
        )
    if geobox_of(material.lcz, "LCZ map").crs.epsg != 4326:
        yield note(
            "Google Earth shows degrees: cells are moved to their nearest neighbour's place."
        )


def _write_kmz(material: Material, folder: Path) -> None:
    from lczlib.export.targets.kmz import write_kmz

    name = f"Local Climate Zones, {name_of_map(material.request)}"
    write_kmz(folder / "lcz.kmz", material.lcz, name=name, language=material.request.language)


def _check_districts(material: Material) -> Iterator[Finding]:
    zones = _zones_of(material)
    off = zones[zones["outside_share"] >= 1]
    if len(off):
        yield caution(f"Off the map: {_some(off, zones)} ({_named(off)}).")
    part = zones[(zones["no_data_share"] > 0) & (zones["outside_share"] < 1)]
    if len(part):
        worst = part.loc[part["no_data_share"].idxmax()]
        yield caution(
            f"Ground without a class: in {_some(part, zones)}, at most {share(worst['no_data_share'], 1)} "
            f"({worst['name']}); the areas are of the rest, and the share stands beside them."
        )


def _some(part: pd.DataFrame, zones: pd.DataFrame) -> str:
    return f"{len(part):,} of {counted(len(zones), 'polygon')}"


def _named(zones: pd.DataFrame, most: int = 5) -> str:
    names = [str(n) for n in zones["name"][:most]]
    return ", ".join(names) + (", ..." if len(zones) > most else "")


def _zones_of(material: Material) -> pd.DataFrame:
    if material.zones is None:
        msg = f"{material.request.to} has no polygons"
        raise ValueError(msg)
    return material.zones


def district_table(zones: pd.DataFrame) -> pd.DataFrame:
    """Areas by polygon as they are written: ``lcz_<code>_km2`` of each class, the largest class, no data."""
    areas = zones[list(range(1, 18))]
    out = zones[["id", "name", "area_km2"]].copy()
    out["mapped_km2"] = areas.sum(axis=1)
    out["no_data_share"] = zones["no_data_share"]
    out["cells"] = zones["cells"]
    largest = areas.to_numpy().argmax(1)
    out["largest_lcz"] = [
        CLASSES[n].code if total > 0 else ""
        for n, total in zip(largest, out["mapped_km2"], strict=True)
    ]
    for c in CLASSES:
        out[f"lcz_{c.code}_km2"] = areas[c.number]
    return out


def _write_districts(material: Material, folder: Path) -> None:
    from lczlib.export.files import write_table

    write_table(folder / _AREAS, district_table(_zones_of(material)), index=False)


def _check_stac(material: Material) -> Iterator[Finding]:
    yield from _check_180(material, "an item's outline")
    if geobox_of(material.lcz, "LCZ map").crs.to_epsg() is None:
        yield note("The map's CRS has no EPSG code: the item holds its WKT instead.")


def _write_stac(material: Material, folder: Path) -> None:
    from lczlib.export.targets.stac import write_item

    request = material.request
    network = map_network(request.map_path)
    write_item(
        folder / "item.json", material.lcz, _write_raster(material, folder), name=name_of_map(request),
        days=parse_days(request.date), scheme=request.written_scheme, language=request.language,
        facts={"lcz:networks": network.split(" + ")} if network else {},
    )  # fmt: skip


def _check_umep(material: Material) -> Iterator[Finding]:
    codes = material.lcz.values
    known, natural = int((codes > 0).sum()), int(np.isin(codes, NATURAL).sum())
    if natural:
        yield note(
            f"{material.request.to.upper()} counts only 1-10 and 101-107: the map is written so. Of one numbered 1-17 "
            f"it would lose {share(natural, known)} of the cells, the natural zones, without an error."
        )
    box = geobox_of(material.lcz, "LCZ map")
    if box.crs.geographic:
        yield caution("The map is in degrees: UMEP works in metres; warp it to its UTM zone first.")
    if material.filled:
        yield caution(
            f"{counted(material.filled, 'cell')} without a class took that of the nearest cell: they are no "
            "observation."
        )
    empty = int((codes == 0).sum())
    how = f"fill them ({option('fill', 'nearest')}), or draw the polygons elsewhere"
    zones = material.zones
    if zones is None:
        if empty:
            yield caution(
                f"{empty:,} of {codes.size:,} cells have no class: UMEP leaves out each polygon that holds one of "
                f"them, with a line in its log alone; {how}."
            )
        return
    holed = zones[(zones["cells_no_data"] > 0) | (zones["outside_share"] > 0)]
    if len(holed):
        yield caution(
            f"A cell without a class, or ground beyond the map: in {_some(holed, zones)}, which UMEP leaves out "
            f"({_named(holed)}); {how}."
        )
    if material.request.to == "suews" and (zones["no_data_share"] >= 1).all():
        yield fails("No polygon holds a cell with a class: there is nothing to sum.")


def _write_suews(material: Material, folder: Path) -> None:
    from lczlib.export.targets.landcover import write_suews

    _write_raster(material, folder)
    zones = _zones_of(material)
    write_suews(folder, zones, zones["id"])
    if material.polygons is not None:
        kept = material.polygons.assign(no_data_share=zones["no_data_share"].to_numpy())
        write_features(folder / "grid.gpkg", kept, layer="grid")


_CHECKS: dict[str, Callable[[Material], Iterator[Finding]]] = {
    "geotiff": _check_geotiff, "qgis": _check_qgis, "gpkg": _check_gpkg, "netcdf": _check_netcdf,
    "kmz": _check_kmz, "districts": _check_districts, "stac": _check_stac, "umep": _check_umep,
    "suews": _check_umep, "wrf": check_wrf,
}  # fmt: skip
_WRITERS: dict[str, Callable[[Material, Path], object]] = {
    "geotiff": _write_raster, "qgis": _write_styled, "gpkg": _write_gpkg, "netcdf": _write_netcdf,
    "kmz": _write_kmz, "districts": _write_districts, "stac": _write_stac, "umep": _write_styled,
    "suews": _write_suews, "wrf": write_wrf,
}  # fmt: skip
