"""What a visitor has drawn on the map, and the settings of what is made from it: those of the jobs."""

from __future__ import annotations

import param

from lczlib.jobs.check_polygons import CheckPolygonsRequest
from lczlib.jobs.next_polygons import NextPolygonsRequest
from lczlib.study.settings import add_parameters

CHECK = {"spacing": "drawn_spacing"}
"""Setting of the check of polygons to that of the study."""
NEXT = {"n": "next_n", "size": "next_size", "spacing": "next_spacing"}
"""Setting of the places to draw next to that of the study."""


class DrawnInputs(param.Parameterized):
    """Polygons drawn by hand, and how they are looked at."""

    drawn = param.ClassSelector(
        default=(),
        class_=tuple,
        doc="Drawn polygons (`lczlib.study.drawn.DrawnPolygon`), whole ones.",
    )


add_parameters(DrawnInputs, CheckPolygonsRequest, CHECK)
# what the network was last adapted with: maps that are there stay what they are while the field is changed
add_parameters(DrawnInputs, CheckPolygonsRequest, {"spacing": "adapt_spacing"})
add_parameters(DrawnInputs, NextPolygonsRequest, NEXT)
