"""A second network of Sentinel-2, whose map only stands beside: where two disagree, trust neither blindly.

Which network suits a city is known from labels of that city alone, and most users have none at first. So
where none is named two published ones map the scene, and how far they agree is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from lczlib.classes import CLASSES, NODATA
from lczlib.kinds import TITLES, Kind, lcz_file
from lczlib.mapping.sources import Source
from lczlib.models import Weights


@dataclass(frozen=True)
class SecondOpinion:
    """How far the map of the second network agrees with the first.

    Attributes
    ----------
    first, second : str
        The networks.
    weights : Weights
        Of the second.
    chosen : bool
        Whether the user named networks, or both were taken by default.
    agreement : float
        Share of cells to which both give the same class, 0..1.
    cells : int
        Cells to which both give a class.
    by_class : dict of str to float
        The same share of each class of the first map, by its code.
    """

    first: str
    second: str
    weights: Weights
    chosen: bool
    agreement: float
    cells: int
    by_class: dict[str, float]

    def facts(self) -> dict[str, Any]:
        """What the manifest says of it."""
        return {
            "network": self.second, "weights": self.weights.to_dict(), "by_default": not self.chosen,
            "agreement": round(self.agreement, 4), "cells": self.cells,
            "agreement_by_class": {c: round(v, 4) for c, v in self.by_class.items()},
        }  # fmt: skip

    def __str__(self) -> str:
        """Which networks there were, how far they agree, and what that means."""
        why = "" if self.chosen else "No network of Sentinel-2 was named: "
        worst = min(self.by_class, key=self.by_class.__getitem__, default="")
        least = (
            f", least where the first says LCZ {worst} ({self.by_class[worst]:.0%})"
            if worst
            else ""
        )
        return (
            f"{why}{TITLES[Kind.S2]} is mapped by {self.first}, and by {self.second} for comparison "
            f"({lcz_file(Kind.SECOND)}): the two agree on {self.agreement:.0%} of {self.cells:,} cells{least}. Where "
            "they differ at least one is wrong: look there first, or judge both by a reference."
        )


def second_opinion(
    sources: list[Source],
    layers: Mapping[str, xr.DataArray],
    chosen: Mapping[str, Weights],
    named: bool,
) -> SecondOpinion | None:
    """How far the two networks agree; None where there is one.

    Parameters
    ----------
    sources : list of Source
        What was mapped.
    layers : mapping of str to DataArray
        Class maps ``(y, x)``, 1..17 with 0 for none, of the kinds.
    chosen : mapping of str to Weights
        Of the sources.
    named : bool
        Whether the user named the second network.
    """
    second = next((s.weights_name for s in sources if s.kind == Kind.SECOND), None)
    if second is None or Kind.S2 not in layers:
        return None
    firsts = dict.fromkeys(chosen[s.weights_name].name for s in sources if s.kind == Kind.S2)
    a, b = layers[Kind.S2].values, layers[Kind.SECOND].values
    both = (a != NODATA) & (b != NODATA)
    same = (a == b) & both
    by_class = {
        c.code: float(same[of].sum() / of.sum())
        for c in CLASSES
        if (of := both & (a == c.number)).sum() >= _FEWEST
    }
    cells = int(both.sum())
    return SecondOpinion(
        " + ".join(firsts), chosen[second].name, chosen[second], named,
        float(same.sum() / cells) if cells else float("nan"), cells, by_class,
    )  # fmt: skip


_FEWEST = 30
"""Cells of a class below which its own share says nothing."""
