"""What a visitor sees of a study."""

from __future__ import annotations

import param

from lczlib.study.numbers import Numbers, box, place
from lczlib.texts import N_

from ..parts.palette import PALETTES


class View(param.Parameterized):
    """What is shown: part of the address, not of the study."""

    page = param.Selector(
        default="city", objects=["city", "map", "compare", "accuracy", "heat", "water", "share"]
    )
    layer = param.Selector(
        default="classes", objects=["classes", "certainty", "probability", "valid fraction", "none"]
    )
    kind = param.String(
        "fused", doc="Map shown: fused, s1, s2, another sensor's, reference or own."
    )
    lcz = param.Integer(1, bounds=(1, 17), doc="Class whose probability is shown.")
    image = param.Selector(default="true colour", objects=[
        N_("true colour"), N_("false colour (near infrared)"), N_("false colour (short wave)"),
        N_("radar"), N_("none")])  # fmt: skip
    clear = param.Boolean(False, doc="On how many days each pixel of fetched imagery was clear.")
    season = param.String("")
    stretch = param.Selector(default="2-98 %", objects=["2-98 %", "1-99 %", N_("fixed")])
    opacity = param.Number(
        1.0,
        bounds=(0, 1),
        doc="Of the layer above the image; at 1 its colours are those of the legend.",
    )
    isolated = param.Integer(0, bounds=(0, 17), doc="Class shown alone; 0 where all are.")
    palette = param.Selector(default="standard", objects=list(PALETTES))
    names = param.Boolean(True, doc="Names of places upon the map.")
    base = param.Boolean(False, doc="Street map below.")
    compare = param.Selector(
        default="side by side",
        objects=["side by side", "swipe", "flicker", "differences", "how different"],
    )
    swipe = param.Number(0.5, bounds=(0, 1))
    matrix = param.Selector(default="counts", objects=["counts", "row %", "column %"])
    judged = param.String("fused", doc="Map whose accuracy is shown.")
    cell = Numbers(
        bounds=((1, 17), (1, 17)), whole=True, doc="Reference and predicted class picked."
    )
    place = place(doc="Longitude and latitude picked.")
    hours = param.String("all", doc="Hours of the canopy heat island.")
    box = box(doc="What the maps show, in degrees.")
