"""The report of a city: one HTML file that opens offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lczlib.acquire.folder import item_of
from lczlib.classes import CLASSES
from lczlib.export.files import written_files
from lczlib.export.report import Report
from lczlib.grid import geobox_of
from lczlib.temporary import TemporaryFolder

if TYPE_CHECKING:
    import xarray as xr

    from lczlib.jobs.city import CityResult

_METHOD = (
    "Local Climate Zones after Stewart and Oke (2012, doi 10.1175/BAMS-D-11-00019.1) at 100 m. Each cell's class is "
    "the most probable of the 17 that a network gives the pixels around it; a cell with less than half of its pixels "
    "valid has no class."
)
_NO_TRUTH = (
    "The published map is a map too, of another year and method: where the two differ, either can be wrong. An "
    "accuracy needs reference polygons (`lcz assess`)."
)
_MOST_PIXELS = 1200


def write_report(result: CityResult, path: Path, *, figures: bool) -> Path:
    """Write the report.

    Parameters
    ----------
    result : CityResult
        The city; its files are in its folder.
    path : Path
        Of the report.
    figures : bool
        Whether to draw.
    """
    said = item_of(result.scenes)["properties"]
    report = Report(f"Local Climate Zones of {result.place.label}", said.get("title", ""))
    report.text(result.headline(), "answer")
    for text in _cautions(result):
        report.text(text, "warning")
    with (
        TemporaryFolder() as folder,
        written_files(),
    ):  # figures are in the report, no files of the result
        if figures:
            report.section("Maps")
            _draw(report, result, folder)
        report.section("Classes and their areas")
        _areas(report, result)
        if result.comparison is not None:
            report.section("Beside the published map")
            report.text(result.comparison.headline())
            report.text(_NO_TRUTH)
            if figures:
                _draw_cross_table(report, result, folder)
    report.section("Imagery")
    _seasons(report, said)
    _sources(report, result, said)
    report.section("Settings")
    report.settings({k: _plain(v) for k, v in result.request.given().items()})
    report.section("Software")
    report.versions()
    return report.write(path)


def _cautions(result: CityResult) -> list[str]:
    said = [c for reading in result.read for c in reading.cautions]
    return list(dict.fromkeys([*said, *result.mapped.warnings]))


def _draw(report: Report, result: CityResult, folder: Path) -> None:
    """The imagery and the maps, all of one extent; the table of areas below is their legend."""
    images = []
    for season, scene in _scenes(result).items():
        path = folder / f"{season}.png"
        images.append((_true_colour(scene, path), f"Sentinel-2, true colour: {season}"))
    for i, (name, lcz) in enumerate(result.maps().items()):
        of = f" of {result.published['year']}" if i else ""
        path = folder / f"{name}.png"
        images.append((_class_image(lcz, path), f"LCZ: {name}{of}, cells of 100 m"))
    report.images(images)
    rows, cols = result.lcz.shape
    report.text(
        f"{cols / 10:,.1f} x {rows / 10:,.1f} km, north up (EPSG:{geobox_of(result.lcz).crs.to_epsg()}); colours: "
        "see the classes below, white is no data.",
        "small",
    )


def _class_image(lcz: xr.DataArray, path: Path) -> Path:
    from matplotlib.colors import to_rgb
    from matplotlib.image import imsave

    colors = np.array([(1.0, 1.0, 1.0), *(to_rgb(c.color) for c in CLASSES)])
    imsave(path, colors[lcz.values])
    return path


def _areas(report: Report, result: CityResult) -> None:
    areas = result.to_dataframe()
    names = [c for c in areas if c != "class"]
    held = areas[areas[names].sum(axis=1) > 0]
    rows = [(r["class"], *(f"{r[n]:.2f}" for n in names)) for _, r in held.iterrows()]
    rows.append(("all classes", *(f"{areas[n].sum():,.2f}" for n in names)))
    without = [int((m.values == 0).sum()) for m in result.maps().values()]
    rows.append(("cells of 100 m without a class", *(f"{n:,}" for n in without)))
    colors = [CLASSES[i - 1].color for i in held.index]
    report.table(("class", *names), rows, "Area by class, km²", [*colors, "", ""])


def _draw_cross_table(report: Report, result: CityResult, folder: Path) -> None:
    from lczlib.figures import cross_table_figure, save_figure

    names = tuple(result.maps())
    table = cross_table_figure(result.comparison.first, names=names)
    path = save_figure(table, folder / "cross_table.png")
    report.figure(
        path,
        f"Of each class of {names[0]} (row), how many per cent have which class of {names[1]} (column).",
    )


def _scenes(result: CityResult) -> dict[str, xr.Dataset]:
    from lczlib.scenes import open_so2sat

    return open_so2sat(result.scenes, result.place.folder_name).seasons


def _true_colour(scene: xr.Dataset, path: Path) -> Path:
    from matplotlib.image import imsave

    from lczlib.figures.composites import optical_composite

    step = max(1, -(-max(scene.sizes.values()) // _MOST_PIXELS))
    imsave(
        path,
        optical_composite(scene.isel(y=slice(None, None, step), x=slice(None, None, step))).values,
    )
    return path


def _seasons(report: Report, said: dict[str, Any]) -> None:
    rows = []
    for name, season in said.get("seasons", {}).items():
        clear = season["clear_count"]
        rows.append((
            name, f"{season['start']} to {season['end']}", len(season["days"]), season["median_date"],
            f"{clear['median']:g}", f"{clear['share_of_pixels_without']:.1%}",
        ))  # fmt: skip
    heads = (
        "season",
        "period",
        "days used",
        "median day",
        "clear days, median",
        "pixels without any",
    )
    report.table(heads, rows)


def _sources(report: Report, result: CityResult, said: dict[str, Any]) -> None:
    report.section("Methods, data, citations")
    report.text(_METHOD)
    report.text(
        f"{said.get('attribution', '')}, by {said.get('provider', '')} ({said.get('source_collection', '')}); "
        f"terms: {said.get('terms', '')}. Each pixel is the {said.get('composite', '')} of its clear days "
        f"({said.get('processing:level', '')}); every scene is named in scenes/item.json."
    )
    if result.published:
        p = result.published
        report.text(
            f"{p['title']}: {p['source']}; year {p['year']}, licence {p['licence']}. {p['citation']}"
        )
        for text in p["failed"]:
            report.text(f"Tried before: {text}.", "small")
    for w in result.mapped.manifest["weights"]:
        report.text(f"Network {w['name']}, licence {w['licence']}. {w['citation']}")


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
