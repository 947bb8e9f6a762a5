"""Class probabilities made honest by reference polygons, and the weights with which maps are best fused."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lczlib.analysis.options import FEWEST_REPLICATES, REPLICATES
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.jobs.request import Request, Source, Steps, is_path
from lczlib.jobs.result import Result, job
from lczlib.reading import counted
from lczlib.settings import setting
from lczlib.terms import option

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    import xarray as xr

    from lczlib.analysis.recalibration import Cells
    from lczlib.calibrators import Calibration

MEAN, LEARNED = "mean", "learned"


@dataclass(frozen=True, kw_only=True)
class CalibrateRequest(Request):
    """Class probabilities, and the polygons by which they are calibrated."""

    command: ClassVar = "calibrate"

    probabilities: tuple[Source, ...] = setting(
        ..., "Class probabilities of one grid: s1_proba.tif, s2_proba.tif. Of several, the weights of their fusion "
        "are learned too.", title="Class probabilities", file=True, argument=True, metavar="PROBA...",
    )  # fmt: skip
    reference: Source = setting(
        ..., "Reference polygons that no network was trained on (GPKG, GeoJSON, KML/KMZ, Shapefile).",
        title="Reference", file=True,
    )  # fmt: skip
    column: str | None = setting(None, "Polygon column that holds the class.", title="Column")
    layer: str | None = setting(None, "Layer of the polygon file.", title="Layer")
    method: Literal["temperature", "dirichlet"] = setting(
        "dirichlet", "temperature: one number, which keeps every label. dirichlet: also what a network takes for what; "
        "as free as inner folds allow, down to temperature.", title="Method",
    )  # fmt: skip
    block: float | None = setting(
        None, "Polygons whose middles lie in one square of so many metres stay in one fold.", title="Block (m)",
        low=0, open_ends=True, usual="each polygon by itself",
    )  # fmt: skip
    folds: int = setting(5, "Parts that are held out in turn.", title="Folds", low=2)
    replicates: int = setting(
        REPLICATES, "Bootstrap replicates.", title="Replicates", low=FEWEST_REPLICATES
    )
    seed: int = setting(0, "Of folds and bootstrap.", title="Seed", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [kind for kind, _ in self.kinds()]
        twice = {n for n in names if names.count(n) > 1}
        if twice:
            msg = (
                f"Two maps are called {twice.pop()}: give one of each kind (s1_proba.tif, s2_proba.tif), by which the "
                "calibration is found again."
            )
            raise InputError(msg, parameter="probabilities")

    def kinds(self) -> list[tuple[str, Source]]:
        """The maps with the kind that each is called."""
        from lczlib.calibrators import kind_of

        return [
            (kind_of(p) if is_path(p) else str(p.attrs.get("kind", f"map{i}")), p)
            for i, p in enumerate(self.probabilities, 1)
        ]


@dataclass(frozen=True, kw_only=True, repr=False)
class CalibrateResult(Result):
    """Calibrations, and what they are worth on held-out polygons.

    Attributes
    ----------
    request : CalibrateRequest
    calibration : Calibration
        Fitted to all polygons; this is what is used.
    scores : dict of str to DataFrame
        Of each kind, uncalibrated against calibrated, on held-out polygons:
        `lczlib.analysis.probability_scores.paired_scores`.
    fusion : dict of str to DataFrame
        Of several maps, likewise: learned fusion against the plain ``mean`` of the maps as they are, and against
        the ``mean of calibrated``.
    n, n_units, unit : int, int, str
        Labelled cells, and polygons or blocks.
    absent : tuple of int
        Classes that no polygon shows.
    """

    draws = False

    request: CalibrateRequest
    calibration: Calibration
    scores: dict[str, pd.DataFrame] = field(repr=False)
    fusion: dict[str, pd.DataFrame] = field(repr=False)
    n: int
    n_units: int
    unit: str
    absent: tuple[int, ...] = ()

    def to_dataframe(self) -> pd.DataFrame:
        """All scores, a line a comparison and score."""
        import pandas as pd

        parts = {f"{kind}: calibrated - as it was": t for kind, t in self.scores.items()}
        parts |= {f"fused: {LEARNED} - {other}": t for other, t in self.fusion.items()}
        table = pd.concat(parts, names=["compared"]).reset_index()
        return table.assign(n=self.n, n_units=self.n_units, unit=self.unit)

    def headline(self) -> str:
        """What calibration changes on held-out polygons, in a sentence."""
        parts = []
        for kind, table in self.scores.items():
            row = table.loc["log_loss"]
            parts.append(
                f"{kind} ({self.calibration.maps[kind].method}) log loss {row['before']:.3f} to {row['after']:.3f}, "
                f"change {_apart(row)}"
            )
        for other, table in self.fusion.items():
            row = table.loc["log_loss"]
            parts.append(
                f"learned fusion against {other}: log loss {row['before']:.3f} to {row['after']:.3f}, change "
                f"{_apart(row)}"
            )
        where = f"On {self.n:,} cells of {counted(self.n_units, f'held-out {self.unit}')}: "
        return f"{where}{'; '.join(parts)}."

    def cautions(self) -> list[str]:
        """Where the calibration is worth little, or may mislead."""
        return list(self.calibration.cautions)

    def document(self) -> dict[str, Any]:
        """What ``calibration.json`` says."""

        def plain(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
            return {k: t.to_dict("index") for k, t in tables.items()}

        return {
            **self.calibration.to_dict(),
            "held_out": {
                "maps": plain(self.scores), "fusion": plain(self.fusion), "n": self.n, "n_units": self.n_units,
                "unit": self.unit, "folds": self.request.folds, "absent_classes": list(self.absent),
            },
        }  # fmt: skip

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.calibrators import FILE
        from lczlib.export.files import write_result, write_table

        write_table(folder / "scores.csv", self.to_dataframe(), index=False)
        write_result(folder / FILE, self.document())


@job
def run(request: CalibrateRequest, step: Steps) -> CalibrateResult:
    """Fit calibrations to polygons, and score them on polygons held out.

    Raises
    ------
    InputError, GridError
        If the files cannot be used, were calibrated before, or there are too few polygons.
    """
    import numpy as np

    from lczlib.analysis.probability_scores import paired_scores
    from lczlib.analysis.recalibration import FEWEST_GROUPS, fit, fit_pool, held_out
    from lczlib.calibrators import FILE, Calibration
    from lczlib.export import sha256_of

    step("Reading probabilities", 0, 0)
    kinds, made = _opened(request)
    cells, strata = _labelled(request, kinds)
    first = next(iter(cells.values()))
    n_units = len(np.unique(first.group))
    if n_units < FEWEST_GROUPS:
        unit = "polygons" if request.block is None else "blocks"
        msg = (
            f"{n_units} {unit} with probabilities are too few to calibrate by ({FEWEST_GROUPS} at least): they say "
            "more of these places than of the network; draw more."
        )
        raise InputError(msg, parameter="reference")
    how = {"folds": request.folds, "seed": request.seed}
    drawn = {"replicates": request.replicates, "seed": request.seed}

    def way(some: Cells) -> Any:
        return fit(some, request.method, **how)

    maps, scores, found = {}, {}, {}
    for done, (kind, own) in enumerate(cells.items()):
        step("Calibrating", done, len(cells))
        found[kind] = held_out(own, way, **how)
        scores[kind] = paired_scores(own.p, found[kind], own.lcz, own.group, strata, **drawn)
        maps[kind] = replace(way(own), **made[kind])
    weights, fusion = {}, {}
    if len(cells) > 1:
        step("Learning to fuse", 0, 0)
        pooled = _pooled(cells, request.method, how)
        for other, p in {
            MEAN: [c.p for c in cells.values()],
            "mean of calibrated": [*found.values()],
        }.items():
            fusion[other] = paired_scores(
                np.mean(p, 0), pooled, first.lcz, first.group, strata, **drawn
            )
        learned = fit_pool([*found.values()], first.lcz, first.group)
        weights = dict(zip(cells, map(float, learned), strict=True))
    absent = tuple(c.number for c in CLASSES if c.number not in first.lcz)
    cautions = (*_useless(scores), *_own(made), *_absent(absent))
    file = Path(request.reference) if is_path(request.reference) else None
    polygons = sha256_of(file) if file is not None and file.is_file() else ""
    return CalibrateResult(
        request=request, calibration=Calibration(maps, weights, cautions, FILE, polygons), scores=scores, fusion=fusion,
        n=len(first), n_units=n_units, unit="polygon" if request.block is None else "block", absent=absent,
    )  # fmt: skip


def _opened(request: CalibrateRequest) -> tuple[dict[str, xr.DataArray], dict[str, dict[str, str]]]:
    """The maps by kind, on one grid, and what each was made with."""
    from lczlib.grid import check_same_grid
    from lczlib.made_by import CALIBRATED_TAG, network_of, tag_of, views_of
    from lczlib.maps import open_probabilities

    kinds: dict[str, xr.DataArray] = {}
    made = {}
    for kind, source in request.kinds():
        if is_path(source):
            if tag_of(source, CALIBRATED_TAG):
                msg = f"{source} is calibrated already: give the probabilities as the network made them."
                raise InputError(msg, parameter="probabilities")
            made[kind] = {"networks": network_of(source), "views": views_of(source)}
            kinds[kind] = open_probabilities(source, chunks={"band": -1, "y": 256, "x": -1})
        else:
            made[kind], kinds[kind] = {}, source
        one = next(iter(kinds))
        check_same_grid(kinds[one], kinds[kind], (one, kind), resampled=False)
    return kinds, made


def _labelled(
    request: CalibrateRequest, kinds: dict[str, xr.DataArray]
) -> tuple[dict[str, Cells], dict[int, int] | None]:
    """Cells that all maps know, each map's by its kind; and the class of each polygon, not of blocks."""
    import numpy as np

    from lczlib.analysis.recalibration import Cells
    from lczlib.calibrators import check_uncertain
    from lczlib.grid import geobox_of
    from lczlib.polygon_cells import are_points, polygon_cells
    from lczlib.polygons import open_polygons

    areas = open_polygons(
        request.reference, request.column, layer=request.layer, zero_unlabelled=True
    )
    if are_points(areas):
        msg = "Calibration needs polygons, whose cells stay together, not points."
        raise InputError(msg, parameter="reference")
    box = geobox_of(next(iter(kinds.values())), "probabilities")
    table = polygon_cells(areas, box)
    rows, cols = table["row"].to_numpy(), table["col"].to_numpy()
    found = {k: _at(p, rows, cols) for k, p in kinds.items()}
    there = {k: np.isfinite(p).all(1) for k, p in found.items()}
    known = np.all([*there.values()], axis=0)
    if not known.any():
        empty = [k for k, has in there.items() if not has.any()]
        which = f"the probabilities of {' and of '.join(empty)}" if empty else "all maps together"
        msg = (
            f"The reference's {len(known):,} labelled cells lie where {which} hold no data: give maps and polygons of "
            "one place, with probabilities above 0."
        )
        raise InputError(msg, parameter="reference")
    for kind, p in kinds.items():
        check_uncertain(itertools.chain([found[kind].T], _bands(p)), f"The map {kind}")
    lcz, polygon = table["lcz"].to_numpy()[known], table["polygon"].to_numpy()[known]
    group, strata = polygon, dict(zip(polygon.tolist(), lcz.tolist(), strict=True))
    if request.block is not None:
        middle = areas.to_crs(box.crs).set_index("polygon").centroid
        square = np.floor(np.column_stack([middle.x, middle.y]) / request.block)
        _, number = np.unique(square, axis=0, return_inverse=True)
        group = dict(zip(middle.index, number.ravel().tolist(), strict=True))
        group, strata = np.array([group[p] for p in polygon]), None
    return {k: Cells(p[known].astype(float), lcz, group) for k, p in found.items()}, strata


