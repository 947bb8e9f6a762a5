"""Surface urban heat island (SUHI) by LCZ: temperature of each class against LCZ D."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from lczlib.analysis.heat import bootstrap
from lczlib.analysis.heat.differences import Differences
from lczlib.analysis.heat.doubts import tell_doubts
from lczlib.analysis.heat.intervals import KeptGrids, spatial_errors
from lczlib.analysis.heat.options import SurfaceOptions
from lczlib.analysis.heat.patches import interior as interior_pixels
from lczlib.analysis.heat.patches import patch_tests
from lczlib.analysis.heat.pixels import Pixels
from lczlib.analysis.heat.reference import (
    FEWEST,
    Reference,
    bias_sentence,
    choose_reference,
)
from lczlib.analysis.heat.sampling import sampled_classes
from lczlib.analysis.heat.spatial import influences
from lczlib.analysis.heat.statistics import class_statistics
from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.grid import check_projected, check_same_grid, geobox_of
from lczlib.reading import counted
from lczlib.scenes.thermal_names import AIR
from lczlib.terms import option

_MOST_BLOCKS = 20_000


@dataclass(frozen=True)
class SurfaceHeatIsland:
    """Result of :func:`surface_heat_island`, and of `lczlib.analysis.heat.air.air_heat_island`.

    Attributes
    ----------
    classes : DataFrame
        A row for each class present (index ``lcz``): ``n_pixels``, ``n_patches``, ``area_km2``,
        ``mean``, ``median``, ``q25``, ``q75``, ``p05``, ``p95``, ``sd`` (degC), ``difference``,
        ``ci_low``, ``ci_high`` (K; NaN where ``note`` says why there is no interval),
        ``n_effective`` (independent pixels that its mean is worth), ``n_pieces`` (independent pieces
        that its pixels lie in), ``n_blocks`` (squares that they lie in), ``note``.
    pairs : DataFrame
        Each two classes: difference of the medians of their patch medians, and the Mann-Whitney
        probability, plain and Holm-corrected.
    kruskal : dict
        Kruskal-Wallis test of the patch medians: ``h``, ``p``, ``n_patches``.
    reference : Reference
    reference_temperature : float
        The statistic of the reference, degC; NaN without one.
    difference : DataArray (y, x)
        Each pixel minus the reference temperature, K.
    correlation_range : float
        Distance in m from which on residuals go together by less than 0.1.
    block_size : float
        Side of a bootstrap block of the further measures, m.
    options : SurfaceOptions
    kind : {"surface", "canopy"}
        Temperatures of surfaces, or of the air between the buildings.
    reference_bias : float or None
        Where another class is the reference and there is some of LCZ D: reference minus LCZ D, K.
    n_low_plants : int
        Pixels of LCZ D that this rests on.
    square_size : float
        Side of the smallest squares that the residuals of a class are pooled in, m.
    n_pieces : float
        Independent pieces that the scene is worth, where each class counts the same.
    few_blocks : str
        A sentence where the scene has too few of them for intervals, else empty.
    """

    classes: pd.DataFrame
    pairs: pd.DataFrame
    kruskal: dict[str, float]
    reference: Reference
    reference_temperature: float
    difference: xr.DataArray
    correlation_range: float
    block_size: float
    options: SurfaceOptions = field(default_factory=SurfaceOptions)
    kind: str = "surface"
    reference_bias: float | None = None
    n_low_plants: int = 0
    square_size: float = np.nan
    n_pieces: float = np.nan
    few_blocks: str = ""

    @property
    def bias(self) -> str:
        """A sentence on what the reference differs from LCZ D by, else empty."""
        return bias_sentence(
            self.reference, self.reference_bias, counted(self.n_low_plants, "pixel")
        )


def surface_heat_island(
    temperature: xr.DataArray,
    lcz: xr.DataArray,
    options: SurfaceOptions | None = None,
    *,
    elevation: xr.DataArray | None = None,
    probabilities: xr.DataArray | None = None,
    kept: KeptGrids | None = None,
    reference: Reference | None = None,
) -> SurfaceHeatIsland:
    """Surface temperature of each LCZ against LCZ D (Stewart & Oke 2012), with intervals.

    ``UHI(X) = T(LCZ X) - T(LCZ D)``, of the median or mean of interior pixels.

    **Interval.** Neighbouring pixels share their error, so that the number of pixels says little. The
    residuals' covariance is weighed by likelihood on a grid of ranges and patch effects, and the
    interval is that of the mixture (:mod:`lczlib.analysis.heat.spatial`). It hangs on no block size and
    no seed. So many of 1,000 x 5 nominal 95% intervals of synthetic scenes held the truth, and so wide
    they were on average against those of one who knows the covariance
    (``benchmarks/heat_coverage.py``, ``benchmarks/results/heat_coverage.md``: all cells, and refusals):

    ==================================  ============  ============  ============
    noise                               8 km          12 km         30 km
    ==================================  ============  ============  ============
    correlated over 500 m               96.5% (1.10)  95.6% (1.02)  95.2% (1.03)
    correlated over 1,500 m             96.3% (1.03)  95.8% (1.02)  93.9% (0.97)
    gradient across the scene           96.2% (0.87)  95.3% (0.96)  95.5% (0.89)
    correlated over 1,000 x 300 m       96.7% (1.12)  95.4% (1.01)  94.8% (1.02)
    outliers                            96.5% (1.06)  95.0% (1.03)  94.9% (1.02)
    cold cloud edges                    98.1% (1.24)  97.2% (1.14)  96.9% (1.12)
    heavy tails                         98.8% (1.28)  98.3% (1.21)  98.2% (1.22)
    each patch has its own level        87.2% (0.79)  89.4% (0.82)  93.2% (0.92)
    ==================================  ============  ============  ============

    The last line is a limit: where patches differ by as much as the field, the few patches of a class in
    a small scene are not enough to tell.

    **No interval.** A class keeps its difference, and its ``note`` says why it has no interval, where
    it has fewer than `min_pixels` or `min_patches`, or is worth fewer than two independent pieces of
    the scene. Where the scene is worth fewer than four, no class has one, and ``few_blocks`` says so.

    **Map error.** With probabilities, classes of the interior pixels are also drawn from them
    (errors go together over `error_range`), and the interval comes from the differences of the drawn
    maps, each with errors drawn from the mixture: it then
    holds the pull of misclassified pixels towards the other classes too, and need not be centred
    on the difference.

    Parameters
    ----------
    temperature : DataArray (y, x)
        degC, NaN where missing, on a grid in metres.
    lcz : DataArray (y, x)
        Codes 1..17, 0 = no data, same grid.
    options : SurfaceOptions, optional
        Erosion, minimum sizes, reference, bootstrap; all defaults when not given.
    elevation : DataArray (y, x), optional
        m, same grid.
    probabilities : DataArray (lcz, y, x), optional
        Class probabilities, same grid.
    kept : KeptGrids, optional
        Shared by the heat islands of several dates: those that see the same pixels take a fifth of the time.
    reference : Reference, optional
        Taken as it is, such as that of the dates which a temperature is the mean of; else chosen by the options.

    Raises
    ------
    GridError
        If grids differ or are in degrees.
    InputError
        If codes are no integers, nothing overlaps, a class other than LCZ D was asked for as reference
        and does not suffice, or the temperatures are of the air.
    """
    if temperature.attrs.get("quantity") == AIR:
        msg = f"These are air temperatures: use air_heat_island ({option('air')}), for the canopy heat island."
        raise InputError(msg)
    return of_pixels(
        temperature, lcz, options, "surface", elevation=elevation, probabilities=probabilities,
        kept=kept, reference=reference,
    )  # fmt: skip


def of_pixels(
    temperature: xr.DataArray,
    lcz: xr.DataArray,
    options: SurfaceOptions | None,
    kind: str,
    *,
    elevation: xr.DataArray | None,
    probabilities: xr.DataArray | None,
    kept: KeptGrids | None = None,
    reference: Reference | None = None,
) -> SurfaceHeatIsland:
    """What `surface_heat_island` and `air_heat_island` share: the classes' pixels compared."""
    options = options or SurfaceOptions()
    box = check_projected(
        check_same_grid(temperature, lcz, ("thermal raster", "LCZ map")), "LCZ map"
    )
    for other, name in ((elevation, "elevation"), (probabilities, "probabilities")):
        if other is not None:
            check_same_grid(box, geobox_of(other, name), ("thermal raster", name))
    codes = np.asarray(lcz.data)
    if codes.dtype.kind not in "iu" or codes.min() < 0 or codes.max() > N_CLASSES:
        msg = (
            f"LCZ codes must be whole numbers 0..17, not {codes.dtype} from {codes.min()} to "
            f"{codes.max()}: read the map with open_lcz_map."
        )
        raise InputError(msg)
    cell = abs(box.affine.a)
    codes = codes.astype(np.uint8, copy=False)
    celsius = np.asarray(temperature.data).astype(np.float32, copy=False)
    keep = interior_pixels(codes, options.interior) & np.isfinite(celsius)
    if not keep.any():
        msg = (
            f"No pixel has a temperature and a class and lies {options.interior} pixel(s) inside a "
            f"patch: check that the rasters overlap, or lower the erosion ({option('interior')} 0)."
        )
        raise InputError(msg)
    lowest = float(np.min(celsius, where=keep, initial=np.inf))
    n = int(keep.sum())
    if n > 1 and lowest == float(np.max(celsius, where=keep, initial=-np.inf)):
        msg = (
            f"All {n:,} pixels with a class have one temperature, {lowest:.2f} degC: the thermal "
            "raster is empty or holds a fill value; give another."
        )
        raise InputError(msg)
    if elevation is not None and not np.isfinite(np.asarray(elevation.data)[keep]).any():
        msg = (
            "The elevation raster has no height where the map has a class: give one that covers it."
        )
        raise InputError(msg)
    table = class_statistics(
        temperature.copy(data=celsius), lcz.copy(data=np.where(keep, codes, np.uint8(0)))
    )
    pixels = Pixels.gather(celsius, codes, keep, elevation, cell, options.water_distance)
    table.insert(1, "n_patches", [pixels.patches_of(c) for c in table.index])
    table.insert(2, "area_km2", table["n"] * cell**2 / 1e6)
    reference = reference or _reference_of(pixels, options)
    _check_blocks(options.block_size, celsius.shape, cell)
    pulls = influences(pixels.values, pixels.codes, options.statistic)
    grids = (kept or KeptGrids()).grids_of(keep, pixels.codes, pixels.patches, cell)
    error = spatial_errors(grids, pulls, pixels.covariates)
    del pulls  # a number of each pixel
    correlated = max(celsius.shape) * cell if error is None else error.correlation_range
    differences = Differences(pixels, error, reference, options)
    rows = {c: differences.of(int(c), int(n)) for c, n in table["n"].items()}
    if probabilities is not None:
        differences.widen_by_map_error(rows, sampled_classes(probabilities, keep, cell, options))
    result = table.rename(columns={"n": "n_pixels"}).join(pd.DataFrame.from_dict(rows, "index"))
    pairs, kruskal = patch_tests(pixels.values, pixels.codes, pixels.patches)
    level = differences.reference_level()
    bias, n_low_plants = differences.bias()
    pieces, few = differences.pieces, differences.few
    del pixels, differences  # before the map of the differences takes as much room
    tell_doubts(temperature, codes, table, kind, options.min_pixels)
    island = temperature.copy(data=celsius - np.float32(level)).rename("difference")
    island.attrs = {"units": "K", "long_name": f"temperature minus {reference.label}"}
    return SurfaceHeatIsland(
        result, pairs, kruskal, reference, level, island, correlated,
        options.block_size or bootstrap.suitable_block_size(correlated, celsius.shape, cell),
        options, kind, bias, n_low_plants, grids[0].parts.side, pieces, few,
    )  # fmt: skip


def _reference_of(pixels: Pixels, options: SurfaceOptions) -> Reference:
    return choose_reference(
        lambda classes: pixels.enough(classes, options.min_pixels, options.min_patches),
        pixels.describe,
        wanted=options.reference,
        fallback=options.fallback,
        some=lambda classes: pixels.enough(classes, FEWEST, 1),
    )


def _check_blocks(side: float | None, shape: tuple[int, int], cell: float) -> None:
    """Refuse blocks so small that there is no end of them."""
    n = 0 if side is None else math.prod(math.ceil(extent * cell / side) for extent in shape)
    if n > _MOST_BLOCKS:
        msg = f"Blocks of {side:g} m make {n} of them: use a larger block size."
        raise InputError(msg)
