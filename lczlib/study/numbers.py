"""Parameters of several numbers, such as a place or a box: what is none of these is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import param

LONGITUDES, LATITUDES = (-180.0, 180.0), (-90.0, 90.0)


class Numbers(param.Tuple):
    """Some finite numbers, each within its bounds, or None.

    Parameters
    ----------
    bounds : sequence of (float, float)
        Of each number.
    whole : bool
        Whether they are whole numbers.
    ordered : sequence of (int, int)
        Which of them have to be smaller than which.
    **options
        As of `param.Tuple`.
    """

    __slots__ = ("bounds", "ordered", "whole")

    def __init__(
        self,
        default: Any = None,
        *,
        bounds: Sequence[tuple[float, float]],
        whole: bool = False,
        ordered: Sequence[tuple[int, int]] = (),
        **options: Any,
    ) -> None:
        self.bounds, self.whole, self.ordered = tuple(bounds), whole, tuple(ordered)
        super().__init__(default, length=len(bounds), allow_None=True, **options)

    def _validate_value(self, val: Any, allow_None: bool) -> None:
        super()._validate_value(val, allow_None)
        if val is None:
            return
        for number, (low, high) in zip(val, self.bounds, strict=False):
            kinds = int if self.whole else (int, float)
            if isinstance(number, bool) or not isinstance(number, kinds):
                msg = f"{self.name}: {number!r} is no {'whole ' if self.whole else ''}number."
                raise ValueError(msg)
            if not (math.isfinite(number) and low <= number <= high):
                msg = f"{self.name}: {number!r} lies outside {low:g} to {high:g}."
                raise ValueError(msg)
        for first, second in self.ordered:
            if len(val) > second and not val[first] < val[second]:
                msg = f"{self.name}: {val[first]!r} is not below {val[second]!r}."
                raise ValueError(msg)


def box(**options: Any) -> Numbers:
    """A parameter for west, south, east, north in degrees; west of 180 may lie east of it."""
    bounds = (LONGITUDES, LATITUDES, LONGITUDES, LATITUDES)
    return Numbers(bounds=bounds, ordered=((1, 3),), **options)


def place(**options: Any) -> Numbers:
    """A parameter for a longitude and a latitude in degrees."""
    return Numbers(bounds=(LONGITUDES, LATITUDES), **options)
