"""A visitor's drawn polygons held against the imagery, and places for further ones: two jobs, in a study.

They are those of ``lcz check-polygons`` and ``lcz next-polygons``. What is drawn, and what is made from it, lies in the
visitor's own folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.errors import Lacking
from lczlib.jobs.check_polygons import CheckPolygonsRequest, CheckPolygonsResult
from lczlib.jobs.next_polygons import NextPolygonsRequest, NextPolygonsResult
from lczlib.scene_options import SceneOptions
from lczlib.study.drawn import DrawnPolygon, write_drawn
from lczlib.study.drawn_inputs import CHECK, NEXT, DrawnInputs
from lczlib.study.given import Given
from lczlib.study.scene_inputs import scene_facts
from lczlib.study.settings import told

if TYPE_CHECKING:
    from lczlib.study.material import Material
    from lczlib.study.steps import Context

Progress = Callable[[str, int, int], None]
Cancel = Callable[[], bool]


def check_drawn(
    given: Given, context: Context, progress: Progress | None, cancelled: Cancel | None
) -> CheckPolygonsResult:
    """Hold the drawn polygons against the scenes of a place.

    Raises
    ------
    InputError, GridError
        If none is drawn, there is no imagery, or there is nothing to judge the polygons by.
    """
    from lczlib.jobs.check_polygons import run

    material: Material = given.scene
    if not material.sensors:
        msg = (
            f"There is no imagery of {material.place.name} here that polygons could be held against: upload "
            "Sentinel-2, or choose a place that has some."
        )
        raise Lacking(msg)
    optical = "s2" in material.sensors
    own = {f.name for f in fields(SceneOptions)}
    options = {n: v for n, v in scene_facts(given).items() if n in own}
    request = CheckPolygonsRequest(
        inputs=material.inputs, sentinel1=() if optical else material.radar_inputs,
        sensor="s2" if optical else "s1", polygons=str(_written(given.drawn, context.work)),
        city=material.city, box=material.area, **options, **told(given, CheckPolygonsRequest, CHECK, DrawnInputs),
    )  # fmt: skip
    return run(request, progress=progress, cancelled=cancelled)


def next_drawn(
    given: Given, context: Context, progress: Progress | None, cancelled: Cancel | None
) -> NextPolygonsResult:
    """Propose where to draw next, by the maps of a place and what is drawn already.

    Raises
    ------
    InputError, GridError
        If the maps have no probabilities, the polygons lie elsewhere, or no place is left.
    """
    from lczlib.jobs.next_polygons import run

    request = NextPolygonsRequest(
        probabilities=str(given.maps.folder),
        polygons=str(_written(given.drawn, context.work)) if given.drawn else None,
        **told(given, NextPolygonsRequest, NEXT, DrawnInputs),
    )
    return run(request, progress=progress, cancelled=cancelled)


def _written(drawn: Sequence[DrawnPolygon], work: Path) -> Path:
    """A file of what is drawn, named by it: two steps may read it at once."""
    name = sha256(repr(drawn).encode()).hexdigest()[:20]
    path = work / "drawn" / f"{name}.gpkg"
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_drawn(drawn, path)
