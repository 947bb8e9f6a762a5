"""A detected product (GRD) as an image: lines of time, samples of ground range.

What a range on the ground is in slant range the annotation says as polynomials, a record each second.
The processor laid the pixels by the record that is nearest in time, and from the ground to the slant:
inverting that polynomial gives the annotated tie points to a billionth of a pixel. The annotated
polynomial of the other way is a fit to it, within 0.01 pixel, in products before 2.50 within 4 pixels
only; a value between two records is off by half a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lczlib.errors import InputError
from lczlib.sentinel1.border import Border
from lczlib.sentinel1.deburst import Change, Window, azimuth_shift
from lczlib.sentinel1.product import LIGHT, Product, Swath, seconds

SPACING = 10.0
"""m between pixels of the high resolution (GRDH), of which recipes are made."""
_TOUCH = 0.05  # of a line: how far slices of one pass may lie apart, rounding of their times


@dataclass(frozen=True, eq=False)
class GroundRange:
    """How ground range goes with slant range.

    Attributes
    ----------
    time : array (n,)
        Of the records, seconds of the epoch, ascending.
    slant : array (n, degree + 1)
        Polynomials of the slant range in the ground range from the first pixel, lowest power first, m.
    spacing : float
        m between samples on the ground.
    """

    time: np.ndarray
    slant: np.ndarray
    spacing: float

    @classmethod
    def of(cls, product: Product, swath: str, polarisation: str) -> GroundRange:
        """The annotated one.

        Raises
        ------
        InputError
            If it is missing or damaged.
        """
        root = product.annotation(swath, polarisation)
        try:
            found = root.findall(
                "coordinateConversion/coordinateConversionList/coordinateConversion"
            )
            time = np.array([seconds(c.findtext("azimuthTime"), product.epoch) for c in found])
            rows = [np.array(c.findtext("grsrCoefficients").split(), float) for c in found]
            origins = [float(c.findtext("gr0")) for c in found]
            spacing = float(root.findtext("imageAnnotation/imageInformation/rangePixelSpacing"))
            slant = np.stack([_moved(row, o) for row, o in zip(rows, origins, strict=True)])
        except (AttributeError, TypeError, ValueError) as error:
            msg = (
                f"{product.path} says nothing of how its ground range goes with slant range (coordinateConversion), "
                "or it is damaged: fetch the product again."
            )
            raise InputError(msg) from error
        order = np.argsort(time)
        return cls(time[order], slant[order], spacing)


def _moved(coefficients: np.ndarray, origin: float) -> np.ndarray:
    """A polynomial in ``x - origin`` as one in x."""
    if origin == 0:
        return coefficients
    return np.polynomial.Polynomial(coefficients)(np.polynomial.Polynomial([-origin, 1])).coef


class Detected:
    """The image of one slice.

    Parameters
    ----------
    product : Product
        A GRD of IW.
    polarisations : sequence of str
        Which it must hold.

    Attributes
    ----------
    products : tuple of Product
        It alone.
    time, line_interval : float
        Time of line 0 in seconds of the epoch, s a line.
    slant_range_time, sample_rate : float
        Two-way time of sample 0 in s, samples of slant range a second.
    lines, samples : int

    Raises
    ------
    InputError
        If a polarisation is missing, or its annotation lacks what places need.
    """

    def __init__(self, product: Product, polarisations: tuple[str, ...]) -> None:
        self.products = (product,)
        (name,) = product.names
        swaths = [product.swaths[name, p] for p in polarisations]
        one: Swath = swaths[0]
        if len({(s.lines, s.samples, s.time) for s in swaths}) > 1:
            msg = f"The polarisations of {product.path} differ in size or time: fetch the product again."
            raise InputError(msg)
        self.name, self.epoch, self.time, self.line_interval = (
            name, one.epoch, one.time, one.line_interval,
        )  # fmt: skip
        self.slant_range_time, self.sample_rate = one.slant_range_time, one.sample_rate
        self.lines, self.samples = one.lines, one.samples
        self.ground = GroundRange.of(product, name, polarisations[-1])
        self.border = Border.of(product, name)

    @property
    def swaths(self) -> tuple[str, ...]:
        """Of its measurements: one, in which all sub-swaths are merged."""
        return (self.name,)

    @property
    def whole(self) -> Window:
        """All of the image."""
        return Window(0, 0, self.lines, self.samples)

    @cached_property
    def azimuth_shift(self) -> tuple[float, float]:
        """As of `lczlib.sentinel1.deburst.Deburst`."""
        return azimuth_shift(self.products)

    def placed(self, line: np.ndarray, sample: np.ndarray) -> None:
        """Change lines and samples of slant range, in place, to those of the image."""
        from lczlib.sentinel1.kernels import to_ground

        records = (self.ground.time - self.time) / self.line_interval
        to_ground(
            line, sample, self.slant_range_time * LIGHT / 2, LIGHT / 2 / self.sample_rate, records,
            self.ground.slant, self.ground.spacing, self.samples,
        )  # fmt: skip
        # slices follow each other within some thousandths of a line, and no pixel is to fall between
        above, below = -0.5, self.lines - 0.5
        line[(line < above) & (line > above - _TOUCH)] = above
        line[(line >= below) & (line < below + _TOUCH)] = below - _TOUCH

    def holds(self, line: np.ndarray, sample: np.ndarray) -> np.ndarray:
        """Whether lines and samples lie in the image."""
        return (line >= 0) & (line < self.lines) & (sample >= 0) & (sample < self.samples)

    def read(
        self, window: Window, polarisation: str, change: Change | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """A window of the image; as of `lczlib.sentinel1.deburst.Deburst.read`.

        Border noise is not valid; see `lczlib.sentinel1.border`.
        """
        values, valid = np.zeros(window.shape, np.complex64), np.zeros(window.shape, bool)
        top, left = max(window.top, 0), max(window.left, 0)
        bottom, right = min(window.bottom, self.lines), min(window.right, self.samples)
        if top >= bottom or left >= right:
            return values, valid
        (product,) = self.products
        with product.measurement(self.name, polarisation) as measurement:
            dn = measurement.read(top, left, bottom - top, right - left)
        there = np.ones(dn.shape, bool)
        if self.border is not None:
            there = ~self.border.noise(Window(top, left, bottom, right))
        if change is not None:
            dn = change(product, self.name, dn, np.arange(top, bottom), np.arange(left, right))
        part = np.s_[
            top - window.top : bottom - window.top, left - window.left : right - window.left
        ]
        values[part], valid[part] = np.where(there, dn, 0), there
        return values, valid
