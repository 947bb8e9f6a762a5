"""Units of Sentinel-1 backscatter: dB, linear intensity or amplitude, told apart by their values."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from lczlib.errors import InputError

Units = Literal["db", "linear", "amplitude"]
"""dB; intensity (power); amplitude, the square root of the intensity."""

UNITS: tuple[str, ...] = get_args(Units)
NAMES = {"db": "dB", "linear": "linear intensity", "amplitude": "amplitude"}

BRIGHT = -2.0
"""dB that the median of VV and VH stays below. That of Beijing's centre is -10 dB."""

_TYPICAL = np.array([-16.5, 7.5, -23.0])
_SPREAD = np.array([4.0, 2.0, 5.0])
"""dB: median of VH, of VV - VH, and the lowest hundredth of VH, of C-band over land and water, and how
far scenes lie from them. Real scenes and their crops of 320 m and more score below 10 (`_strangeness`),
and at least 10 better than if they were taken for amplitudes; amplitudes taken for intensities, whose
dB are half of what they should be, score worse than as what they are by more than `_CERTAIN`, or, of
very dark land, by no less than `_POSSIBLE`."""

_CERTAIN = 3.0
_POSSIBLE = {"linear": -6.0, "amplitude": 0.0}
_SCALES = (1.0, 10.0, 100.0, 1000.0)  # what 1 dB is stored as
_STRANGE = 40.0  # no backscatter in any unit: digital numbers, or a scale


def check_name(units: str) -> Units:
    """Return the units, or raise `InputError` if they are none of `UNITS`."""
    if units not in UNITS:
        msg = f"{units!r} is no unit of backscatter: use db, linear (intensity) or amplitude."
        raise InputError(msg, parameter="units")
    return units  # type: ignore[return-value]


def to_db(values: np.ndarray, units: Units) -> np.ndarray:
    """Backscatter in dB, float32; NaN where a linear value is not above 0.

    Parameters
    ----------
    values : array
        In `units`; NaN stays.
    units : {"db", "linear", "amplitude"}
        10 log10 of intensities, 20 log10 of amplitudes.
    """
    values = np.asarray(values, np.float32)
    if units == "db":
        return values
    factor = np.float32(10 if units == "linear" else 20)
    with np.errstate(invalid="ignore", divide="ignore"):
        return factor * np.log10(np.where(values > 0, values, np.float32(np.nan)))


def _strangeness(pixels: np.ndarray) -> float:
    """How far dB of VV, VH (, VV, VH) ``(band, n)`` lie from those of real scenes; about 3 is usual."""
    scores = []
    for vv, vh in zip(pixels[::2], pixels[1::2], strict=True):
        known = np.isfinite(vv) & np.isfinite(vh)
        if not known.any():
            return float("inf")
        vv, vh = vv[known], vh[known]
        if np.median(vh) > np.median(vv):  # swapped, which is said apart
            vv, vh = vh, vv
        found = np.array([np.median(vh), np.median(vv - vh), np.percentile(vh, 1)])
        scores.append(float((((found - _TYPICAL) / _SPREAD) ** 2).sum()))
    return float(np.mean(scores))


def check_units(
    pixels: np.ndarray, units: Units, what: str, *, dn_scale: float = 1.0
) -> tuple[str, ...]:
    """Refuse backscatter that is not in the units it is said to be in.

    Parameters
    ----------
    pixels : array (band, n)
        Valid values, as given, of VV, VH or of VV, VH, VV, VH; without fills, which are judged first.
    units : {"db", "linear", "amplitude"}
        What they are said to be.
    what : str
        The scene, in messages.
    dn_scale : float
        What stored values were divided by, for messages.

    Returns
    -------
    tuple of str
        Cautions, where the values may be in other units.

    Raises
    ------
    InputError
        Naming the option that fits.
    """
    if not pixels.size:
        msg = (
            f"The {what} has no pixel that is valid in all bands: every value is 0, no data, a constant "
            "or below -45 dB."
        )
        raise InputError(msg)
    middle, negative = float(np.median(pixels)), float((pixels < 0).mean())
    if units == "db":
        _check_db(pixels, middle, negative, dn_scale, what)
        return _caution_of_halves(pixels, what, dn_scale)
    if negative > 0.5:
        msg = (
            f"The {what} has negative values (median {middle:.3g}), so it is in dB, not {NAMES[units]}: "
            f"leave out units={units!r} (--units {units})."
        )
        raise InputError(msg, parameter="units")
    scores = {u: _strangeness(to_db(pixels, u)) for u in ("linear", "amplitude")}  # type: ignore[arg-type]
    other = "amplitude" if units == "linear" else "linear"
    bright = float(np.nanmedian(to_db(pixels, units)))
    if min(scores.values()) > _STRANGE:
        raise InputError(_no_backscatter(middle, what), parameter="dn_scale")
    if scores[units] - scores[other] > _CERTAIN:
        msg = (
            f"The {what} has a median of {middle:.3g} and a narrow range, which as {NAMES[units]} would be "
            f"{bright:.3g} dB; it looks like {NAMES[other]}: give units={other!r} (--units {other})."
        )
        raise InputError(msg, parameter="units")
    _check_order(to_db(pixels, units), what)
    if scores[units] - scores[other] > _POSSIBLE[units]:
        return (
            f"The {what} could be {NAMES[other]} rather than {NAMES[units]}: check what its producer says, "
            f"and give --units {other} if so.",
        )
    return ()


