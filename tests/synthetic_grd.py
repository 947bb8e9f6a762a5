"""Synthetic Sentinel-1 IW GRD products: few lines, ground range by records that differ, known pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio

from lczlib.sentinel1.geocode import LIGHT
from lczlib.sentinel1.simulated import (
    TIME,
    View,
    general_annotation,
    stamp,
    write_xml,
    xml_list,
)

INTERVAL = 1.4965e-3  # s; 10 m along the flight
RECORD = 0.2  # s between the records of ground range
NAME = "S1A_IW_GRDH_1SDV_20230904T171300_20230904T171325_050181_0609FF_BBBB.SAFE"

Values = Callable[[str, np.ndarray, np.ndarray], np.ndarray]
"""(polarisation, time of each line (lines, 1), range of each pixel in m (lines, samples)) -> DN."""


@dataclass(frozen=True)
class Slice:
    """Part of a pass: lines from `first`, counted from the view's middle."""

    view: View
    lines: int = 400
    samples: int = 420
    first: int = -200

    @property
    def start(self) -> float:
        """Time of the first line, s of the day."""
        return TIME + self.first * INTERVAL

    @property
    def near(self) -> float:
        """Slant range of the first sample, m."""
        centre = self.view.seen(
            *(np.array([v]) for v in (self.view.longitude, self.view.latitude, 0.0))
        )[1][0]
        return centre - self.samples / 2 * 10 * np.sin(np.radians(self.view.incidence))

    def records(self) -> np.ndarray:
        """Times of the records; the same for all slices of a pass."""
        begin = np.floor((self.start - TIME) / RECORD) - 1
        return TIME + RECORD * np.arange(begin, begin + self.lines * INTERVAL / RECORD + 4)

    def slant(self, time: float) -> np.ndarray:
        """The polynomial of a record: some pixels further out each second."""
        sine = np.sin(np.radians(self.view.incidence))
        drift = 40.0 * (time - TIME)
        return np.array([self.near, sine - drift / (self.samples * 10), 3e-7, -1e-13])

    def distance(self) -> np.ndarray:
        """Slant range of each pixel, m (lines, samples), by the nearest record."""
        records = self.records()
        times = self.start + np.arange(self.lines) * INTERVAL
        ground = np.arange(self.samples) * 10.0
        nearest = records[np.abs(times[:, None] - records).argmin(1)]
        rows = {t: np.polynomial.polynomial.polyval(ground, self.slant(t)) for t in set(nearest)}
        return np.stack([rows[t] for t in nearest])


def write_grd(
    folder: Path, part: Slice, values: Values, *, polarisations: tuple[str, ...] = ("VH", "VV"),
    name: str = NAME, ipf: str = "003.61", datatake: int = 400000, noise: float = 1000.0,
    spacing: float = 10.0,
) -> Path:  # fmt: skip
    """Write a product; sigma nought is (DN / 300)^2 without noise, which is twice as much right of the middle.

    Of processors before 2.90 noise has no blocks along azimuth.
    """
    root = folder / name
    for inner in ("annotation/calibration", "measurement"):
        (root / inner).mkdir(parents=True)
    (root / "manifest.safe").write_text(f'<x><software name="Sentinel-1 IPF" version="{ipf}"/></x>')
    time = (part.start + np.arange(part.lines) * INTERVAL)[:, None]
    for number, polarisation in enumerate(polarisations, 1):
        stem = (
            f"s1a-iw-grd-{polarisation.lower()}-20230904t171300-20230904t171325-050181-0609ff-"
            f"{number:03d}"
        )
        head = {
            "missionId": "S1A", "productType": "GRD", "polarisation": polarisation, "mode": "IW", "swath": "IW",
            "absoluteOrbitNumber": 50181, "missionDataTakeId": datatake,
        }  # fmt: skip
        write_xml(root / f"annotation/{stem}.xml", _annotation(part, head, spacing))
        inner = root / "annotation/calibration"
        write_xml(inner / f"calibration-{stem}.xml", _calibration(part))
        write_xml(inner / f"noise-{stem}.xml", _noise(part, noise, old=ipf < "002.90"))
        dn = np.rint(values(polarisation, time, part.distance())).astype(np.uint16)
        with rasterio.open(
            root / f"measurement/{stem}.tiff", "w", driver="GTiff", width=part.samples, height=part.lines,
            count=1, dtype="uint16", tiled=True, blockxsize=256, blockysize=256, compress="deflate",
        ) as target:  # fmt: skip
            target.write(dn, 1)
    return root