def _bands(proba: xr.DataArray, rows_at_once: int = 256) -> Iterator[np.ndarray]:
    """A map (17, rows, x) some rows at a time: what is not asked for is not read."""
    proba = proba.transpose("lcz", "y", "x")
    for top in range(0, proba.sizes["y"], rows_at_once):
        yield proba[:, top : top + rows_at_once].values


def _at(
    proba: xr.DataArray, rows: np.ndarray, cols: np.ndarray, rows_at_once: int = 256
) -> np.ndarray:
    """Probabilities (n, 17) at cells, a band of rows at a time."""
    import numpy as np

    proba = proba.transpose("lcz", "y", "x")
    out = np.full((len(rows), proba.sizes["lcz"]), np.nan, np.float32)
    for top in range(0, proba.sizes["y"], rows_at_once):
        here = (rows >= top) & (rows < top + rows_at_once)
        if here.any():
            band = proba[:, top : top + rows_at_once].values
            out[here] = band[:, rows[here] - top, cols[here]].T
    return out


def _pooled(cells: dict[str, Cells], method: Any, how: dict[str, int]) -> np.ndarray:
    """Probabilities of learned fusion (n, 17), calibrations and weights from the other folds."""
    import numpy as np

    from lczlib.analysis.recalibration import choose, fit_pool, fold_of, held_out, pool

    first = next(iter(cells.values()))
    out = np.empty_like(first.p)
    fold = fold_of(first.group, first.lcz, **how)
    for k in range(how["folds"]):
        own = fold == k
        rest = [c.take(~own) for c in cells.values()]
        ways = [choose(c, method, **how) for c in rest]
        # weights come from probabilities that were calibrated by others: fitted ones look surer than they are
        inner = [held_out(c, way, **how) for c, way in zip(rest, ways, strict=True)]
        weights = fit_pool(inner, rest[0].lcz, rest[0].group)
        found = [
            way(c).on_rows(one.p[own])
            for c, way, one in zip(rest, ways, cells.values(), strict=True)
        ]
        out[own] = pool(found, weights)
    return out


