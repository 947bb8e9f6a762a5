"""Simulated Sentinel-1 IW SLC products: a real orbit's geometry, few and small bursts, known pixels.

For tests and demonstrations. Places are found by bisection on the orbit, and not as `geocode` finds them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import rasterio
from scipy.optimize import least_squares

from lczlib.sentinel1.geocode import to_space
from lczlib.sentinel1.product import LIGHT

EPOCH = np.datetime64("2023-09-04T00:00:00", "us")
TIME = 62_000.0  # s of the day at which the middle is seen
_AXIS, _INCLINATION, _TURN = 7_071_000.0, np.radians(98.18), 7.2921159e-5
_MU = 3.986004418e14
INTERVAL, RATE = 2.055556299999998e-03, 64_345_238.12571428
LINES, OVERLAP = 240, 40  # of a burst; with invalid lines at both ends
EDGE = 12
NAME = "S1A_IW_SLC__1SDV_20230904T171300_20230904T171330_050181_0609FF_AAAA.SAFE"

Values = Callable[[str, int, str, np.ndarray, np.ndarray], np.ndarray]
"""(swath, burst, polarisation, time of each line, range of each sample in m) -> complex DN."""


@dataclass(frozen=True)
class View:
    """A pass that sees a place under an angle of incidence."""

    longitude: float
    latitude: float
    incidence: float = 38.0

    def state(self, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Earth-fixed positions and velocities (n, 3) at seconds from when the place is seen."""
        node, phase = self._solved()
        return _flown(np.asarray(time, float), node, phase)

    def _solved(self) -> tuple[float, float]:
        if (self.longitude, self.latitude, self.incidence) not in _FOUND:
            place, up = (
                v[:, 0] for v in to_space(np.array([self.longitude]), np.array([self.latitude]))
            )

            def off(x: np.ndarray) -> list[float]:
                position, velocity = (v[0] for v in _flown(np.zeros(1), *x))
                sight = position - place
                cosine = sight @ up / np.linalg.norm(sight)
                side = np.cross(velocity, sight) @ position  # the radar looks to the right
                angle = np.degrees(np.arccos(cosine)) * (1 if side > 0 else -1)
                return [sight @ velocity / 1e6, angle - self.incidence]

            first = np.arcsin(np.sin(np.radians(self.latitude)) / np.sin(_INCLINATION))
            start = [np.radians(self.longitude - 5) + _node(first), first]
            _FOUND[self.longitude, self.latitude, self.incidence] = least_squares(
                off, start, xtol=1e-15, ftol=1e-15, gtol=1e-15
            ).x
        return tuple(_FOUND[self.longitude, self.latitude, self.incidence])

    def seen(
        self, longitude: np.ndarray, latitude: np.ndarray, height: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Zero-Doppler times (s of the day) and ranges (m) of places, by bisection: no Newton, no fit."""
        places = to_space(np.ravel(longitude), np.ravel(latitude), np.ravel(height))[0].T
        low, high = np.full(len(places), -20.0), np.full(len(places), 20.0)
        for _ in range(60):
            middle = (low + high) / 2
            position, velocity = self.state(middle)
            ahead = ((places - position) * velocity).sum(1) > 0
            low, high = np.where(ahead, middle, low), np.where(ahead, high, middle)
        distance = np.linalg.norm(places - self.state(low)[0], axis=1)
        shape = np.shape(longitude)
        return (low + TIME).reshape(shape), distance.reshape(shape)


_FOUND: dict[tuple[float, float, float], np.ndarray] = {}


def _node(phase: float) -> float:
    """Longitude of the ascending node of a point in the orbit, from the point's own."""
    return -np.arctan2(np.cos(_INCLINATION) * np.sin(phase), np.cos(phase))


def _flown(time: np.ndarray, node: float, phase: float) -> tuple[np.ndarray, np.ndarray]:
    pace = np.sqrt(_MU / _AXIS**3)
    u, turn = phase + pace * time, node - _TURN * time
    flat = np.stack(
        [np.cos(u), np.cos(_INCLINATION) * np.sin(u), np.sin(_INCLINATION) * np.sin(u)], 1
    )
    slope = pace * np.stack(
        [-np.sin(u), np.cos(_INCLINATION) * np.cos(u), np.sin(_INCLINATION) * np.cos(u)], 1
    )
    c, s = np.cos(turn), np.sin(turn)

    def turned(v: np.ndarray) -> np.ndarray:
        return np.stack([c * v[:, 0] - s * v[:, 1], s * v[:, 0] + c * v[:, 1], v[:, 2]], 1)

    position = _AXIS * turned(flat)
    spin = np.stack([_TURN * position[:, 1], -_TURN * position[:, 0], 0 * position[:, 2]], 1)
    return position, _AXIS * turned(slope) + spin


@dataclass(frozen=True)
class Layout:
    """Where bursts and swaths lie: all on one grid of lines and samples about the view's middle."""

    view: View
    bursts: int = 4
    samples: int = 900
    shared: int = 120  # samples that neighbouring swaths share
    swaths: tuple[str, ...] = ("IW1", "IW2", "IW3")

    @property
    def step(self) -> int:
        """Lines from one burst to the next."""
        return LINES - OVERLAP

    def start(self, swath: int, burst: int) -> float:
        """Time of a burst's first line, s of the day; swaths are some lines apart."""
        half = (self.bursts * self.step) // 2
        return TIME + (burst * self.step + 7 * swath - half) * INTERVAL

    def near(self, swath: int) -> float:
        """Two-way time of a swath's first sample."""
        centre = self.view.seen(
            *(np.array([v]) for v in (self.view.longitude, self.view.latitude, 0.0))
        )[1][0]
        offset = (
            swath * (self.samples - self.shared)
            - len(self.swaths) * (self.samples - self.shared) // 2
        )
        first = round(2 * centre / LIGHT * RATE) / RATE
        return first + offset / RATE


def write_safe(
    folder: Path, layout: Layout, values: Values, *, polarisations: tuple[str, ...] = ("VH", "VV"),
    mode: str = "IW", kind: str = "SLC", name: str = NAME, datatake: int = 400000,
    gain: Callable[[np.ndarray], np.ndarray] | None = None, simulated: bool = False,
) -> Path:  # fmt: skip
    """Write a product as a SAFE folder.

    Parameters
    ----------
    folder : path
        In which it is made.
    layout : Layout
        Its bursts and swaths.
    values : callable
        The pixels, complex digital numbers; stored as whole ones.
    polarisations : tuple of str
        ``VH``, ``VV``.
    mode, kind, name, datatake
        What it says of itself.
    gain : callable, optional
        The calibration's A by sample: sigma nought is abs(DN)^2 / A^2. 300 everywhere by default.
    simulated : bool
        Whether its manifest says that it is, which what is made of it then says too.

    Returns
    -------
    Path
        The product.
    """
    root = folder / name
    for part in ("annotation/calibration", "measurement"):
        (root / part).mkdir(parents=True)
    said = ' simulated="yes"' if simulated else ""
    (root / "manifest.safe").write_text(
        f'<x{said}><software name="Sentinel-1 IPF" version="003.61"/></x>'
    )
    number = 0
    for i, swath in enumerate(layout.swaths):
        for polarisation in polarisations:
            number += 1
            stem = (
                f"s1a-{swath.lower()}-{kind.lower()}-{polarisation.lower()}-20230904t171300-20230904t171330-050181-"
                f"0609ff-{number:03d}"
            )
            head = {
                "missionId": "S1A", "productType": kind, "polarisation": polarisation, "mode": mode, "swath": swath,
                "absoluteOrbitNumber": 50181, "missionDataTakeId": datatake,
            }  # fmt: skip
            write_xml(root / f"annotation/{stem}.xml", _annotation(layout, i, head))
            write_xml(
                root / f"annotation/calibration/calibration-{stem}.xml",
                _calibration(layout, i, gain),
            )
            write_xml(root / f"annotation/calibration/noise-{stem}.xml", _noise(layout, i))
            _measurement(root / f"measurement/{stem}.tiff", layout, i, swath, polarisation, values)
    return root


def _measurement(
    path: Path, layout: Layout, i: int, swath: str, polarisation: str, values: Values
) -> None:
    lines, samples = layout.bursts * LINES, layout.samples
    distance = (layout.near(i) + np.arange(samples) / RATE) * LIGHT / 2
    out = np.zeros((lines, samples), np.complex64)
    for b in range(layout.bursts):
        time = layout.start(i, b) + np.arange(LINES) * INTERVAL
        dn = values(swath, b, polarisation, time, distance)
        dn[:EDGE], dn[-EDGE:], dn[:, :EDGE], dn[:, -EDGE:] = 0, 0, 0, 0
        out[b * LINES : (b + 1) * LINES] = dn
    stored = np.rint(out.real) + 1j * np.rint(out.imag)
    with rasterio.open(
        path, "w", driver="GTiff", width=samples, height=lines, count=1, dtype="complex_int16", tiled=True,
        blockxsize=256, blockysize=256, compress="deflate",
    ) as target:  # fmt: skip
        target.write(stored.astype(np.complex64), 1)


def _annotation(layout: Layout, i: int, head: dict[str, object]) -> dict[str, object]:
    start, near = layout.start(i, 0), layout.near(i)
    times = np.arange(-80.0, 81.0, 10.0)
    position, velocity = layout.view.state(times)
    lines = " ".join("-1" if k < EDGE or k >= LINES - EDGE else "%d" for k in range(LINES))
    first, last = (lines.replace("%d", str(v)) for v in (EDGE, layout.samples - EDGE - 1))
    return {
        "adsHeader": head,
        "generalAnnotation": general_annotation(times, position, velocity),
        "imageAnnotation": {
            "imageInformation": {
                "productFirstLineUtcTime": stamp(start), "slantRangeTime": repr(near),
                "azimuthTimeInterval": repr(INTERVAL), "numberOfSamples": layout.samples,
                "numberOfLines": layout.bursts * LINES,
            }
        },
        "swathTiming": {
            "linesPerBurst": LINES,
            "burstList": {
                "burst": [
                    {"azimuthTime": stamp(layout.start(i, b)), "firstValidSample": first, "lastValidSample": last}
                    for b in range(layout.bursts)
                ]
            },
        },
        "geolocationGrid": {"geolocationGridPointList": {"geolocationGridPoint": _ties(layout, i)}},
    }  # fmt: skip


def _ties(layout: Layout, i: int) -> list[dict[str, object]]:
    """Tie points of the swath's corners, with the delay that the processor leaves in them."""
    middle = layout.near(len(layout.swaths) // 2) + layout.samples / 2 / RATE
    found = []
    for line in (0, layout.bursts * LINES - 1):
        burst = line // LINES
        time = layout.start(i, burst) + (line - burst * LINES) * INTERVAL
        for sample in (0, layout.samples - 1):
            tau = layout.near(i) + sample / RATE
            longitude, latitude = layout.view.longitude, layout.view.latitude
            found.append(
                {
                    "azimuthTime": stamp(time + (tau - middle) / 2), "slantRangeTime": repr(tau), "line": line,
                    "pixel": sample, "latitude": latitude + 1e-3 * burst, "longitude": longitude + 1e-6 * sample,
                    "height": 0, "incidenceAngle": layout.view.incidence, "elevationAngle": 30,
                }
            )  # fmt: skip
    return found


def late(layout: Layout, distance: np.ndarray) -> np.ndarray:
    """What the image's line times are later than zero-Doppler times, s; see `_ties`."""
    middle = layout.near(len(layout.swaths) // 2) + layout.samples / 2 / RATE
    return (middle - 2 * distance / LIGHT) / 2


def _calibration(layout: Layout, i: int, gain: Callable | None) -> dict[str, object]:
    pixels = np.arange(0, layout.samples + 40, 40)
    values = np.full(pixels.shape, 300.0) if gain is None else gain(pixels)
    vectors = [
        {
            "azimuthTime": stamp(layout.start(i, 0)), "line": line, "pixel": xml_list(pixels),
            "sigmaNought": xml_list(values), "betaNought": xml_list(0 * values + 237), "gamma": xml_list(values),
        }
        for line in (-100, layout.bursts * LINES)
    ]  # fmt: skip
    return {"calibrationVectorList": {"calibrationVector": vectors}}


def _noise(layout: Layout, i: int) -> dict[str, object]:
    """A range vector for each burst, 1000 more for each, and twice as much at the image's end as at its start."""
    pixels = np.arange(0, layout.samples + 40, 40)
    last = layout.bursts * LINES - 1
    return {
        "noiseRangeVectorList": {
            "noiseRangeVector": [
                {
                    "azimuthTime": stamp(layout.start(i, b)), "line": (b - 1) * LINES, "pixel": xml_list(pixels),
                    "noiseRangeLut": xml_list(1000.0 * (b + 1) + pixels),
                }
                for b in range(layout.bursts)
            ]
        },
        "noiseAzimuthVectorList": {
            "noiseAzimuthVector": {
                "firstAzimuthLine": 0, "firstRangeSample": 0, "lastAzimuthLine": last,
                "lastRangeSample": layout.samples - 1, "line": f"0 {last}", "noiseAzimuthLut": "1.0 2.0",
            }
        },
    }  # fmt: skip


def stamp(time: float) -> str:
    """A time of the day as annotations write it."""
    return str(EPOCH + np.timedelta64(round(time * 1e6), "us"))


def write_eof(
    folder: Path, layout: Layout, *, kind: str = "POEORB", hours: float = 13.0, offset: float = 0.0
) -> Path:
    """An orbit file about the pass; `offset` seconds away from it."""
    times = np.arange(-hours * 3600 / 200, hours * 3600 / 200 + 1, 10.0) + offset
    position, velocity = layout.view.state(times)
    rows = "".join(
        f"<OSV><UTC>UTC={stamp(TIME + t)}</UTC>"
        + "".join(f"<{n}>{v:.6f}</{n}>" for n, v in zip("XYZ", p, strict=True))
        + "".join(f"<V{n}>{v:.6f}</V{n}>" for n, v in zip("XYZ", s, strict=True))
        + "</OSV>"
        for t, p, s in zip(times, position, velocity, strict=True)
    )
    valid = [stamp(TIME + t).replace("-", "").replace(":", "")[:15] for t in (times[0], times[-1])]
    path = folder / f"S1A_OPER_AUX_{kind}_OPOD_20230925T080729_V{valid[0]}_{valid[1]}.EOF"
    path.write_text(
        "<Earth_Explorer_File><Earth_Explorer_Header><Fixed_Header><Mission>Sentinel-1A</Mission>"
        f"<File_Type>AUX_{kind}</File_Type></Fixed_Header><Variable_Header><Ref_Frame>EARTH_FIXED</Ref_Frame>"
        "</Variable_Header></Earth_Explorer_Header><Data_Block><List_of_OSVs>"
        f"{rows}</List_of_OSVs></Data_Block></Earth_Explorer_File>"
    )
    return path


def speckle(time: np.ndarray, shape: tuple[int, int], key: str) -> np.ndarray:
    """Circular complex Gaussian of mean power 1 that is the same for the same key and lines."""
    seed = zlib.crc32(key.encode()) + int(time[0] * 1e4) % 1_000_000
    parts = np.random.default_rng(seed).standard_normal((*shape, 2)) * np.sqrt(0.5)
    return parts[..., 0] + 1j * parts[..., 1]


def general_annotation(
    times: np.ndarray, position: np.ndarray, velocity: np.ndarray
) -> dict[str, object]:
    """What an annotation says of the pass: sampling rate and orbit; times (n,) in s from `TIME`, states (n, 3)."""
    return {
        "productInformation": {"pass": "Ascending", "rangeSamplingRate": repr(RATE)},
        "orbitList": {
            "orbit": [
                {"time": stamp(TIME + t), "position": xyz(p), "velocity": xyz(v)}
                for t, p, v in zip(times, position, velocity, strict=True)
            ]
        },
    }


def xyz(v: np.ndarray) -> dict[str, str]:
    """A vector as annotations write it."""
    return {a: f"{x:.9e}" if abs(x) < 1e5 else f"{x:.6f}" for a, x in zip("xyz", v, strict=True)}


def xml_list(values: np.ndarray) -> str:
    """Numbers as annotations list them."""
    return " ".join(f"{v:.9g}" for v in values)


def write_xml(path: Path, content: dict[str, object]) -> None:
    """Write nested tags as XML."""
    root = ET.Element("product")
    _add(root, content)
    path.write_bytes(ET.tostring(root))


def _add(parent: ET.Element, content: object) -> None:
    if isinstance(content, dict):
        for tag, inner in content.items():
            for one in inner if isinstance(inner, list) else [inner]:
                _add(ET.SubElement(parent, tag), one)
    else:
        parent.text = str(content)
