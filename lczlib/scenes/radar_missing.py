"""Which pixels of a radar raster are missing: one rule for water, LCZ maps and the dashboard.

Missing are, in either band of an acquisition: no data as the file says it, NaN and 0; undeclared fills,
that is, blocks of one exact value (-9999, the dB of a tiny epsilon, 255 in scaled integers);
values outside -45 to 60 dB; strips of border noise; and, where resampling has mixed fills with their
neighbours, the pixels beside them. A level near the noise floor alone is never missing: it is calm water.

Speckle of L looks has a variance of (10 / ln 10)^2 psi_1(L) dB2, whatever its mean (psi_1: trigamma; Xie,
Pierce & Ulaby 2002, doi 10.1109/TGRS.2002.1000333): 31 for one look, 4.8 for the 4.4 of an IW GRD, 2.0 for
10, 0.5 for 38. A strip darker than -38 dB along the border whose variance lies below 0.5 dB2 or a
tenth of the scene's own, is no speckle: border noise, and masked. More variance than speckle's is no
sign of it, since the removal of thermal noise spreads calm water so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from scipy.ndimage import binary_dilation, label

from lczlib.reading import counted, share
from lczlib.scenes.radar_survey import (
    CELL,
    DARK,
    HIGHEST,
    LEAST_SQUARES,
    LOWEST,
    Kind,
    Survey,
    covered,
    present,
    read,
    squares_of_one_value,
    survey,
    windows,
)
from lczlib.scenes.radar_units import to_db

CAUSES = {
    1: "no data in the file or 0",
    2: "one value in blocks",
    3: f"outside {LOWEST:g} to {HIGHEST:g} dB",
    4: "dark border strip unlike speckle",
    5: "mixed with no data by resampling",
}
_KEYS = {1: "no_data", 2: "constant", 3: "out_of_range", 4: "border", 5: "mixed"}

FRINGE = 2
"""Pixels beside fills that bilinear or cubic resampling has mixed with them."""

_NEAR = 1.5  # dB; values that a smooth distribution would share its blocks with
_SPIKE = 20  # times as many squares as any value near: no distribution does that
_REPEATED = 0.2  # share of repeated values in a sample from which on a band is taken as quantised
_COARSE = 12  # values within _NEAR on either side: steps of 0.25 dB and more
_CLIP_STEP = 3.0  # dB; a tenth of the pixels beside a clipped region go on from its value
_SMOOTH, _OF_SCENE = 0.5, 0.1
_LEAST_CELLS = 6  # of a strip
_AS_STATED = 1e-3  # how far a value may be from what a tag says, by rounding


@dataclass(frozen=True)
class Missing:
    """What of a raster is missing.

    Attributes
    ----------
    kinds, groups : tuple
        See `lczlib.scenes.radar_survey.Survey`.
    fills : tuple of tuple of float
        Of each band, the values that are fills.
    solid : tuple of bool
        Of each band, whether a fill's value counts in blocks only: quantised bands hold it elsewhere.
    border : array (rows, columns) bool or None
        Cells of `CELL` pixels in strips of border noise.
    fringe : int
        Pixels beside fills that are missing too.
    counts : dict of int to int
        Pixels by cause, see `CAUSES`.
    n : int
        Pixels in all.
    clipped : tuple of tuple of float
        Of each band, the values at which it is cut off; they are no fills.
    alone : int
        Pixels below `LOWEST` outside blocks.
    sample : array (band, n)
        Valid pixels, as given.
    """

    kinds: tuple[Kind, ...]
    groups: tuple[slice, ...]
    fills: tuple[tuple[float, ...], ...]
    solid: tuple[bool, ...]
    border: np.ndarray | None
    fringe: int
    counts: dict[int, int]
    n: int
    clipped: tuple[tuple[float, ...], ...]
    alone: int
    sample: np.ndarray

    @property
    def valid(self) -> int:
        """Pixels that are valid in all bands."""
        return self.n - sum(self.counts.values())

    @property
    def _halo(self) -> int:
        return max(self.fringe, int(any(self.solid) or None in self.kinds))

    def causes(self, block: np.ndarray, border: np.ndarray | None = None) -> np.ndarray:
        """Why pixels are missing, by group of bands: 0 valid, else a key of `CAUSES`.

        Parameters
        ----------
        block : array (band, y, x)
            Values as surveyed.
        border : array (y, x) bool, optional
            Pixels in cells of `Missing.border`.
        """
        out = np.zeros((len(self.groups), *block.shape[1:]), np.uint8)
        valid = present(block, self.kinds)
        for g, group in enumerate(self.groups):
            layers = np.zeros((4, *block.shape[1:]), bool)
            layers[0] = ~valid[group].all(0)
            for b in range(*group.indices(len(block))):
                layers[1] |= valid[b] & self._filled(block[b], b)
                kind = self.kinds[b]
                if kind is not None:
                    db = to_db(block[b], kind)
                    layers[2] |= valid[b] & ~((db >= LOWEST) & (db <= HIGHEST))
                    if border is not None:
                        layers[3] |= border & (db < DARK)
            for cause, layer in zip((1, 2, 3, 4), layers, strict=True):
                out[g][layer & (out[g] == 0)] = cause
            if self.fringe:
                beside = binary_dilation(
                    layers[1] | layers[2], np.ones((3, 3)), iterations=self.fringe
                )
                out[g][beside & (out[g] == 0)] = 5
        return out

    def _filled(self, band: np.ndarray, b: int) -> np.ndarray:
        if not self.fills[b]:
            return np.zeros(band.shape, bool)
        same = np.isin(band, np.array(self.fills[b], np.float32))
        if self.solid[b] and min(band.shape) > 1:
            return same & covered(squares_of_one_value(band), band.shape)
        return same

    def without(self, data: xr.DataArray) -> xr.DataArray:
        """The raster with NaN where it is missing, float32; lazy where `data` is.

        Parameters
        ----------
        data : DataArray (band, y, x)
            That was surveyed.
        """
        out = data.astype(np.float32)
        if out.chunks is None:
            values = np.empty(data.shape, np.float32)
            for rows, columns, own in windows(data.shape[1:], self._halo):
                block = np.asarray(out[:, rows, columns].values)
                masked = self._masked(block, self._border_in(rows, columns))[:, *own]
                top, left = rows.start + own[0].start, columns.start + own[1].start
                values[:, top : top + masked.shape[1], left : left + masked.shape[2]] = masked
            return out.copy(data=values)
        arrays = [out.data.rechunk({0: -1})]
        if self.border is not None:
            rows, columns = (
                da.arange(n, chunks=c)
                for n, c in zip(data.shape[1:], arrays[0].chunks[1:], strict=True)
            )
            cells = self.border
            arrays.append(
                da.map_blocks(
                    lambda r, c: cells[(r // CELL)[:, 0]][:, (c // CELL)[0]][None],
                    rows[:, None], columns[None], dtype=bool, new_axis=0,
                    chunks=((1,), *arrays[0].chunks[1:]),
                )
            )  # fmt: skip
        depth = {0: 0, 1: self._halo, 2: self._halo}
        masked = da.map_overlap(
            lambda block, border=None: self._masked(block, None if border is None else border[0]),
            *arrays, depth=depth, boundary="none", dtype=np.float32,
            meta=np.empty((0, 0, 0), np.float32), align_arrays=False,
        )  # fmt: skip
        return out.copy(data=masked)

    def _masked(self, block: np.ndarray, border: np.ndarray | None) -> np.ndarray:
        out = np.array(block, np.float32)
        for group, cause in zip(self.groups, self.causes(block, border), strict=True):
            out[group][:, cause > 0] = np.nan
        return out

    def _border_in(self, rows: slice, columns: slice) -> np.ndarray | None:
        if self.border is None:
            return None
        y, x = (np.arange(s.start, s.stop) // CELL for s in (rows, columns))
        return self.border[y][:, x]

    def said(self, names: Sequence[str], scale: float = 1.0) -> tuple[str, ...]:
        """Pixels valid, and missing by each cause, a clause each.

        Parameters
        ----------
        names : sequence of str
            Of the bands.
        scale : float
            Stored values are the surveyed ones times it.
        """
        out = [f"{self.valid:,} of {counted(self.n, 'pixel')} valid ({share(self.valid, self.n)})"]
        for cause, n in self.counts.items():
            if not n:
                continue
            which = f" ({self._named(self.fills, names, scale)})" if cause == 2 else ""
            out.append(f"{n:,} missing ({share(n, self.n)}): {CAUSES[cause]}{which}")
        if any(self.clipped):
            out.append(f"cut off at {self._named(self.clipped, names, scale)}, which is kept")
        return tuple(out)

    @staticmethod
    def _named(values: Sequence[Sequence[float]], names: Sequence[str], scale: float) -> str:
        """``-9999 in VV and VH``: values with their bands."""
        bands: dict[str, list[str]] = {}
        for name, of_band in zip(names, values, strict=True):
            for value in of_band:
                bands.setdefault(f"{value * scale:.6g}", []).append(name)
        return ", ".join(f"{value} in {' and '.join(b)}" for value, b in bands.items())

    def cautions(self, what: str) -> tuple[str, ...]:
        """Whether calm water may be missing with what lies below the range."""
        if self.alone <= 0.01 * self.n:
            return ()
        return (
            f"In the {what}, {counted(self.alone, 'value')} one by one "
            f"lie below {LOWEST:g} dB, as the removal of thermal noise leaves them on calm water: they "
            "are missing, and so is water there; give the scene without that step.",
        )

    def facts(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "pixels": self.n,
            "valid": self.valid,
            "missing": {_KEYS[c]: n for c, n in self.counts.items()},
            "fills": [list(f) for f in self.fills],
        }


def find_missing(
    data: xr.DataArray,
    kinds: Sequence[Kind],
    groups: Sequence[slice] | None = None,
    floors: Sequence[float | None] = (),
) -> Missing:
    """Find what of a radar raster is missing, in a pass or two over all of it.

    Parameters
    ----------
    data : DataArray (band, y, x)
        Values as given, NaN where the file says that there are none; in memory or lazy. Memory does
        not grow with a lazy one.
    kinds : sequence of {"db", "linear", "amplitude", None}
        Units of each band. None: either sign (real and imaginary parts, ratios), of which only
        blocks of one value other than 0 are missing.
    groups : sequence of slice, optional
        Bands of each acquisition, in which a pixel is missing together; by default all of them.
    floors : sequence of float or None, optional
        Of each band the value to which its producer says that lower ones were raised: no fill.

    Returns
    -------
    Missing
    """
    groups = tuple(groups or (slice(0, len(kinds)),))
    seen = survey(data, kinds, groups)
    fills, clipped, solid = [], [], []
    for b in range(len(seen.kinds)):
        values = np.sort(seen.sample[b][: 2**18]) if seen.sample.size else np.empty(0)
        unique = np.unique(values)
        quantised = bool(values.size) and 1 - unique.size / values.size > _REPEATED
        floor = floors[b] if floors else None
        found, cut = _fills(seen, b, unique, quantised, floor)
        fills.append(found)
        clipped.append(cut)
        solid.append(quantised and bool(found))
    border = _border(seen)
    fringe = FRINGE if seen.mixed > max(0.1 * seen.edge, 4) else 0
    counts = {1: seen.no_data, 2: 0, 3: seen.outside, 4: 0, 5: 0}
    n = int(np.prod(seen.size))
    rule = Missing(
        seen.kinds, groups, tuple(fills), tuple(solid), border, fringe, counts, n,
        tuple(clipped), seen.alone, seen.sample,
    )  # fmt: skip
    if any(fills) or border is not None or fringe:
        counts.update(dict.fromkeys(counts, 0))
        for rows, columns, own in windows(seen.size, rule._halo):
            block = read(data, rows, columns)
            by_group = rule.causes(block, rule._border_in(rows, columns))
            # a pixel that is missing in two acquisitions counts once, by the first cause
            first = np.where(by_group > 0, by_group, 9).min(0)[own]
            for cause, times in zip(*np.unique(first, return_counts=True), strict=True):
                if cause in counts:
                    counts[int(cause)] += int(times)
    return rule


def _decibel(value: Any, kind: Kind) -> Any:
    """A scale on which values are near each other or not, of bands of either sign too."""
    if kind is None:
        return 20 * np.log10(np.maximum(np.abs(value), 1e-30))
    return to_db(value, kind)


def _fills(
    seen: Survey, b: int, unique: np.ndarray, quantised: bool, floor: float | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The values of a band that are fills, and those at which it is cut off."""
    kind, squares = seen.kinds[b], seen.squares[b]
    if not squares:
        return (), ()
    values = np.array(list(squares), np.float32)
    counts = np.array(list(squares.values()))
    db = _decibel(values, kind)
    sampled = _decibel(unique, kind)
    steps = np.diff(sampled[np.isfinite(sampled)]) if quantised else np.empty(0)
    reach = max(_NEAR, 2.5 * float(np.median(np.abs(steps)))) if steps.size else _NEAR
    fills, cut = [], []
    for i in np.flatnonzero(counts >= LEAST_SQUARES):
        value = float(values[i])
        if kind is not None and not LOWEST <= db[i] <= HIGHEST:
            fills.append(value)
            continue
        if floor is not None and abs(value - floor) < _AS_STATED:
            cut.append(value)
            continue
        near = np.abs(db - db[i]) <= reach
        near &= np.sign(values) == np.sign(values[i])
        near[i] = False
        others = np.delete(counts, i)
        usual = np.median(others) if others.size >= _SPIKE else 0
        if counts[i] < _SPIKE * max(counts[near].max(initial=0), usual):
            continue
        beside = unique[(np.abs(sampled - db[i]) <= reach) & (unique != values[i])]
        if quantised and 0 < beside.size <= _COARSE:
            continue
        jumps = seen.jumps[b].get(value, [])
        if (
            kind is not None
            and jumps
            and _is_end(sampled, db[i])
            and np.percentile(jumps, 10) <= _CLIP_STEP
        ):
            cut.append(value)
            continue
        fills.append(value)
    return tuple(fills), tuple(cut)


