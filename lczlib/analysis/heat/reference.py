"""The reference of a heat island: LCZ D, or what stands in for it, said by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lczlib.classes import CLASSES, lcz_class
from lczlib.errors import InputError

LOW_PLANTS = 14
"""LCZ D, the reference of Stewart & Oke (2012): UHI = T(LCZ X) - T(LCZ D)."""
STAND_INS = (12, 13, 16)
"""LCZ B, C and F: open natural land. Not dense trees (A), which are cooler than open land by day,
nor paved ground (E) or water (G)."""


@dataclass(frozen=True)
class Reference:
    """Which classes temperatures are compared with.

    Attributes
    ----------
    classes : tuple of int
        LCZ numbers; several are pooled.
    label : str
        ``"LCZ D"``, or the pooled classes and why they stand in.
    """

    classes: tuple[int, ...]
    label: str


def choose_reference(
    suffices: Callable[[tuple[int, ...]], bool],
    why_not: Callable[[tuple[int, ...]], str],
    *,
    wanted: str | int = LOW_PLANTS,
    fallback: bool = True,
) -> Reference:
    """LCZ D where there is enough of it, else B, C and F pooled and labelled, else refuse.

    Parameters
    ----------
    suffices, why_not : callable
        Whether the data suffice for a tuple of classes, and if not, why, in words.
    wanted : str or int
        The reference class.
    fallback : bool
        Whether the pooled classes may stand in.

    Raises
    ------
    InputError
        If neither suffices. Trees are never taken silently: ask for them with `wanted`.
    """
    first = (lcz_class(wanted).number,)
    if suffices(first):
        return Reference(first, _names(first))
    reason = f"{_names(first)} has {why_not(first)}"
    if fallback and suffices(STAND_INS):
        return Reference(STAND_INS, f"{_names(STAND_INS)} pooled, because {reason}")
    also = f", and {_names(STAND_INS)} pooled {why_not(STAND_INS)}" if fallback else ""
    msg = (
        f"No reference for the heat island: {reason}{also}; choose another with --reference, or "
        "lower the minimum."
    )
    raise InputError(msg)


def _names(classes: tuple[int, ...]) -> str:
    codes = [CLASSES[c - 1].code for c in classes]
    return "LCZ " + (codes[0] if len(codes) == 1 else f"{', '.join(codes[:-1])} and {codes[-1]}")