def _check_db(
    pixels: np.ndarray, middle: float, negative: float, dn_scale: float, what: str
) -> None:
    if negative < 0.05:
        scores = {u: _strangeness(to_db(pixels, u)) for u in ("linear", "amplitude")}  # type: ignore[arg-type]
        best = min(scores, key=scores.get)  # type: ignore[arg-type]
        if scores[best] > _STRANGE:
            raise InputError(_no_backscatter(middle, what), parameter="dn_scale")
        kind = "intensity" if best == "linear" else "amplitude"
        msg = (
            f"The {what} has a median of {middle:.3g} and hardly a negative value, so it is linear, not "
            f"dB: it looks like {kind}; give units={best!r} (--units {best})."
        )
        raise InputError(msg, parameter="units")
    if middle < -60:
        scale = _likely_scale(pixels, dn_scale)
        msg = (
            f"The {what} has a median of {middle:.4g}, which is no backscatter in dB: its values seem to be "
            f"dB x {scale:g}; give that with dn_scale (--dn-scale {scale:g})."
        )
        raise InputError(msg, parameter="dn_scale")
    if middle > BRIGHT:
        msg = (
            f"The {what} has a median of {middle:.3g} dB, which is brighter than any land: its values "
            f"are not dB{f' x {dn_scale:g}' if dn_scale != 1 else ''}; correct dn_scale "
            f"(--dn-scale {_likely_scale(pixels, dn_scale):g})."
        )
        raise InputError(msg, parameter="dn_scale")
    _check_order(pixels, what)


def _likely_scale(pixels: np.ndarray, dn_scale: float) -> float:
    """What 1 dB is stored as, of values that were divided by `dn_scale`: what makes them most usual."""
    stored = pixels * np.float32(dn_scale)
    others = [s for s in _SCALES if s != dn_scale]
    return min(others, key=lambda s: _strangeness(stored / np.float32(s)))


def _check_order(db: np.ndarray, what: str) -> None:
    middles = np.nanmedian(db, axis=1)
    for vv, vh in zip(middles[::2], middles[1::2], strict=True):
        if vh > vv:
            msg = (
                f"The {what} has a median of {vh:.3g} dB in VH and {vv:.3g} dB in VV, but VH is the "
                "weaker one: the bands are swapped; name them or give VV first."
            )
            raise InputError(msg)


def _caution_of_halves(pixels: np.ndarray, what: str, dn_scale: float) -> tuple[str, ...]:
    """Amplitudes that were converted as if they were intensities: half of every dB."""
    if _strangeness(pixels) - _strangeness(2 * pixels) <= _CERTAIN:
        return ()
    return (
        f"The {what} has VH of {np.median(pixels[1]):.3g} dB in the middle and a narrow range, as if "
        "amplitudes had been converted by 10 log10: dB would then be twice as much, and water is not "
        f"found; check, and give --dn-scale {0.5 * dn_scale:g} if so.",
    )


def _no_backscatter(middle: float, what: str) -> str:
    return (
        f"The {what} has positive values (median {middle:.4g}) that are backscatter neither as intensity nor "
        "as amplitude: uncalibrated digital numbers must be calibrated to sigma or gamma nought first; "
        "linear values stored as integers need what 1 is stored as (--dn-scale) beside --units linear."
    )
