"""Classes put into groups, and how far maps agree on these."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from lczlib.class_names import class_of_text
from lczlib.classes import CLASSES, N_CLASSES
from lczlib.errors import ClassSchemeError, InputError

GROUPINGS: dict[str, dict[int, str]] = {
    "built": {n: "built" if n <= 10 else "natural" for n in range(1, N_CLASSES + 1)},
    "density": dict(zip(range(1, N_CLASSES + 1), (
        *("compact",) * 3, *("open",) * 3, "lightweight", "large", "sparse", "industry",
        *("trees",) * 2, *("low vegetation",) * 2, *("bare or paved",) * 2, "water",
    ), strict=True)),
    "height": dict(zip(range(1, N_CLASSES + 1), (
        "high-rise", "mid-rise", "low-rise", "high-rise", "mid-rise", *("low-rise",) * 4, "industry",
        *("natural",) * 7,
    ), strict=True)),
}  # fmt: skip
"""Groupings by name: built (1-10) and natural (A-G); by density of building and kind of cover; by height."""


def read_grouping(path: str | Path) -> dict[int, str]:
    """The group of each class from a CSV of two columns: class (number, code or name), and group.

    A class that is not named is in no group: its cells are left out.

    Raises
    ------
    InputError
        If it cannot be read, a line has no class or group, or a class comes twice.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        msg = f"The file of groups {path} cannot be read as text: give a CSV of class and group."
        raise InputError(msg) from err
    found: dict[int, str] = {}
    delimiter = ";" if text.count(";") > text.count(",") else ","
    for number, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), start=1):
        cells = [c.strip() for c in row]
        if not any(cells):
            continue
        if number == 1 and cells[0].casefold() in ("lcz", "class", "zone", "code"):
            continue
        if len(cells) != 2 or not all(cells):
            msg = f"Line {number} of {path} is not class{delimiter}group: {delimiter.join(row)[:60]!r}."
            raise InputError(msg)
        try:
            zone = class_of_text(cells[0])
        except ClassSchemeError as err:
            msg = f"Line {number} of {path}: {err}"
            raise InputError(msg) from err
        if zone in found or not zone:
            msg = (
                f"Line {number} of {path}: {cells[0]!r} {'comes twice' if zone else 'is no class'}."
            )
            raise InputError(msg)
        found[zone] = cells[1]
    if len(set(found.values())) < 2:
        msg = f"{path} has {len(set(found.values()))} group(s): a comparison needs two or more."
        raise InputError(msg)
    return found


@dataclass(frozen=True)
class GroupAgreement:
    """How far two maps agree on groups of classes.

    Attributes
    ----------
    grouping : str
        Its name.
    names : (str, str)
        Of the two maps.
    table : DataFrame
        Cross table of groups: rows of the first map, columns of the second; cells, or km2 by area.
    left_out : float
        Of the same, what lies in a class without a group.
    """

    grouping: str
    names: tuple[str, str]
    table: pd.DataFrame
    left_out: float

    @property
    def n(self) -> float:
        """Cells (or km2) that are compared."""
        return float(self.table.to_numpy().sum())

    @property
    def agreement(self) -> float:
        """Share of these in one and the same group; NaN where there are none."""
        return float(np.trace(self.table.to_numpy()) / self.n) if self.n else float("nan")

    @property
    def kappa(self) -> float:
        """Cohen's kappa of the groups; NaN where one group is all there is."""
        values = self.table.to_numpy()
        if not self.n:
            return float("nan")
        chance = float((values.sum(0) * values.sum(1)).sum() / self.n**2)
        return (self.agreement - chance) / (1 - chance) if chance < 1 else float("nan")

    def summary(self) -> dict[str, object]:
        """As one line of a table."""
        return {
            "grouping": self.grouping, "first": self.names[0], "second": self.names[1], "n": self.n,
            "agreement": self.agreement, "kappa": self.kappa, "left_out": self.left_out,
        }  # fmt: skip


def group_agreement(
    counts: xr.DataArray, grouping: Mapping[int, str], name: str, names: tuple[str, str]
) -> GroupAgreement:
    """The agreement of two maps on groups of classes.

    Parameters
    ----------
    counts : DataArray (first, second)
        Cross table of the 17 classes, as of `lczlib.analysis.comparison.Comparison`.
    grouping : mapping of int to str
        Group of each class; of classes that it lacks, cells are left out.
    name, names : str
        Of the grouping, and of the two maps.
    """
    groups = list(dict.fromkeys(grouping[c.number] for c in CLASSES if c.number in grouping))
    into = np.zeros((len(groups), N_CLASSES))
    for zone, group in grouping.items():
        into[groups.index(group), zone - 1] = 1
    table = into @ counts.values @ into.T
    left = float(counts.values.sum() - table.sum())
    return GroupAgreement(name, names, pd.DataFrame(table, groups, groups), left)
