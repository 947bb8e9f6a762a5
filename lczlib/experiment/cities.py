"""The table of cities: what is learnt in one place, tested in each (Zhou et al. 2022, section 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.experiment.data import DataSet, SceneData
from lczlib.experiment.plan import EVERY_CITY, Cell
from lczlib.experiment.results import SHOWN, TableResult, gather
from lczlib.experiment.runner import run_path
from lczlib.export import write_lcz_map
from lczlib.map_request import MapRequest
from lczlib.out_scheme import USUAL, OutScheme
from lczlib.scene_options import SceneOptions
from lczlib.temporary import TemporaryFolder
from lczlib.training.run import WEIGHTS_FILE

if TYPE_CHECKING:
    from lczlib.experiment.data import City

_READING = (
    "Each line above was trained on the city that it names and tested on the test patches of all cities; "
    "below, on those of each. The paper's own figures are of networks trained and tested in one city (each city "
    "with itself), and of all cities with all.\n"
)


def on_each_city(
    cells: Sequence[Cell],
    results: Mapping[str, dict[str, Any]],
    folder: str | Path,
    data: DataSet,
    **how: Any,
) -> dict[str, TableResult]:
    """The table once for the test patches of each city, by its name.

    Parameters
    ----------
    cells, results, folder
        See `lczlib.experiment.results.gather`.
    data : DataSet
        What they were run on.
    **how
        What else `gather` takes.
    """
    place = data.subsets().test.table["city"].to_numpy()
    fingerprint = data.fingerprint()
    return {
        city: gather(cells, results, folder, fingerprint, keep=place == city, **how)
        for city in data.places
    }


def cross_frame(whole: TableResult, by_city: Mapping[str, TableResult]) -> pd.DataFrame:
    """One line for what was trained on and what it was tested on, as ``cities.csv`` holds it.

    Parameters
    ----------
    whole : TableResult
        On the test patches of all cities.
    by_city : mapping
        From `on_each_city`.

    Returns
    -------
    DataFrame
        ``trained_on``, ``tested_on``, ``n_seeds``, ``n_polygons``, ``n_patches``, and ``oa``, ``kappa``,
        ``aa``, each with ``_low``, ``_high`` (95%) and ``_sd`` (over seeds).
    """
    rows = []
    for name, table in {**by_city, EVERY_CITY: whole}.items():
        for c in table.cells:
            row: dict[str, Any] = {
                "trained_on": c.cell.label, "tested_on": name, "n_seeds": c.n_finished,
                "n_polygons": table.n_polygons, "n_patches": table.n_patches,
            }  # fmt: skip
            for score in SHOWN:
                row[score] = c.scores[score]
                row[f"{score}_low"], row[f"{score}_high"] = c.intervals[score]
                row[f"{score}_sd"] = c.spread[score]
            rows.append(row)
    return pd.DataFrame(rows)


def cross_markdown(frame: pd.DataFrame) -> str:
    """The overall accuracies of `cross_frame` as a table in Markdown, and how to read it."""
    tested = list(frame["tested_on"].unique())
    lines = [
        _READING, "| trained on | " + " | ".join(f"on {t}" for t in tested) + " |",
        "| --- |" + " --- |" * len(tested),
    ]  # fmt: skip
    for name, own in frame.groupby("trained_on", sort=False):
        found = own.set_index("tested_on").loc[tested]
        cells = (
            f"{r.oa:.3f} ({r.oa_low:.3f} to {r.oa_high:.3f})" if r.oa == r.oa else "-"
            for r in found.itertuples()
        )  # fmt: skip
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    sizes = frame.drop_duplicates("tested_on")
    n = ", ".join(f"{r.tested_on} {r.n_patches:,}" for r in sizes.itertuples())
    return "\n".join([*lines, "", f"Overall accuracy with 95% intervals; test patches: {n}."])


def confusion_figures(
    whole: TableResult, by_city: Mapping[str, TableResult], note: str = ""
) -> dict[str, Callable[[], Any]]:
    """Confusion matrices of each city with itself, and of all with all (Figures 7 and 8).

    Parameters
    ----------
    whole, by_city
        See `cross_frame`.
    note : str
        Put behind the titles.
    """
    from lczlib.figures import confusion_figure

    numbers = [c.number for c in CLASSES]
    drawn: dict[str, Callable[[], Any]] = {}
    for name, table in {**by_city, EVERY_CITY: whole}.items():
        own = next(c for c in table.cells if c.cell.label == name)
        if not own.n_finished:
            continue
        counts = xr.DataArray(
            own.counts, {"reference": numbers, "predicted": numbers}, ("reference", "predicted")
        )
        title = f"{name}, trained on it: {table.n_patches:,} test patches, % of reference"
        drawn[f"confusion_{name.replace(' ', '_')}"] = lambda c=counts, t=title: confusion_figure(
            c, title=f"{t} ({note})" if note else t
        )
    return drawn


def map_cities(
    cells: Sequence[Cell],
    results: Mapping[str, dict[str, Any]],
    folder: str | Path,
    out: str | Path,
    data: DataSet,
    progress: Callable[[str], None] = lambda _: None,
    *,
    scheme: OutScheme = USUAL,
) -> dict[str, xr.DataArray]:
    """Map each city with the network of its own, and with that of all cities (Figure 9).

    Parameters
    ----------
    cells, results, folder
        See `lczlib.experiment.results.gather`; of each cell the first seed's network is used.
    out : path
        Writes ``<city>_by_itself_lcz.tif`` and ``<city>_by_all_lcz.tif``.
    data : DataSet
        Of scenes.
    progress : callable
        Told of each map.
    scheme : {"1-17", "101-107", "0-16"}
        Numbering of the files, which state it.

    Raises
    ------
    InputError
        If the data set has patches and no scenes.
    """
    if not isinstance(data, SceneData):
        msg = f"{data.description} holds patches, which cannot be mapped: give the scenes."
        raise InputError(msg)
    fingerprint, maps = data.fingerprint(), {}
    by_name = {c.label: c for c in cells}
    for city in data.places:
        for label, kind in ((city, "itself"), (EVERY_CITY, "all")):
            key = by_name[label].runs[0].key(fingerprint)
            if results[key]["status"] != "finished":
                continue
            progress(f"{city} by {kind}")
            found = _mapped(_scenes_of(data, city), run_path(folder, key) / WEIGHTS_FILE, Path(out))
            write_lcz_map(Path(out) / f"{city}_by_{kind}_lcz.tif", found, scheme=scheme)
            maps[f"{city}_by_{kind}"] = found
    return maps


def _scenes_of(data: SceneData, name: str) -> City:
    """The scenes of a city: by its name, or the only ones."""
    return next((c for c in data.cities if c.files.options.city == name), data.cities[0])


def _mapped(city: City, weights: Path, out: Path) -> xr.DataArray:
    from lczlib.mapping import map_city

    files = city.files
    request = MapRequest(
        files.inputs, sentinel1=files.sentinel1, weights=(str(weights),),
        **{n: getattr(files.options, n) for n in SceneOptions.__dataclass_fields__},
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryFolder(out) as scratch:
        kinds = map_city(request, scratch).kinds
        return next(iter(kinds.values())).load()
