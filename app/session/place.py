"""The place that a visitor clicked on any map: marked on all of them, and told in one card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import panel as pn

from lczlib.study.point import at_place
from lczlib.study.showing import as_shown

from ..maps.display import to_degrees, to_mercator
from ..maps.imagery import study_bounds
from ..parts.placepanel import PlacePanel

if TYPE_CHECKING:
    from ..maps.mapview import MapView
    from . import Session

_TOLD_OF = ["scene", "maps", "reference", "own_map", "published", "heat", "conditions"]


class PlaceCard:
    """Follows the clicks on a session's maps, and the place in its address.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    content : Column
        The card, empty until a place is first picked.
    paused : bool
        Whether clicks on maps mean something else, such as the corners of a polygon.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._panel: PlacePanel | None = None
        self._told: tuple[Any, ...] = ()
        self.paused = False
        self.content = pn.Column(visible=False, margin=0)
        session.view.param.watch(self._picked, ["place", "season"])
        session.study.param.watch(self._made, _TOLD_OF)

    def follow(self, view: MapView) -> None:
        """Take the clicks of one more map."""
        view.on_click(self._clicked)
        if self._session.view.place is not None:
            self._mark([view])

    def _clicked(self, x: float, y: float) -> None:
        if not self.paused:
            self._session.view.place = tuple(round(float(v), 5) for v in to_degrees(x, y))

    def _close(self) -> None:
        self._session.view.place = None

    def _picked(self, *_: Any) -> None:
        self._told = ()
        self._session.tick(lambda: self._mark(self._session.maps))
        if self._session.view.place is None:
            self.content.visible = False
        else:
            self._made()

    def _mark(self, views: list[MapView]) -> None:
        place, bounds = self._session.view.place, study_bounds(self._session.study)
        near = None if bounds is None else (bounds[0] + bounds[2]) / 2
        at = (None,) if place is None else to_mercator(*place, near=near)
        for view in views:
            view.mark(*at)

    def _made(self, *_: Any) -> None:
        """The card anew, where anything that it tells of is another."""
        session, place = self._session, self._session.view.place
        if place is None or session.study.scene is None:
            return
        now = as_shown(session.study)
        told = tuple(getattr(now, n) for n in _TOLD_OF if n != "conditions")
        if len(told) == len(self._told) and all(
            a is b for a, b in zip(told, self._told, strict=True)
        ):
            return
        if not self._told or told[0] is not self._told[0]:  # which side of 180 degrees it is on
            session.tick(lambda: self._mark(session.maps))
        self._told = told
        season = session.view.season
        session.latest("place", lambda: at_place(now, place, season), self._show)

    def _show(self, found: Any) -> None:
        if self._session.view.place != (found.longitude, found.latitude):
            return  # closed, or another one meanwhile
        if self._panel is None:
            self._panel = PlacePanel(self._session.dark, self._close)
            self.content.append(self._panel.content)
        self._panel.show(found)
        self.content.visible = True
