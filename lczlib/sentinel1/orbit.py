"""Where the satellite was: precise and restituted orbit files, or the annotated state vectors.

Orbits are Earth fixed (ITRF). One polynomial for each coordinate is fitted to positions and
velocities together; its error is below a millimetre, see `Orbit.misfit`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.polynomial import polynomial

from lczlib.errors import InputError
from lczlib.sentinel1.product import StateVectors, Swath
from lczlib.terms import option

MARGIN = 60.0
"""Seconds before and after the scene whose vectors count."""
_DEGREE = 6
_VELOCITY = 1.0  # s; a velocity counts as what its error makes of the position in that time
_MISFIT = 0.1  # m; vectors that are further from a smooth orbit are damaged
_LOWEST, _HIGHEST = 6.95e6, 7.25e6  # m from the Earth's centre; Sentinel-1 flies at 7.07e6
_FEWEST = 6  # vectors; with their velocities more than the polynomial has unknowns
_NAME = re.compile(
    r"(S1[A-D])_OPER_AUX_(POE|RES)ORB_OPOD_(\d{8}T\d{6})_V(\d{8}T\d{6})_(\d{8}T\d{6})\.EOF"
)


@dataclass(frozen=True, eq=False)
class Orbit:
    """An orbit about the time of a scene.

    Attributes
    ----------
    coefficients : array (n, 3)
        Of the position's polynomials in ``(time - middle) / scale``, lowest power first, m.
    middle, scale : float
        Seconds of the epoch, s.
    source : str
        ``precise``, ``restituted`` or ``annotation``.
    file : Path or None
    misfit : float
        Largest distance of a vector from the polynomial, m.
    """

    coefficients: np.ndarray
    middle: float
    scale: float
    source: str
    file: Path | None
    misfit: float

    def position(self, time: np.ndarray) -> np.ndarray:
        """Positions (..., 3) at times in seconds of the epoch, m."""
        return np.moveaxis(polynomial.polyval(self._u(time), self.coefficients), 0, -1)

    def velocity(self, time: np.ndarray) -> np.ndarray:
        """Velocities (..., 3), m/s."""
        slope = polynomial.polyder(self.coefficients) / self.scale
        return np.moveaxis(polynomial.polyval(self._u(time), slope), 0, -1)

    def _u(self, time: np.ndarray) -> np.ndarray:
        return (np.asarray(time, float) - self.middle) / self.scale


def fit(
    states: StateVectors, begin: float, end: float, *, source: str, file: Path | None = None
) -> Orbit:
    """One polynomial for each coordinate, of least squares in positions and velocities.

    Parameters
    ----------
    states : StateVectors
        At times from the scene's epoch.
    begin, end : float
        Times of the scene's first and last line, seconds of the epoch.
    source, file
        As of `Orbit`.

    Raises
    ------
    InputError
        If the vectors do not cover the scene, or are none of a smooth orbit.
    """
    what = str(file) if file else "The annotated orbit"
    near = (states.time >= begin - MARGIN) & (states.time <= end + MARGIN)
    time = states.time[near]
    if time.size < _FEWEST or time.min() > begin or time.max() < end:
        other = f", or give {option('orbit', 'annotation')}" if file else ""
        msg = (
            f"{what} does not cover the scene: {time.size} of its vectors lie within {MARGIN:g} s of it, and "
            f"they must lie on both sides; fetch the orbit file (EOF) of its day{other}."
        )
        raise InputError(msg, parameter="orbit")
    middle = (begin + end) / 2
    scale = max(np.abs(time - middle).max(), 1.0)
    u = (time - middle) / scale
    degree = min(_DEGREE, time.size)
    powers = polynomial.polyvander(u, degree)
    slopes = np.zeros_like(powers)
    slopes[:, 1:] = powers[:, :-1] * np.arange(1, degree + 1) / scale
    weight = _VELOCITY
    rows = np.vstack([powers, weight * slopes])
    values = np.vstack([states.position[near], weight * states.velocity[near]])
    coefficients, *_ = np.linalg.lstsq(rows, values, rcond=None)
    misfit = float(np.linalg.norm(powers @ coefficients - states.position[near], axis=1).max())
    radius = np.linalg.norm(states.position[near], axis=1)
    if not (misfit <= _MISFIT and _LOWEST < radius.min() <= radius.max() < _HIGHEST):
        msg = (
            f"{what} is damaged: its positions are up to {misfit:.3g} m away from a smooth orbit, "
            f"at {radius.max() / 1000:.0f} km from the Earth's centre; fetch it again."
        )
        raise InputError(msg, parameter="orbit")
    return Orbit(coefficients, middle, scale, source, file, misfit)


def annotated(swaths: Sequence[Swath]) -> Orbit:
    """The orbit that a pass's own annotations hold: good to some centimetres to metres.

    Raises
    ------
    InputError
        As of `fit`.
    """
    time = np.concatenate([s.states.time for s in swaths])
    time, first = np.unique(np.round(time, 6), return_index=True)
    position = np.concatenate([s.states.position for s in swaths])[first]
    velocity = np.concatenate([s.states.velocity for s in swaths])[first]
    begin, end = span_of(swaths)
    return fit(StateVectors(time, position, velocity), begin, end, source="annotation")


def span_of(swaths: Sequence[Swath]) -> tuple[float, float]:
    """Zero-Doppler times of the first and the last line, seconds of the epoch."""
    ends = [
        (s.bursts[-1].time + (len(s.bursts[-1].first) - 1) * s.line_interval)
        if s.bursts
        else s.time + (s.lines - 1) * s.line_interval
        for s in swaths
    ]
    return min(s.time for s in swaths), max(ends)


def from_file(path: str | Path, swaths: Sequence[Swath]) -> Orbit:
    """The orbit of an orbit file (EOF), or of the best one in a folder.

    Parameters
    ----------
    path : path
        ``S1A_OPER_AUX_POEORB_....EOF``, ``RESORB``; or a folder of them, of which precise ones count
        before restituted ones, and later made before earlier made.
    swaths : sequence of Swath
        The pass.

    Raises
    ------
    InputError
        If it does not exist, is damaged, of another satellite, or does not cover the pass.
    """
    path = Path(path)
    if not path.exists():
        msg = f"The orbit file {path} does not exist."
        raise InputError(msg, parameter="orbit")
    if path.is_dir():
        path = _best(path, swaths)
    try:
        root = ElementTree.parse(path).getroot()
        head = root.find("Earth_Explorer_Header/Fixed_Header")
        mission = head.findtext("Mission").replace("Sentinel-", "S")
        kind = head.findtext("File_Type")
        states = _states(root, swaths[0].epoch)
    except (ElementTree.ParseError, AttributeError, TypeError, ValueError, OSError) as error:
        msg = f"{path} is no orbit file (EOF) of Sentinel-1, or it is damaged: fetch it again."
        raise InputError(msg, parameter="orbit") from error
    if mission != swaths[0].mission:
        msg = f"{path} is of {mission}, and the product of {swaths[0].mission}: fetch that one's."
        raise InputError(msg, parameter="orbit")
    source = "precise" if "POE" in kind else "restituted"
    return fit(states, *span_of(swaths), source=source, file=path)


def _states(root: ElementTree.Element, epoch: np.datetime64) -> StateVectors:
    frame = root.findtext("Earth_Explorer_Header/Variable_Header/Ref_Frame")
    if frame != "EARTH_FIXED":
        msg = f"frame {frame}"
        raise ValueError(msg)
    rows = root.findall("Data_Block/List_of_OSVs/OSV")
    stamps = np.array([r.findtext("UTC").removeprefix("UTC=") for r in rows], "datetime64[us]")
    values = np.array(
        [[float(r.findtext(tag)) for tag in ("X", "Y", "Z", "VX", "VY", "VZ")] for r in rows]
    )
    time = (stamps - epoch) / np.timedelta64(1, "us") / 1e6
    return StateVectors(time, values[:, :3], values[:, 3:])


def _best(folder: Path, swaths: Sequence[Swath]) -> Path:
    begin, end = (swaths[0].epoch + np.timedelta64(round(t * 1e6), "us") for t in span_of(swaths))
    mission = swaths[0].mission
    found = best_name((f.name for f in folder.glob("*.EOF")), mission, begin, end)
    if found is None:
        msg = (
            f"{folder} holds no orbit file (EOF) of {mission} that covers the scene: fetch the one of its day, or "
            f"give {option('orbit', 'annotation')}."
        )
        raise InputError(msg, parameter="orbit")
    return folder / found


def best_name(
    names: Iterable[str], mission: str, begin: np.datetime64, end: np.datetime64
) -> str | None:
    """Of the names of orbit files the best one of a scene; None where none covers it.

    Parameters
    ----------
    names : iterable of str
        ``S1A_OPER_AUX_POEORB_OPOD_<made>_V<from>_<to>.EOF``; others are passed over.
    mission : str
        ``S1A`` ...
    begin, end : datetime64
        Of the scene. Precise ones count before restituted ones, and later made before earlier made.
    """
    margin = np.timedelta64(round(MARGIN / 2), "s")
    found = []
    for name in names:
        named = _NAME.fullmatch(name)
        if not named or named[1] != mission:
            continue
        if _stamp(named[4]) <= begin - margin and _stamp(named[5]) >= end + margin:
            found.append((named[2] == "POE", named[3], name))
    return max(found)[2] if found else None


def _stamp(text: str) -> np.datetime64:
    day, time = text.split("T")
    return np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}", "us")
