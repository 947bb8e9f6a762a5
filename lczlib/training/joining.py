"""Patches of several scenes as one set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from lczlib.errors import InputError
from lczlib.training.patches import ScenePatches


def join_patches(parts: Sequence[ScenePatches], *, same_place: bool = False) -> ScenePatches:
    """Patches of several scenes as one set.

    Parameters
    ----------
    parts : sequence of ScenePatches
        Of one kind.
    same_place : bool
        Whether the scenes show one place at several dates with the same polygons: patches of one
        polygon and location then stay together in every split.

    Raises
    ------
    InputError
        If there is no part, or they differ in bands, patch size, pixel size or being simulated.
    """
    if not parts:
        msg = "There are no patches to join: give at least one scene."
        raise InputError(msg)
    tables, images = [], []
    polygon = location = 0
    for part in parts:
        first, other = (replace(p.kind, source="", level="") for p in (parts[0], part))
        if first != other:
            msg = f"Patches of different kinds cannot be trained together: {first} and {other}."
            raise InputError(msg)
        table = part.table.copy()
        table["image"] += len(images)
        if same_place:
            spot = table["x"].round(2).astype(str) + " " + table["y"].round(2).astype(str)
            table["location"] = spot
        else:
            table["location"] += location
            location = int(table["location"].max()) + 1
            if "polygon" in table:
                table["polygon"] += polygon
                polygon = int(table["polygon"].max()) + 1
        tables.append(table)
        images += part.images
    joined = pd.concat(tables, ignore_index=True)
    joined["location"] = pd.factorize(joined["location"])[0]
    keys = {k for t in tables for k in t.attrs}
    joined.attrs = {k: sum(int(t.attrs.get(k, 0)) for t in tables) for k in sorted(keys)}
    levels = {p.kind.level for p in parts}
    kind = replace(
        parts[0].kind,
        source=", ".join(dict.fromkeys(p.kind.source for p in parts)),
        level=parts[0].kind.level if len(levels) == 1 else "",
    )
    return ScenePatches(kind, joined, images)
