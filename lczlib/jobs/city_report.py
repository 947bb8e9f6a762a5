"""The report of a city: one HTML file that opens offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.export.files import written_files
from lczlib.export.report import Report
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
    said = _item(result).get("properties", {})
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
        report.section("Areas")
        areas = result.to_dataframe()
        names = [c for c in areas if c != "class"]
        rows = [
            (r["class"], *(f"{r[n]:.2f}" for n in names))
            for _, r in areas.iterrows()
            if r[names].sum() > 0
        ]
        report.table(("class", *names), rows, "Area by class, km²")
    if result.comparison is not None:
        report.section("Beside the published map")
        report.text(result.comparison.headline())
        report.text(_NO_TRUTH)
    report.section("Imagery")
    _seasons(report, said)
    _sources(report, result, said)
    report.section("Settings")
    report.settings({k: _plain(v) for k, v in result.request.given().items()})
    report.section("Software")
    report.versions()
    return report.write(path)


def _item(result: CityResult) -> dict[str, Any]:
    return json.loads((result.scenes / "item.json").read_text())


def _cautions(result: CityResult) -> list[str]:
    said = [c for reading in result.read for c in reading.cautions]
    return list(dict.fromkeys([*said, *result.mapped.warnings]))


def _draw(report: Report, result: CityResult, folder: Path) -> None:
    from lczlib.figures import cross_table_figure, save_figure
    from lczlib.figures.lcz import lcz_figure

    for season, scene in _scenes(result).items():
        report.figure(
            _true_colour(scene, folder / f"{season}.png"), f"Sentinel-2, true colour: {season}"
        )
    for i, (name, lcz) in enumerate(result.maps().items()):
        path = folder / f"{name}.png"
        lcz_figure(lcz, name.capitalize()).savefig(path, dpi=150)
        of = f" of {result.published['year']}" if i else ""
        report.figure(path, f"LCZ: {name}{of}")
    if result.comparison is not None:
        table = cross_table_figure(result.comparison.first, names=tuple(result.maps()))
        path = save_figure(table, folder / "cross_table.png")
        report.figure(path, f"Cross table: {' (rows), '.join(result.maps())} (columns)")


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
        f"terms: {said.get('terms', '')}. Every scene is named in scenes/item.json."
    )
    if result.published:
        p = result.published
        report.text(
            f"{p['title']}: {p['source']}; year {p['year']}, licence {p['licence']}. {p['citation']}"
        )
        for text in p["failed"]:
            report.text(f"Tried before: {text}.", "small")
    rows = [(w["name"], w["licence"], w["citation"]) for w in result.mapped.manifest["weights"]]
    report.table(("network", "licence", "citation"), rows)


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