def _apart(row: pd.Series) -> str:
    """``-0.312 (95% interval -0.401 to -0.223)``."""
    return f"{row['difference']:+.3f} (95% interval {row['ci_low']:+.3f} to {row['ci_high']:+.3f})"


def _useless(scores: dict[str, pd.DataFrame]) -> list[str]:
    """Maps whose log loss or Brier score the calibration does not lower for sure."""
    said = []
    for kind, table in scores.items():
        for score, name in (("log_loss", "log loss"), ("brier", "Brier score")):
            row = table.loc[score]
            if not row["ci_high"] < 0:
                said.append(
                    f"On held-out polygons the calibration of {kind} is not known to lower the {name}: change "
                    f"{_apart(row)}."
                )
    return said


def _own(made: dict[str, dict[str, str]]) -> list[str]:
    """Networks that may have been trained on these polygons."""
    from lczlib.catalog.entries import entries
    from lczlib.models import embedded_weights

    published = {*entries(), *embedded_weights()}
    own = {n for m in made.values() for n in m.get("networks", "").split(" + ") if n} - published
    if not own:
        return []
    return [
        f"Trained by you: {', '.join(sorted(own))}. Polygons that a network has seen make it look surer of the right "
        f"class than it is: {option('reference')} must be others."
    ]


def _absent(absent: tuple[int, ...]) -> list[str]:
    if not absent:
        return []
    codes = ", ".join(CLASSES[n - 1].code for n in absent)
    return [
        f"No polygon of LCZ {codes}: only what all classes have in common is calibrated of these."
    ]
