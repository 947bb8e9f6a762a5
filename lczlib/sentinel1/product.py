"""Sentinel-1 level-1 products as ESA delivers them: ``S1A_IW_SLC__....SAFE``, as a folder or a zip.

Metadata are the XML files of ``annotation/`` (Sentinel-1 Product Specification, S1-RS-MDA-52-7441);
measurements are read by windows, so that a city does not cost a swath of 1.2 GB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import rasterio
from rasterio.windows import Window

from lczlib.errors import InputError
from lczlib.sentinel1.product_files import ProductFiles

_FILE = re.compile(
    r"annotation/s1[a-d]-(\w+?)-(?:slc|grd\w?)-(hh|hv|vh|vv)-(\d{8})t\d{6}-[\w-]+\.xml",
    re.IGNORECASE,
)
_IPF = re.compile(rb'software name="Sentinel-1 IPF" version="(\d+)\.(\d+)"')
LIGHT = 299_792_458.0  # m/s
_FIRST_TRACK = {"S1A": 73, "S1B": 27, "S1C": 172}
"""Absolute orbit of relative orbit 1 (175 orbits in 12 days); of Sentinel-1C not confirmed yet."""
_ORBITS_A_CYCLE = 175


@dataclass(frozen=True, eq=False)
class Burst:
    """One burst of a swath.

    Attributes
    ----------
    time : float
        Zero-Doppler time of its first line, in seconds of the product's epoch.
    line : int
        Its first line in the measurement.
    first, last : array of int (lines,)
        First and last valid sample of each line; -1 where none is.
    """

    time: float
    line: int
    first: np.ndarray
    last: np.ndarray


@dataclass(frozen=True, eq=False)
class StateVectors:
    """Positions and velocities of a satellite, Earth fixed.

    Attributes
    ----------
    time : array (n,)
        Seconds of the epoch.
    position, velocity : array (n, 3)
        m, m/s.
    """

    time: np.ndarray
    position: np.ndarray
    velocity: np.ndarray


@dataclass(frozen=True, eq=False)
class TiePoints:
    """The annotated geolocation grid: what the processor itself says of places.

    Attributes
    ----------
    time, slant_range_time : array (n,)
        Zero-Doppler time in seconds of the epoch, two-way range time in s.
    line, sample, latitude, longitude, height : array (n,)
        Pixels, degrees, m above the ellipsoid.
    incidence : array (n,)
        Angle of incidence on the ellipsoid, degrees.
    """

    time: np.ndarray
    slant_range_time: np.ndarray
    line: np.ndarray
    sample: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    height: np.ndarray
    incidence: np.ndarray


@dataclass(frozen=True, eq=False)
class Swath:
    """One swath in one polarisation: the annotation of one measurement.

    Attributes
    ----------
    name, polarisation : str
        ``IW1``, ``VV``.
    mission, mode, kind, direction : str
        ``S1A``, ``IW``, ``SLC``, ``ascending`` or ``descending``.
    absolute_orbit, datatake : int
    epoch : datetime64
        From which all times are counted.
    time, line_interval : float
        Zero-Doppler time of the first line, time between lines, s.
    slant_range_time, sample_rate : float
        Two-way time of the first sample, s; samples a second.
    lines, samples : int
    bursts : tuple of Burst
        None of products that are no TOPS bursts.
    states : StateVectors
        The annotated orbit.
    ties : TiePoints
    """

    name: str
    polarisation: str
    mission: str
    mode: str
    kind: str
    direction: str
    absolute_orbit: int
    datatake: int
    epoch: np.datetime64
    time: float
    line_interval: float
    slant_range_time: float
    sample_rate: float
    lines: int
    samples: int
    bursts: tuple[Burst, ...]
    states: StateVectors
    ties: TiePoints


class Product:
    """A Sentinel-1 product: what it says of itself, and windows of its measurements.

    Parameters
    ----------
    path : path
        Its folder, the folder or zip archive that holds it alone, or its ``manifest.safe``.
    epoch : datetime64, optional
        From which times are counted, for several products of one pass; by default its own day.

    Raises
    ------
    InputError
        If it is no such product, or damaged.
    """

    def __init__(self, path: str | Path, *, epoch: np.datetime64 | None = None) -> None:
        self.path = Path(path)
        self._files = ProductFiles(self.path)
        found = {n: told for n in sorted(self._files.names) if (told := _FILE.fullmatch(n))}
        self._annotations = {(t[1].upper(), t[2].upper()): n for n, t in found.items()}
        if not self._annotations:
            msg = f"{path} is no Sentinel-1 product: it holds no annotation/s1*.xml."
            raise InputError(msg)
        if epoch is None:  # of all its swaths, also across midnight
            day = min(t[3] for t in found.values())
            epoch = np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:]}", "us")
        self.swaths = {
            key: read_annotation(self._files.read(name), f"{self.path.name}/{name}", epoch=epoch)
            for key, name in self._annotations.items()
        }

    def __repr__(self) -> str:
        return f"<Product {self.name}: {', '.join(self.names)}; {', '.join(self.polarisations)}>"

    @property
    def name(self) -> str:
        """The product's own name, without ``.SAFE`` or ``.zip``."""
        return self._files.title.removesuffix(".zip").removesuffix(".SAFE")

    @property
    def any_swath(self) -> Swath:
        """One of its swaths, for what is the same in all."""
        return next(iter(self.swaths.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """Its swaths, ``IW1 IW2 IW3``."""
        return tuple(sorted({s for s, _ in self.swaths}))

    @property
    def polarisations(self) -> tuple[str, ...]:
        """``VH``, ``VV``."""
        return tuple(sorted({p for _, p in self.swaths}))

    @property
    def epoch(self) -> np.datetime64:
        """From which its times are counted."""
        return self.any_swath.epoch

    @property
    def relative_orbit(self) -> int | None:
        """The track, 1 to 175; None of a mission whose first track is not known."""
        return relative_orbit(self.any_swath.mission, self.any_swath.absolute_orbit)

    @property
    def simulated(self) -> bool:
        """Whether its manifest says that it is: see `lczlib.sentinel1.simulated`."""
        return b'simulated="yes"' in self._files.manifest()

    @cached_property
    def ipf(self) -> tuple[int, int] | None:
        """Version of the processor, such as (3, 61); None where no manifest says it."""
        found = _IPF.search(self._files.manifest())
        return (int(found[1]), int(found[2])) if found else None

    def annotation(self, swath: str, polarisation: str) -> ElementTree.Element:
        """All that is annotated of a swath, for what `Swath` does not hold."""
        name = self._annotations[swath, polarisation]
        return _parsed(self._files.read(name), f"{self.path.name}/{name}")

    def calibration(self, swath: str, polarisation: str) -> ElementTree.Element:
        """The calibration annotation of a swath."""
        return self._beside("calibration", swath, polarisation)

    def noise(self, swath: str, polarisation: str) -> ElementTree.Element:
        """The thermal noise annotation of a swath."""
        return self._beside("noise", swath, polarisation)

    def _beside(self, what: str, swath: str, polarisation: str) -> ElementTree.Element:
        own = Path(self._annotations[swath, polarisation])
        name = f"annotation/calibration/{what}-{own.name}"
        return _parsed(self._files.read(name), f"{self.path.name}/{name}")

    def files(self) -> list[Path]:
        """What a result depends on: the archive; or the manifest, which holds the digests of all else.

        Without one they are the annotations.
        """
        return self._files.paths()

    @contextmanager
    def measurement(self, swath: str, polarisation: str) -> Iterator[Measurement]:
        """Open the measurement of a swath, to read windows of it.

        Raises
        ------
        InputError
            If it is missing, empty or damaged.
        """
        stem = Path(self._annotations[swath, polarisation]).stem
        found = [n for n in self._files.names if re.fullmatch(rf"measurement/{stem}\.tiff?", n)]
        if not found:
            msg = f"{self.path} lacks the measurement of {swath} {polarisation} ({stem}.tiff)."
            raise InputError(msg)
        told = self.swaths[swath, polarisation]
        try:
            with rasterio.open(self._files.gdal(found[0])) as source:
                if (source.height, source.width) != (told.lines, told.samples):
                    msg = (
                        f"{self.path}/{found[0]} has {source.height} x {source.width} pixels, and its annotation "
                        f"says {told.lines} x {told.samples}: fetch the product again."
                    )
                    raise InputError(msg)
                yield Measurement(source, f"{self.path}/{found[0]}")
        except rasterio.errors.RasterioError as error:
            msg = (
                f"{self.path}/{found[0]} is cut off or damaged, and cannot be read: fetch the product again, the "
                "whole of it."
            )
            raise InputError(msg) from error


class Measurement:
    """An open measurement."""

    def __init__(self, source: rasterio.DatasetReader, name: str) -> None:
        self._source = source
        self.name = name

    def read(self, line: int, sample: int, lines: int, samples: int) -> np.ndarray:
        """A window of digital numbers: complex64 of an SLC, else as stored.

        Raises
        ------
        rasterio.errors.RasterioError
            If the file is damaged there.
        """
        window = Window(sample, line, samples, lines)
        values = self._source.read(1, window=window)
        return values.astype(np.complex64) if np.iscomplexobj(values) else values


def relative_orbit(mission: str, absolute: int) -> int | None:
    """The track of an absolute orbit.

    Examples
    --------
    >>> relative_orbit("S1A", 50174), relative_orbit("S1B", 30148), relative_orbit("S1X", 1)
    (52, 22, None)
    """
    first = _FIRST_TRACK.get(mission)
    return None if first is None else (absolute - first) % _ORBITS_A_CYCLE + 1


def read_annotation(content: bytes, name: str, *, epoch: np.datetime64 | None = None) -> Swath:
    """What the annotation of a swath says.

    Parameters
    ----------
    content : bytes
        XML.
    name : str
        What messages call it.
    epoch : datetime64, optional
        From which times are counted; by default midnight of the day it begins.

    Raises
    ------
    InputError
        If it is damaged.
    """
    root = _parsed(content, name)
    try:
        return _swath_of(root, epoch)
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        msg = f"{name} is no complete annotation of a Sentinel-1 product: fetch the product again."
        raise InputError(msg) from error


def _swath_of(root: ElementTree.Element, epoch: np.datetime64 | None) -> Swath:
    head = root.find("adsHeader")
    image = root.find("imageAnnotation/imageInformation")
    about = root.find("generalAnnotation/productInformation")
    first = image.findtext("productFirstLineUtcTime")
    epoch = np.datetime64(first[:10], "us") if epoch is None else epoch
    states = root.findall("generalAnnotation/orbitList/orbit")
    ties = root.findall("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
    timing = root.find("swathTiming")
    per_burst = int(timing.findtext("linesPerBurst") or 0)
    bursts = tuple(
        Burst(
            seconds(b.findtext("azimuthTime"), epoch), i * per_burst,
            _numbers(b.findtext("firstValidSample"), int),
            _numbers(b.findtext("lastValidSample"), int),
        )
        for i, b in enumerate(timing.findall("burstList/burst"))
    )  # fmt: skip
    if any(len(b.first) != per_burst or len(b.last) != per_burst for b in bursts):
        msg = "lines of bursts"
        raise ValueError(msg)

    def column(tag: str) -> np.ndarray:
        return np.array([float(t.findtext(tag)) for t in ties])

    return Swath(
        name=head.findtext("swath"), polarisation=head.findtext("polarisation"),
        mission=head.findtext("missionId"), mode=head.findtext("mode"),
        kind=head.findtext("productType"), direction=about.findtext("pass").lower(),
        absolute_orbit=int(head.findtext("absoluteOrbitNumber")),
        datatake=int(head.findtext("missionDataTakeId")), epoch=epoch, time=seconds(first, epoch),
        line_interval=float(image.findtext("azimuthTimeInterval")),
        slant_range_time=float(image.findtext("slantRangeTime")),
        sample_rate=float(about.findtext("rangeSamplingRate")),
        lines=int(image.findtext("numberOfLines")), samples=int(image.findtext("numberOfSamples")),
        bursts=bursts,
        states=StateVectors(
            np.array([seconds(s.findtext("time"), epoch) for s in states]),
            np.array([[float(s.findtext(f"position/{a}")) for a in "xyz"] for s in states]),
            np.array([[float(s.findtext(f"velocity/{a}")) for a in "xyz"] for s in states]),
        ),
        ties=TiePoints(
            np.array([seconds(t.findtext("azimuthTime"), epoch) for t in ties]),
            column("slantRangeTime"), column("line"), column("pixel"), column("latitude"),
            column("longitude"), column("height"), column("incidenceAngle"),
        ),
    )  # fmt: skip


def seconds(text: str, epoch: np.datetime64) -> float:
    """A time, ``2023-09-04T06:37:31.072288``, in seconds of an epoch."""
    return (
        float((np.datetime64(text.removeprefix("UTC="), "us") - epoch) / np.timedelta64(1, "us"))
        / 1e6
    )


def _numbers(text: str, kind: type) -> np.ndarray:
    return np.array(text.split(), dtype=kind)


def _parsed(content: bytes, name: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        msg = f"{name} is damaged ({error}): fetch the product again."
        raise InputError(msg) from error
