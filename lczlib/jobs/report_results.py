"""What a report tells of: results of commands, read from their folders as they were written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lczlib.analysis.best import Scored
from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.export.manifest import MANIFEST, command_of
from lczlib.jobs.methods_facts import Recorded
from lczlib.kinds import TITLES, lcz_file
from lczlib.reading import quiet

if TYPE_CHECKING:
    import xarray as xr

    from lczlib.analysis import AccuracyDifference

RESULTS = "results"
"""Folder beside a report that holds its results."""
_TAIL = "_lcz"


@dataclass(frozen=True)
class Judged:
    """The accuracy of one map.

    Attributes
    ----------
    title : str
        Of the map.
    content : dict
        ``assessment.json``.
    reference : str
        The reference's file as the manifest has it, else what the document says.
    recorded : Recorded, optional
        The result that holds it.
    """

    title: str
    content: Mapping[str, Any]
    reference: str
    recorded: Recorded | None = None

    @property
    def scored(self) -> Scored:
        """Its overall accuracy."""
        return Scored(*self.score("oa"), self.n, self.units)

    @property
    def n(self) -> int:
        """Cells that have both a class of the reference and of the map."""
        return int(self.content["n"])

    @property
    def units(self) -> str:
        """``120 polygons``: what the intervals are drawn over."""
        method = self.content.get("intervals") or {}
        n, unit = method.get("n_units"), method.get("unit", "unit")
        return f"{n:,} {unit}{'' if n == 1 else 's'}" if isinstance(n, int) else ""

    def score(self, name: str) -> tuple[float, float, float]:
        """A score with its 95 % interval; NaN where there is none."""
        low, high = self.content.get(f"{name}_ci") or (None, None)
        return _number(self.content.get(name)), _number(low), _number(high)

    @cached_property
    def classes(self) -> pd.DataFrame:
        """Index LCZ 1..17: ``pa``, ``ua`` with ``_low`` and ``_high``, ``n_reference``, ``n_predicted``."""
        rows = {}
        for row in self.content["classes"]:
            told: dict[str, Any] = {n: int(row[n]) for n in ("n_reference", "n_predicted")}
            for name in ("pa", "ua"):
                low, high = row.get(f"{name}_ci") or (None, None)
                told |= {
                    name: _number(row.get(name)), f"{name}_low": _number(low), f"{name}_high": _number(high),
                }  # fmt: skip
            rows[int(row["lcz"])] = told
        return pd.DataFrame.from_dict(rows, orient="index")


@dataclass(frozen=True)
class Warmth:
    """A heat island of one kind and overpass.

    Attributes
    ----------
    content : dict
        ``heat_island.json``, or one of its other overpasses.
    folder : Path
    map_error : bool
        Whether the intervals hold the map's own error.
    suffix : str
        Of its files, for results beside the main one: ``_night``.
    """

    content: Mapping[str, Any]
    folder: Path
    map_error: bool = False
    suffix: str = ""

    @property
    def kind(self) -> str:
        """``surface`` or ``canopy``."""
        return str(self.content["kind"])

    @property
    def by_stations(self) -> bool:
        """Whether of stations, not of pixels."""
        return self.content.get("by", "pixels") == "stations"

    @property
    def title(self) -> str:
        """``Surface heat island, day``."""
        when = str(self.content.get("overpass") or "")
        by = " (stations)" if self.by_stations else ""
        named = f", {when}" if when in ("day", "night") else ""
        return f"{self.kind.capitalize()} heat island{by}{named}"

    @property
    def counted(self) -> str:
        """Column of the sample size."""
        return "n_stations" if self.by_stations else "n_pixels"

    @cached_property
    def classes(self) -> pd.DataFrame:
        """Index LCZ: ``mean``, ``difference``, ``ci_low``, ``ci_high``, ``note``, sample sizes."""
        rows = []
        for row in self.content["classes"]:
            low, high = row.get("difference_ci") or (None, None)
            told = {"ci_low": _number(low), "ci_high": _number(high), "note": row.get("note") or ""}
            told |= {"difference": _number(row.get("difference")), "mean": _number(row.get("mean"))}
            rows.append({**row, **told})
        columns = ["lcz", "mean", "difference", "ci_low", "ci_high", "note", self.counted]
        table = pd.DataFrame(rows, columns=None if rows else columns)
        return table.set_index("lcz")

    @cached_property
    def _as_result(self) -> Any:
        """What the sentences of heat islands read, of the document."""
        told = self.content
        note = str(told.get("reference_note") or "")
        return SimpleNamespace(
            classes=self.classes,
            reference=SimpleNamespace(
                label=told.get("reference") or "", classes=tuple(told.get("reference_classes") or ()), note=note,
            ),
            options=SimpleNamespace(confidence=float(told.get("confidence", 0.95))), bias="",
            few_blocks=str(told.get("few_blocks") or ""),
        )  # fmt: skip

    @property
    def level(self) -> str:
        """Confidence of the intervals."""
        from lczlib.jobs.heat_words import level_of

        return level_of(self._as_result)

    def sentence(self) -> str:
        """The result in a sentence, as its command says it."""
        from lczlib.jobs.heat_words import sentence

        return sentence(self._as_result, self.kind, self.counted, map_error=self.map_error)

    def cautions(self) -> list[str]:
        """What else its reader must know."""
        from lczlib.jobs.heat_words import cautions

        return [*cautions(self._as_result), *filter(None, [self.content.get("dates_note")])]


@dataclass(frozen=True)
class Results:
    """All that a report tells of.

    Attributes
    ----------
    recorded : tuple of Recorded
        Results with a manifest, in the order given.
    files : dict of Path to DataArray
        Maps without one, read.
    differences : dict of (int, int) to AccuracyDifference
        Of two assessments, by their places in `judged`; see `told_apart`.
    """

    recorded: tuple[Recorded, ...]
    files: Mapping[Path, xr.DataArray] = field(default_factory=dict)
    differences: Mapping[tuple[int, int], AccuracyDifference] = field(default_factory=dict)

    @classmethod
    def of(
        cls, sources: Sequence[str | Path], files: Mapping[Path, xr.DataArray] | None = None
    ) -> Results:
        """Read the manifests of results.

        Parameters
        ----------
        sources : sequence of path
            Folders of results, manifests, and the `files`.
        files : mapping of Path to DataArray, optional
            Those of the sources that are maps without a manifest, read.

        Raises
        ------
        InputError
            If one is no result.
        """
        files = dict(files or {})
        folders = [s for s in map(Path, sources) if s not in files]
        return cls(tuple(Recorded.of(p) for s in folders for p in manifests_in(s)), files)

    def by(self, command: str) -> list[Recorded]:
        """The results of a command."""
        return [r for r in self.recorded if r.command == command]

    @cached_property
    def map_files(self) -> dict[str, Path]:
        """The maps by their titles: those that networks made, then the others; no seasons' own."""
        found: dict[str, Path] = {}
        for one in self.by("map"):
            kinds = one.content.get("kinds") or [
                n.removesuffix(lcz_file("")) for n in one.content.get("outputs", {}) if n.endswith(lcz_file(""))
            ]  # fmt: skip
            for kind in (k for k in kinds if k.partition("_")[0] not in kinds or "_" not in k):
                path = one.folder / lcz_file(kind)
                if path.is_file():
                    found[_free(TITLES[kind], one.folder.name, found)] = path
        for path in self.files:
            found[_free(title_of(path), path.parent.name, found)] = path
        return found

    @cached_property
    def maps(self) -> dict[str, xr.DataArray]:
        """The maps, read."""
        from lczlib.maps import open_lcz_map

        with quiet():  # of its own results this project knows all
            return {
                t: self.files[p] if p in self.files else open_lcz_map(p, scheme="1-17").load()
                for t, p in self.map_files.items()
            }

    def title(self, recorded: Recorded, named: Any) -> str:
        """What a map is called that another result was made with, by its file."""
        if not named:
            return "map"
        path = (recorded.folder / str(named)).resolve()
        for title, known in self.map_files.items():
            if known.resolve() == path:
                return title
        return title_of(path)

    def titles(self, recorded: Recorded, content: Mapping[str, Any]) -> dict[str, str]:
        """What the maps of a comparison are called, by their names in its document."""
        told, names = recorded.content.get("parameters", {}), [*(content.get("maps") or {})]
        files = [told.get("map_a"), told.get("map_b"), *(told.get("more") or ())]
        found = {}
        for name, file in zip(names, files, strict=False):
            title = self.title(recorded, file) if file else name
            found[name] = (
                TITLES[name] if title == Path(str(file)).stem and name in TITLES else title
            )
        return found

    @cached_property
    def judged(self) -> list[Judged]:
        """The accuracy of maps."""
        found = []
        for one, content in self._documents("assess", "assessment.json"):
            told = one.content.get("parameters", {})
            named = told.get("lcz_map") or content.get("map")
            reference = told.get("reference") or content.get("reference") or "the reference"
            found.append(Judged(self.title(one, named), content, Path(str(reference)).name, one))
        return found

    @cached_property
    def warmth(self) -> list[Warmth]:
        """Heat islands, those of other overpasses behind the first."""
        found = []
        for one, content in self._documents("uhi", "heat_island.json"):
            others = content.get("other_overpasses") or ()
            drawn = content.get("by") == "pixels" and one.content["parameters"].get("probabilities")
            found.append(Warmth(content, one.folder, bool(drawn)))
            found += [
                Warmth(told, one.folder, bool(drawn), f"_{told.get('overpass')}") for told in others
            ]
        return found

    def compared(self) -> Iterator[tuple[Recorded, Mapping[str, Any]]]:
        """Comparisons with their documents."""
        return self._documents("compare", "comparison.json")

    def fields(self) -> Iterator[tuple[Recorded, Mapping[str, Any]]]:
        """Fields of air temperature with their documents."""
        return self._documents("field", "field.json")

    def waters(self) -> Iterator[tuple[Recorded, Mapping[str, Any]]]:
        """Surface water with its documents."""
        return self._documents("water", "water.json")

    @property
    def simulated(self) -> bool:
        """Whether any of it was made from what is simulated."""
        return any(r.content.get("simulated") for r in self.recorded)

    def _documents(self, command: str, name: str) -> Iterator[tuple[Recorded, Mapping[str, Any]]]:
        for one in self.by(command):
            found = one.document(name)
            if found is not None:
                yield one, found[1]


