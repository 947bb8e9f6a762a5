"""In which order unnamed bands lie: what their values say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lczlib.errors import InputError
from lczlib.scenes.bands import BANDS
from lczlib.terms import option

OTHER_ORDERS = {
    "B8A last": ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12", "B8A"),
    "10 m bands first": ("B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12"),
    "red first": ("B04", "B03", "B02", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"),
    "red, green, blue, near infrared first": (
        "B04", "B03", "B02", "B08", "B05", "B06", "B07", "B8A", "B11", "B12",
    ),
}  # fmt: skip
"""Orders of the ten bands met in published data, beside that of wavelength."""

# Neighbours in the spectrum that look alike over any land scene; a right order makes them so.
_ALIKE = (
    ("B03", "B04"),
    ("B04", "B05"),
    ("B06", "B07"),
    ("B07", "B8A"),
    ("B08", "B8A"),
    ("B11", "B12"),
)
_ENOUGH, _CLEARLY, _CERTAIN = 50, 0.02, 0.005  # pixels; differences of mean correlation

_ALL = ",".join(BANDS)


def order_fits(sample: np.ndarray, assumed: Sequence[str] = BANDS) -> dict[str, float]:
    """How much better each other known order of the ten bands fits the values than the assumed one.

    The fit is the mean correlation of bands that are neighbours in the spectrum.

    Parameters
    ----------
    sample : array (10, n)
        Values of pixels.
    assumed : sequence of str
        Band name of each row.

    Returns
    -------
    dict
        Name of the order to difference of the fits; positive where it fits better.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.nan_to_num(np.corrcoef(sample))

    def fit(order: Sequence[str]) -> float:
        pairs = [correlation[order.index(a), order.index(b)] for a, b in _ALIKE]
        return float(np.mean(pairs))

    return {name: fit(order) - fit(tuple(assumed)) for name, order in OTHER_ORDERS.items()}


def likely_order(sample: np.ndarray, assumed: Sequence[str] = BANDS) -> str | None:
    """The known band order that fits the values clearly better than the assumed one, if any."""
    if sample.shape[1] < _ENOUGH or set(assumed) != set(BANDS):
        return None
    gains = order_fits(sample, assumed)
    name = max(gains, key=gains.get)
    return name if gains[name] > _CLEARLY else None


def check_order(path: str | Path, sample: np.ndarray, count: int) -> None:
    """Refuse unnamed bands whose values do not speak for the order that is assumed.

    Of ten bands, several orders are in use, so that of wavelength must fit best of all; files of 12
    and 13 bands are in order of wavelength unless their values clearly say otherwise.

    Parameters
    ----------
    path : path
        The file, for messages.
    sample : array (10, n)
        Values of pixels, bands in the order that is assumed.
    count : int
        Bands of the file.

    Raises
    ------
    InputError
        If another order fits better, or, of ten bands, none for certain.
    """
    name = likely_order(sample)
    if name is not None:
        order = ",".join(OTHER_ORDERS[name]) if count == len(BANDS) else "B01,B02,..."
        msg = (
            f"{path} does not name its bands, and their values fit the order '{name}' better than "
            f"that of wavelength: say the order ({option('bands', order)}, if that is it)."
        )
        raise InputError(msg)
    if count != len(BANDS):
        return
    if sample.shape[1] < _ENOUGH or max(order_fits(sample).values()) > -_CERTAIN:
        msg = (
            f"{path} has ten unnamed bands, and their values do not tell their order for certain: "
            f"say it ({option('bands', _ALL)}, if that is it)."
        )
        raise InputError(msg)