def _is_end(sampled: np.ndarray, db: float) -> bool:
    """Whether next to no value lies beyond, on one side."""
    known = sampled[np.isfinite(sampled) & (sampled >= LOWEST) & (sampled <= HIGHEST)]
    return bool(known.size) and min((known < db).mean(), (known > db).mean()) < 0.002


def _border(seen: Survey) -> np.ndarray | None:
    """Cells of dark strips along the border, or along no data there, whose variance is no speckle's."""
    found = np.zeros(seen.gaps.shape, bool)
    for dark, speckle in zip(seen.dark, seen.speckle, strict=True):
        usual = float(np.percentile(speckle, 25)) if speckle.size else 0.0
        limit = max(_SMOOTH, _OF_SCENE * usual)
        smooth = dark[:, 2] < limit
        if not smooth.any():
            continue
        y, x = dark[:, :2].astype(int).T
        cells = np.zeros(found.shape, bool)
        cells[y[smooth], x[smooth]] = True
        cells = binary_dilation(cells, np.ones((3, 3)))
        marks, n = label(cells, np.ones((3, 3)))
        # half of a strip's cells and more are smooth; of speckle's, next to none
        n_dark = np.bincount(marks[y, x], minlength=n + 1)
        n_smooth = np.bincount(marks[y, x], smooth, n + 1)
        cells &= ((n_smooth >= _LEAST_CELLS) & (n_smooth > n_dark / 2))[marks]
        joined, _ = label(cells | seen.gaps, np.ones((3, 3)))
        ends = np.concatenate([joined[0], joined[-1], joined[:, 0], joined[:, -1]])
        found |= cells & np.isin(joined, ends[ends > 0])
    return found if found.any() else None
