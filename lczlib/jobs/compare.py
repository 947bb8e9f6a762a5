"""Maps against each other: how far they agree, where they differ, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lczlib.errors import InputError
from lczlib.jobs.map_files import (
    CHUNKS,
    MapReading,
    advising,
    band,
    map_network,
    nodata,
    open_maps,
)
from lczlib.jobs.request import Source, Steps, is_path
from lczlib.jobs.result import Result, job
from lczlib.out_scheme import OutScheme, out_scheme
from lczlib.settings import setting

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import xarray as xr

    from lczlib.analysis.comparison import Comparison
    from lczlib.analysis.grouping import GroupAgreement


def _check_groups(given: Sequence[str]) -> None:
    from lczlib.analysis.grouping import GROUPINGS

    for name in given:
        if name not in GROUPINGS and not Path(name).suffix:
            msg = f"{name!r} is no grouping: {', '.join(GROUPINGS)}, or a CSV file of class and group."
            raise InputError(msg)
    if len({Path(name).stem for name in given}) < len(given):
        msg = (
            f"{', '.join(given)}: two groupings are called alike; rename a file, or leave one out."
        )
        raise InputError(msg)


@dataclass(frozen=True, kw_only=True)
class CompareRequest(MapReading):
    """Two maps or more against each other."""

    command: ClassVar = "compare"
    maps: ClassVar = ("map_a", "map_b", "more")

    map_a: Source = setting(
        ..., "First LCZ map: a raster, polygons, a published map by its name (prd_lcz_2020), or the folder of a city's "
        "map of So2Sat.", title="First map", file=True, argument=True,
        metavar="MAP_A",
    )  # fmt: skip
    map_b: Source = setting(
        ..., "Second LCZ map.", title="Second map", file=True, argument=True, metavar="MAP_B"
    )
    more: tuple[Source, ...] = setting(
        (), "Further maps, for a consensus.", title="Further maps", file=True, argument=True,
        metavar="MAP",
    )  # fmt: skip
    resample: Literal["nearest", "mode"] | None = setting(
        None, "Bring the others to the first map's grid this way.", title="Resampling",
        usual="other grids are refused",
    )  # fmt: skip
    band: tuple[str, ...] = band()
    nodata: tuple[str, ...] = nodata()
    by: Literal["cells", "area"] = setting(
        "cells", "Count cells, or weigh maps of polygons by the areas they share.", title="By"
    )
    names: tuple[str, ...] = setting(
        (), "What a map is called in the results; repeat, one for each.", title="Names", flag="--name",
        metavar="NAME", usual="the files' names", repeat=True,
    )  # fmt: skip

    groups: tuple[str, ...] = setting(
        (), "Also compare groups of classes: built (and natural), density, height, or a CSV of class and group; "
        "repeat for several.", title="Groups", flag="--group", metavar="NAME|FILE", repeat=True, check=_check_groups,
    )  # fmt: skip
    certainty: bool = setting(
        False, "Also tell the agreement by the certainty of the first two maps, where they have one.",
        title="By certainty",
    )  # fmt: skip

    out_scheme: OutScheme = out_scheme()

    def map_names(self) -> list[str]:
        """What the maps are called, in their order.

        Raises
        ------
        InputError
            If there is not one name for each, or two are alike.
        """
        usual = super().map_names()
        if not self.names:
            return usual
        if len(set(self.names)) != len(usual):
            msg = f"{', '.join(self.names)} are not {len(usual)} different names, one for each map."
            raise InputError(msg, parameter="names")
        return [*self.names]


@dataclass(frozen=True, kw_only=True)
class CompareResult(Result):
    """Maps against each other.

    Attributes
    ----------
    request : CompareRequest
    comparisons : tuple of Comparison
        Of each two maps; the first is that of the first two.
    maps : dict of str to DataArray
        The maps by name, on the first one's grid.
    networks : dict of str to str
        That made the maps, of those that say so.
    groups : tuple of GroupAgreement
        Of each grouping that was asked for, and each two maps.
    by_certainty : DataFrame or None
        As of `lczlib.analysis.confidence.agreement_by_certainty`, with ``map``: whose certainty it is.
    certainty_files : tuple of Path
        Probabilities that it rests on.
    """

    request: CompareRequest
    comparisons: tuple[Comparison, ...]
    maps: dict[str, xr.DataArray] = field(repr=False)
    networks: dict[str, str] = field(repr=False)
    groups: tuple[GroupAgreement, ...] = field(default=(), repr=False)
    by_certainty: pd.DataFrame | None = field(default=None, repr=False)
    certainty_files: tuple[Path, ...] = field(default=(), repr=False)

    @property
    def first(self) -> Comparison:
        """The comparison of the first two maps."""
        return self.comparisons[0]

    def to_dataframe(self) -> pd.DataFrame:
        """The classes of the first two maps (see `Comparison.classes`); of more maps a line a pair."""
        import pandas as pd

        if len(self.comparisons) == 1:
            return self.first.classes
        return pd.DataFrame([c.summary() for c in self.comparisons])

    def headline(self) -> str:
        """How far each two maps agree, in words."""
        from lczlib.analysis.words import compared

        return ". ".join(map(compared, self.comparisons)) + "."

    def _repr_html_(self) -> str:
        if len(self.comparisons) == 1:
            return self.first._repr_html_()
        return super()._repr_html_()

    def document(self) -> dict[str, Any]:
        """What ``comparison.json`` says, except for the consensus."""
        import lczlib

        sources = [v for _, v in self.request.sources()]
        told = {n: v if is_path(v) else None for n, v in zip(self.maps, sources, strict=True)}
        return {
            "maps": told, **self.first.to_dict(),
            "pairs": [c.summary() for c in self.comparisons], "networks": self.networks,
            "resampling": self.request.resample, "lczlib": lczlib.__version__,
            **({"groups": [g.summary() for g in self.groups]} if self.groups else {}),
        }  # fmt: skip

    def also_read(self) -> list[Path]:
        """Files of groups, and the probabilities beside the maps."""
        return [*(Path(n) for n in self.request.groups if Path(n).suffix), *self.certainty_files]

    def _write(self, folder: Path, figures: bool) -> None:
        import pandas as pd

        from lczlib.analysis import class_pairs
        from lczlib.analysis.confusion import confusion_table
        from lczlib.export.files import staged, write_result, write_table
        from lczlib.export.geotiff import write_raster
        from lczlib.jobs.record import seen_from

        content = self.document()
        content["maps"] = {n: seen_from(folder, v) for n, v in content["maps"].items()}
        a, b, *_ = self.maps.values()
        write_raster(
            folder / "differences.tif", class_pairs(a, b), nodata=0,
            descriptions=["100 x first + second; 1 same"], overview_resampling="mode",
        )  # fmt: skip
        if len(self.maps) > 2:
            content["consensus"] = _write_consensus(folder, self.maps, self.request.out_scheme)
        write_result(folder / "comparison.json", content)
        for name, table, index in (
            ("classes.csv", self.first.classes, True),
            ("cross_table.csv", confusion_table(self.first.counts), True),
            ("changes.csv", self.first.changes(), False),
        ):
            with staged(folder / name) as path:
                table.to_csv(path, index=index)
        if self.groups:
            write_table(
                folder / "groups.csv", pd.DataFrame([g.summary() for g in self.groups]), index=False
            )
        for found in self.groups:
            if found.names == self.first.names:
                write_table(folder / f"groups_{Path(found.grouping).stem}.csv", found.table)
        if self.by_certainty is not None:
            write_table(folder / "certainty.csv", self.by_certainty, index=False)
        if figures:
            self._draw(folder)

    def _draw(self, folder: Path) -> None:
        from lczlib import figures

        first = self.first
        areas = {
            name: first.classes[f"area_{side}_km2"]
            for name, side in zip(first.names, ("first", "second"), strict=True)
        }
        drawn = {
            "cross_table": lambda: figures.cross_table_figure(first),
            "areas": lambda: figures.areas_figure(areas),
        }
        if len(first.changes()):
            drawn["changes"] = lambda: figures.changes_figure(first)
        if len(self.comparisons) > 1:
            drawn["agreement"] = lambda: figures.agreement_figure([*self.comparisons])
        figures.save_figures(drawn, folder)


def _write_consensus(
    folder: Path, maps: Mapping[str, xr.DataArray], scheme: OutScheme
) -> dict[str, object]:
    from lczlib.analysis import consensus
    from lczlib.export import write_lcz_map, write_raster

    agreed = consensus(maps)
    write_lcz_map(folder / "consensus.tif", agreed["lcz"], scheme=scheme)
    write_raster(
        folder / "consensus_votes.tif", agreed["votes"], nodata=0, descriptions=["maps that agree"],
        overview_resampling="nearest",
    )  # fmt: skip
    complete = agreed["maps"] == len(maps)
    n = int(complete.sum())
    alike = int((complete & (agreed["votes"] == len(maps))).sum())
    return {"n": n, "n_unanimous": alike, "unanimous": alike / n if n else float("nan")}


@job
def run(request: CompareRequest, step: Steps) -> CompareResult:
    """Two maps or more against each other, each two of them."""
    from lczlib.analysis import compare_all
    from lczlib.analysis.by_area import all_by_area

    step("Reading the maps", 0, 2)
    sources = [v for _, v in request.sources()]
    maps = open_maps(sources, request, chunks=CHUNKS)
    maps = _on_first_grid(maps, request.resample)
    step("Counting", 1, 2)
    by_area = request.by == "area"
    found = all_by_area(_as_drawn(maps, sources, request)) if by_area else compare_all(maps)
    networks = {name: map_network(v) for name, v in zip(maps, sources, strict=True)}
    by_certainty, files = _by_certainty(maps, sources) if request.certainty else (None, ())
    return CompareResult(
        request=request, comparisons=tuple(found), maps=maps,
        networks={name: network for name, network in networks.items() if network},
        groups=_grouped(found, request.groups),
        by_certainty=by_certainty, certainty_files=files,
    )  # fmt: skip


def _grouped(comparisons: list[Comparison], groups: Sequence[str]) -> tuple[GroupAgreement, ...]:
    from lczlib.analysis.grouping import GROUPINGS, group_agreement, read_grouping

    return tuple(
        group_agreement(c.counts, GROUPINGS.get(name) or read_grouping(name), name, c.names)
        for name in groups
        for c in comparisons
    )


def _by_certainty(
    maps: dict[str, xr.DataArray], sources: list[Source]
) -> tuple[pd.DataFrame, tuple[Path, ...]]:
    """The agreement of the first two maps by the certainty of each of them that has one, and its files."""
    import pandas as pd

    from lczlib.analysis.confidence import agreement_by_certainty
    from lczlib.grid import geobox_of, same_grid, to_grid
    from lczlib.jobs.certainty import found_certainty

    (first, a), (second, b) = list(maps.items())[:2]
    box, parts, files = geobox_of(a), [], []
    for name, source in zip((first, second), sources, strict=False):
        sure, file = found_certainty(source, maps[name])
        if sure is None:
            continue
        files += [file] if file else []
        if not same_grid(geobox_of(sure), box):
            sure = to_grid(sure, box, "nearest")
        table = agreement_by_certainty(a, b, sure)
        table.insert(0, "map", name)
        parts.append(table)
    if not parts:
        msg = (
            f"Neither {first} nor {second} tells its certainty: it is that of probabilities beside a map (x_proba.tif "
            "of x_lcz.tif), or of a band of its own."
        )
        raise InputError(msg, parameter="certainty")
    return pd.concat(parts, ignore_index=True), tuple(files)


def _as_drawn(
    maps: dict[str, xr.DataArray], sources: list[Source], request: CompareRequest
) -> dict[str, xr.DataArray | gpd.GeoDataFrame]:
    """Maps of polygons as polygons, rasters as they are."""
    import xarray as xr

    from lczlib.polygons import labelled_shapes
    from lczlib.vector_maps import is_vector_map

    # what was read of them has been said when they were laid on the grid
    drawn: dict[str, xr.DataArray | gpd.GeoDataFrame] = dict(maps)
    for (name, how), source in zip(request.reading().items(), sources, strict=True):
        if not isinstance(source, xr.DataArray) and is_vector_map(source):
            with advising(name, request.called):
                drawn[name], _ = labelled_shapes(
                    source, how.column, scheme=how.scheme, layer=how.layer, what="LCZ map"
                )
    return drawn


def _on_first_grid(
    maps: dict[str, xr.DataArray], resample: Literal["nearest", "mode"] | None
) -> dict[str, xr.DataArray]:
    """All maps on the first one's grid, resampled once and not again for every pair."""
    from lczlib.analysis.confusion import aligned

    (name, base), *others = maps.items()
    return {name: base} | {n: aligned(base, m, resample, (name, n))[1] for n, m in others}