def _annotation(part: Slice, head: dict[str, object], spacing: float) -> dict[str, object]:
    times = np.arange(-80.0, 81.0, 10.0)
    position, velocity = part.view.state(times)
    conversions = []
    for t in part.records():
        slant, near = part.slant(t), repr(2 * float(part.near) / LIGHT)
        ground = np.linspace(0, part.samples * 10, 200)
        distance = np.polynomial.polynomial.polyval(ground, slant)
        back = np.polynomial.polynomial.polyfit(distance - slant[0], ground, 2)  # a poor one
        conversions.append(
            {
                "azimuthTime": stamp(t), "slantRangeTime": near, "sr0": repr(float(slant[0])),
                "srgrCoefficients": xml_list(back), "gr0": "0.0",
                "grsrCoefficients": " ".join(map(repr, map(float, slant))),
            }
        )  # fmt: skip
    return {
        "adsHeader": head,
        "generalAnnotation": general_annotation(times, position, velocity),
        "imageAnnotation": {
            "imageInformation": {
                "productFirstLineUtcTime": stamp(part.start), "slantRangeTime": repr(2 * float(part.near) / LIGHT),
                "azimuthTimeInterval": repr(INTERVAL), "numberOfSamples": part.samples,
                "numberOfLines": part.lines, "rangePixelSpacing": repr(spacing),
            }
        },
        "swathTiming": {"linesPerBurst": 0, "burstList": None},
        "geolocationGrid": {"geolocationGridPointList": {"geolocationGridPoint": _ties(part)}},
        "coordinateConversion": {"coordinateConversionList": {"coordinateConversion": conversions}},
    }  # fmt: skip


def _ties(part: Slice) -> list[dict[str, object]]:
    """Tie points of the corners: without a delay, so that image times are zero-Doppler times."""
    distance = part.distance()
    longitude, latitude = part.view.longitude, part.view.latitude
    return [
        {
            "azimuthTime": stamp(part.start + line * INTERVAL), "line": line, "pixel": sample,
            "slantRangeTime": repr(2 * float(distance[line, sample]) / LIGHT),
            "latitude": latitude + 1e-5 * line, "longitude": longitude + 1e-5 * sample, "height": 0,
            "incidenceAngle": part.view.incidence, "elevationAngle": 30,
        }
        for line in (0, part.lines - 1)
        for sample in (0, part.samples - 1)
    ]  # fmt: skip


def _calibration(part: Slice) -> dict[str, object]:
    pixels = np.arange(0, part.samples + 40, 40)
    vectors = [
        {
            "azimuthTime": stamp(part.start), "line": line, "pixel": xml_list(pixels),
            "sigmaNought": xml_list(300.0 + 0.1 * pixels), "betaNought": xml_list(0 * pixels + 474),
            "gamma": xml_list(0 * pixels + 280), "dn": xml_list(0 * pixels + 474),
        }
        for line in (0, part.lines)
    ]  # fmt: skip
    return {"calibrationVectorList": {"calibrationVector": vectors}}


def _noise(part: Slice, noise: float, *, old: bool) -> dict[str, object]:
    pixels = np.arange(0, part.samples + 40, 40)
    kind = "noise" if old else "noiseRange"
    out: dict[str, object] = {
        f"{kind}VectorList": {
            f"{kind}Vector": [
                {
                    "azimuthTime": stamp(part.start), "line": line, "pixel": xml_list(pixels),
                    f"{kind}Lut": xml_list(noise * (1 + pixels / 1000)),
                }
                for line in (0, part.lines)
            ]
        }
    }  # fmt: skip
    if not old:
        middle = part.samples // 2
        out["noiseAzimuthVectorList"] = {
            "noiseAzimuthVector": [
                {
                    "swath": f"IW{i + 1}", "firstAzimuthLine": 0, "firstRangeSample": first,
                    "lastAzimuthLine": part.lines - 1, "lastRangeSample": last, "line": f"0 {part.lines - 1}",
                    "noiseAzimuthLut": f"{i + 1}.0 {i + 1}.5",
                }
                for i, (first, last) in enumerate(((0, middle - 1), (middle, part.samples - 1)))
            ]
        }  # fmt: skip
    return out