def by_reference(judged: Sequence[Judged]) -> dict[str, list[int]]:
    """Which of some assessments are by the same reference, as places in the sequence."""
    found: dict[str, list[int]] = {}
    for i, one in enumerate(judged):
        found.setdefault(one.reference, []).append(i)
    return found


def manifests_in(source: Path) -> list[Path]:
    """The manifests of a result's folder, in which several commands may have written; or the file itself.

    Raises
    ------
    InputError
        If there is none.
    """
    if source.is_file():
        return [source]
    if not source.exists():
        msg = f"{source} does not exist: check the path."
        raise InputError(msg, parameter="results")
    found = sorted(source.glob(f"*-{MANIFEST}"))
    found = [p for p in (source / MANIFEST, *found) if p.is_file() and command_of(p)]
    if not found:
        msg = (
            f"{source} holds no result with its manifest.json: give folders that lcz map, assess, compare, uhi, field "
            "or water wrote, or LCZ maps as GeoTIFF."
        )
        raise InputError(msg, parameter="results")
    return found


def title_of(path: Path) -> str:
    """What a map's file is called: ``s2_lcz.tif`` is Sentinel-2."""
    stem = path.stem
    if stem == "lcz_global":  # beside imagery
        return TITLES["global"]
    return TITLES[stem.removesuffix(_TAIL)] if stem.endswith(_TAIL) else stem


def areas_of(maps: Mapping[str, xr.DataArray]) -> pd.DataFrame:
    """Area in km2 of each class (index 1..17), a column a map."""
    from lczlib.analysis import class_areas

    if not maps:
        return pd.DataFrame(index=pd.RangeIndex(1, N_CLASSES + 1))
    return pd.DataFrame({t: class_areas(m)["area_km2"] for t, m in maps.items()})


def _free(title: str, folder: str, taken: Mapping[str, Any]) -> str:
    """A title that no other map has."""
    name, i = title, 2
    if name in taken:
        name = f"{title} ({folder})"
    while name in taken:
        name, i = f"{title} ({folder}, {i})", i + 1
    return name


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)
