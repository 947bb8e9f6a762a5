"""Where reference areas lie on a map: which of them count, and which classes are lost with others."""

from __future__ import annotations

import geopandas as gpd
import xarray as xr

from lczlib.classes import CLASSES
from lczlib.polygon_cells import are_points
from lczlib.reading import Reading, counted


def placement(reference: gpd.GeoDataFrame, per_unit: xr.DataArray) -> Reading:
    """What is to be said of how references lie on a map.

    Parameters
    ----------
    reference : GeoDataFrame
        As of `lczlib.polygons.open_polygons`.
    per_unit : DataArray
        As of `lczlib.analysis.confusion.polygon_confusion`.
    """
    a, noun = per_unit.attrs, "point" if are_points(reference) else "polygon"
    counts = per_unit.sum(per_unit.dims[:1])
    n_on = len(reference) - a["polygons_without_cell"]
    said = [
        f"{counted(n_on, noun)} of {len(reference)} on the map, {counted(int(counts.sum()), 'cell')}"
    ]
    left = (
        (a["polygons_outside"], noun, "outside the map"),
        (a["polygons_too_small"], noun, "too small to hold the centre of a cell"),
        (a["contested_cells"], "cell", f"that {noun}s of different classes claim"),
        (a["shared_cells"], "cell", f"of several {noun}s, counted once"),
        (a["no_prediction"], "cell", "without data in the map"),
    )
    said += [f"{counted(n, what)} {why}" for n, what, why in left if n]
    counting = {int(n) for n in counts["reference"].values[counts.sum("predicted").values > 0]}
    lost = sorted({int(n) for n in reference["lcz"].unique()} - counting)
    cautions: tuple[str, ...] = ()
    if lost:
        codes = ", ".join(CLASSES[n - 1].code for n in lost)
        cautions = (
            f"LCZ {codes} of the reference have no cell on the map that counts: nothing is known of "
            f"their accuracy, and the overall scores are those of the other classes.",
        )
    facts = {
        "on_the_map": n_on,
        **{k: a[k] for k in ("polygons_outside", "polygons_too_small", "contested_cells",
                             "shared_cells", "no_prediction")},
        "classes_lost": lost,
    }  # fmt: skip
    source = str(reference.attrs.get("source", f"{noun}s"))
    return Reading("reference on the map", source, tuple(said), cautions, facts)
