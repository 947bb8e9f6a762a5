"""The image below a map: composites of the scene, made once in a thread and kept for all sessions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from lczlib.figures.composites import optical_composite, radar_composite
from lczlib.grid import geobox_of
from lczlib.mercator import mercator_box
from lczlib.study.material import Material
from lczlib.study.steps import named_maps
from lczlib.study.water import backscatter

from .display import bounds_in_mercator, rgba_layer

if TYPE_CHECKING:
    from lczlib.study import Study

    from ..session import Session

_POOL = ThreadPoolExecutor(2, thread_name_prefix="image")
_SHARED: dict[tuple[Any, ...], Any] = {}
_LOCK = Lock()
_MOST_SHARED = 100_000_000  # pixels of four bytes


def base_image(session: Session, scene: Material | None, show: Callable[[Any], None]) -> None:
    """Give the chosen image of a scene to `show`, soon; nothing where it is no longer wanted."""
    view = session.view
    if scene is None or view.image == "none" or scene.box is None:
        session.tick(lambda: show(None))
        return
    wanted = (view.image, view.season, view.stretch)

    def shown(made: Any) -> None:
        if session.study.scene is scene and wanted == (view.image, view.season, view.stretch):
            show(made)

    def work() -> None:
        made = _image(scene, *wanted)
        session.tick(lambda: shown(made))

    _POOL.submit(work)


def _image(scene: Material, name: str, season: str, stretch: str) -> Any:
    key = (scene.inputs, name, season, stretch)
    if scene.shared and key in _SHARED:
        return _SHARED[key]
    made = None
    if name == "radar" or not scene.seasons:
        if scene.radar is not None:
            made = rgba_layer(radar_composite(backscatter(scene.radar), stretch))
    elif scene.seasons:
        data = scene.seasons[season_of(scene, season)]
        made = rgba_layer(optical_composite(data, name, stretch))
    if scene.shared and made is not None:
        with _LOCK:
            _SHARED[key] = made
            while len(_SHARED) > 1 and sum(map(_cells, _SHARED.values())) > _MOST_SHARED:
                _SHARED.pop(next(iter(_SHARED)))
    return made


def _cells(made: Any) -> int:
    return made.values.size


def season_of(scene: Material, wanted: str) -> str:
    """The season to show: the chosen one where it is there, else summer, else the first."""
    return next(s for s in (wanted, "summer", *scene.seasons) if s in scene.seasons)


def study_bounds(study: Study) -> tuple[float, float, float, float] | None:
    """The box of a study's scene in web mercator; without imagery that of a map, else of the place."""
    scene = study.scene
    if scene is None:
        return None
    box = scene.box
    if box is None:
        box = next((geobox_of(lcz) for lcz in named_maps(study).values()), None)
    if box is None and scene.place.box is not None:
        return with_margin(bounds_in_mercator(scene.place.box))
    if box is None:
        return _around(scene.place.longitude, scene.place.latitude)
    return tuple(mercator_box(box).boundingbox)


def with_margin(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A box that can be moved about: with as much around it as a quarter of its size."""
    x0, y0, x1, y1 = bounds
    dx, dy = (x1 - x0) / 4, (y1 - y0) / 4
    return x0 - dx, y0 - dy, x1 + dx, y1 + dy


@lru_cache(256)
def _around(longitude: float, latitude: float) -> tuple[float, float, float, float]:
    from .display import to_mercator

    if longitude != longitude:
        return -18e6, -7e6, 19e6, 11e6
    x, y = to_mercator(longitude, latitude)
    return x - 1.5e4, y - 1.5e4, x + 1.5e4, y + 1.5e4
