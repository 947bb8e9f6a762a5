"""The reference of a heat island: LCZ D, or what is asked for in its place, said by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lczlib.analysis.heat.options import LOW_PLANTS
from lczlib.classes import CLASSES, lcz_class
from lczlib.errors import InputError
from lczlib.terms import option

STAND_IN = 13
"""LCZ C (bush, scrub), the open natural land next to D. Never LCZ A and B, which hold trees and are
cooler by day (LCZ B by 0.9 K in Hong Kong, which adds as much to every difference), nor paved ground
(E), bare soil (F) or water (G)."""
BARE_SOIL = 16
FEWEST = 5
"""Pixels of LCZ D that are a reference on request where there are too few for one by default."""


@dataclass(frozen=True)
class Reference:
    """Which class temperatures are compared with.

    Attributes
    ----------
    classes : tuple of int
        LCZ numbers; empty where there is no reference, and no difference is told.
    label : str
        ``"LCZ D"``, the class and why it stands in, or ``"no reference"``.
    note : str
        Without a reference: why, and what to ask for. Else empty.
    stand_in : bool
        Whether another class stands in for LCZ D.
    """

    classes: tuple[int, ...]
    label: str
    note: str = ""
    stand_in: bool = False

    @property
    def short(self) -> str:
        """The label without its reason, for titles."""
        return self.label.split(", because")[0]


def choose_reference(
    suffices: Callable[[tuple[int, ...]], bool],
    why_not: Callable[[tuple[int, ...]], str],
    *,
    wanted: str | int = LOW_PLANTS,
    fallback: bool = False,
    some: Callable[[tuple[int, ...]], bool] | None = None,
) -> Reference:
    """LCZ D where there is enough of it; on request a stand-in, named; else none.

    Parameters
    ----------
    suffices, why_not : callable
        Whether the data suffice for a tuple of classes, and if not, why, in words.
    wanted : str or int
        The reference class.
    fallback : bool
        Whether LCZ C may stand in for too little of LCZ D, and after it what there is of LCZ D.
    some : callable, optional
        Whether there is anything of the classes that could be compared with at all.

    Raises
    ------
    InputError
        If a class other than LCZ D was asked for and does not suffice.
    """
    number = lcz_class(wanted).number
    first = (number,)
    if suffices(first):
        return Reference(first, _name(number))
    reason = f"{_name(number)} has {why_not(first)}"
    if number != LOW_PLANTS:
        msg = (
            f"No reference for the heat island: {reason}; choose another with {option('reference')}, or lower the "
            "minimum."
        )
        raise InputError(msg)
    if fallback and suffices((STAND_IN,)):
        label = f"{_name(STAND_IN)} in place of LCZ D, because {reason}"
        return Reference((STAND_IN,), label, stand_in=True)
    if fallback and some is not None and some(first):
        return Reference(first, f"LCZ D, because there is no other, though it has {why_not(first)}")
    also = f", and {_name(STAND_IN)} {why_not((STAND_IN,))}" if fallback else ""
    ask = f"name another class with {option('reference')}, or lower the minimum"
    ask = ask if fallback else f"ask for LCZ C in its place with {option('fallback')}, {ask}"
    note = f"No differences: {reason}{also}; {ask}."
    return Reference((), "no reference", note)


def _name(number: int) -> str:
    soil = " (bare soil)" if number == BARE_SOIL else ""
    return f"LCZ {CLASSES[number - 1].code}{soil}"


def bias_sentence(reference: Reference, bias: float | None, among: str) -> str:
    """What differences would be against LCZ D, where another class is the reference and both are there.

    Parameters
    ----------
    reference : Reference
        Of the differences.
    bias : float or None
        Reference minus LCZ D, K; None where there is no LCZ D, or it is the reference.
    among : str
        How much of LCZ D that is: ``12 pixels``.
    """
    if bias is None:
        return ""
    return (
        f"{reference.short.split(' in place')[0]} is {bias:+.2f} K against LCZ D ({among}): against LCZ D the "
        f"differences would be {abs(bias):.2f} K {'larger' if bias > 0 else 'smaller'}."
    )
