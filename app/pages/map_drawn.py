"""What is made from drawn polygons beside a map: which may be mistakes, and where to draw next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from html import escape
from typing import Any

import geopandas as gpd
import panel as pn

from lczlib.classes import CLASSES
from lczlib.study.showing import follows, shown
from lczlib.study.state import STOPPED
from lczlib.study.wording import in_page
from lczlib.texts import N_, text

from ..maps.mapview import MapView
from ..maps.outlines import Outlines
from ..parts.fields import WIDE, card, field
from ..parts.markup import folded, html, note, per_cent, put, table
from ..parts.messages import ended
from ..parts.progress import StepProgress
from ..parts.words import zone_short
from ..session import Session

_MOST = 10
_ALL = -1
"""Of the places to go to: not one, but the view that shows all."""
_CHECK = N_(
    "<b>Look for mistakes in them</b> judges each polygon by a classifier that all the others have taught, by the "
    "imagery alone: those that look more like another class come first. It is a hint, not a verdict."
)
_NEXT = N_(
    "<b>Where to draw next</b> proposes places by the map's probabilities, the most helpful first. What the map says "
    "of a place is no label: look at it, and draw what you see."
)
_OLD = N_(
    "The polygons, the map or the settings have changed since this was made: press the button again."
)


class _Finding(ABC):
    """A button, how far its job is, what it found in words and on the map, and the way to each place.

    Parameters
    ----------
    session : Session
    view : MapView
        On which places are shown.
    """

    step = ""
    title, to = "", ""
    color = ""
    dash = "solid"

    def __init__(self, session: Session, view: MapView) -> None:
        self._study = study = session.study
        self._session, self._drawn = session, None
        self.button = pn.widgets.Button(name=text(self.title), disabled=True, **WIDE)
        self.button.on_click(lambda _: session.runner.run(self.step))
        self._going = StepProgress(study, session.runner, (self.step,))
        self._said = html("", visible=False)
        self._to = pn.widgets.Select(name=text(self.to), visible=False, **WIDE)
        self._to.param.watch(self._go, "value")
        self._outlines = Outlines(view, self.color, self.dash, self.step)
        self.parts = [
            self.button, pn.Row(self._going.stop, **WIDE), self._going.bar, self._going.told, self._said, self._to,
        ]  # fmt: skip
        study.param.watch(
            self._tell, [self.step, "conditions", "messages", "drawn", "scene", "maps"]
        )
        self._tell()

    @abstractmethod
    def places(self, result: Any) -> tuple[gpd.GeoSeries, dict[str, str]]:
        """What is shown on the map, in longitude and latitude; and by its number what it is called."""

    @abstractmethod
    def words(self, result: Any) -> str:
        """What was found, as markup."""

    @abstractmethod
    def able(self) -> bool:
        """Whether there is something to do it with."""

    def _tell(self, *_: Any) -> None:
        study = self._study
        self.button.disabled = not self.able() or study.condition(self.step) == "running"
        result = shown(study, self.step)
        said = ended(study, self.step)
        if study.messages.get(self.step) == STOPPED:  # no part of it is kept
            said = f'<div class="lcz-banner info" role="status">{text("Stopped.")}</div>'
        if result is not None:
            if not said and not follows(study, self.step):
                said = f'<div class="lcz-banner stale" role="status">{text(_OLD)}</div>'
            said += self.words(result)
        put(self._said, said)
        if result is self._drawn:
            return
        self._drawn = result
        if result is None:
            self._to.visible = False
            self._session.tick(self._outlines.clear)
            return
        shapes, names = self.places(result)
        order = {name: i for i, name in enumerate(names.values())}
        self._to.param.update(
            options={text("all of them"): _ALL, **order}, value=_ALL, visible=bool(names)
        )
        self._session.tick(lambda: self._outlines.show(shapes, [*names]))

    def _go(self, event: Any) -> None:
        if self._drawn is not None:
            self._outlines.go(None if event.new == _ALL else event.new)


class Check(_Finding):
    """Drawn polygons that look like something else."""

    step = "suspects"
    title, to = N_("Look for mistakes in them"), N_("Go to polygon")
    color = "#c2185b"

    def able(self) -> bool:
        """Whether there is something to do it with."""
        return bool(self._study.drawn) and self._study.scene is not None

    def places(self, result: Any) -> tuple[gpd.GeoSeries, dict[str, str]]:
        """What is shown on the map, in longitude and latitude; and by its number what it is called."""
        rows = result.doubtful.head(_MOST)
        shapes = result.areas.set_index("polygon").geometry
        called = text("{number}: {drawn}, rather {preferred}?")
        names = {
            str(r.polygon): called.format(
                number=r.polygon, drawn=_zone(r.lcz), preferred=_zone(r.preferred)
            )
            for r in rows.itertuples()
        }
        return shapes.loc[rows["polygon"]], names

    def words(self, result: Any) -> str:
        """What was found, as markup."""
        doubtful = result.doubtful
        said = [f"<div class='lcz-note'>{escape(in_page(result.headline(), self.step))}</div>"]
        if len(doubtful):
            said.append(_judged(doubtful.head(_MOST)))
        for caution in result.cautions():
            warned = escape(in_page(caution, self.step))
            said.append(f'<div class="lcz-banner stale" role="status">{warned}</div>')
        said += [
            f"<div class='lcz-note'>{escape(in_page(n, self.step))}</div>"
            for n in result.unjudged()
        ]
        return "".join(said) + folded(text("All polygons"), _judged(result.table))


class Next(_Finding):
    """Where further polygons help most."""

    step = "next_places"
    title, to = N_("Where to draw next"), N_("Go to place")
    color = "#5e35b1"
    dash = "dashed"

    def able(self) -> bool:
        """Whether there is something to do it with."""
        return self._study.maps is not None

    def places(self, result: Any) -> tuple[gpd.GeoSeries, dict[str, str]]:
        """What is shown on the map, in longitude and latitude; and by its number what it is called."""
        rows = result.places
        called = text("{number}: {mapped} or {other}?")
        names = {
            str(r.rank): called.format(
                number=r.rank, mapped=_zone(r.mapped), other=_zone(r.runner_up)
            )
            for r in rows.itertuples()
        }
        return rows.to_crs(4326).geometry, names

    def words(self, result: Any) -> str:
        """What was found, as markup."""
        heads = ["", text("the map says LCZ"), text("or LCZ"), text("km² like it")]
        known = result.request.polygons is not None
        rows = [
            (
                r.rank, _of(r.mapped, r.probability), _of(r.runner_up, r.runner_up_probability),
                f"{r.stands_for_km2:,.1f}",
                *([r.n_drawn] if known else []),
            )
            for r in result.places.itertuples()
        ]  # fmt: skip
        if known:
            heads.append(text("drawn"))
        notes = [result.headline(), *result.notes(), *result.cautions()]
        said = "".join(
            f"<div class='lcz-note'>{escape(in_page(n, self.step))}</div>" for n in notes
        )
        return table(heads, rows, text("Places to draw in"), "lcz-narrow") + said


def drawn_findings(session: Session, view: MapView) -> list[Any]:
    """The parts of the card of drawn polygons that look at them, in order."""
    check, following = Check(session, view), Next(session, view)
    study = session.study
    names = ("drawn_spacing", "next_n", "next_size", "next_spacing")
    steps = {"drawn_spacing": 10, "next_size": 100, "next_spacing": 100}
    settings = [part for n in names for part in field(study, n, step=steps.get(n))]
    return [
        *check.parts, note(text(_CHECK)), *following.parts, note(text(_NEXT)),
        card(text("Spacing of places"), settings),
    ]  # fmt: skip


def _zone(number: int) -> str:
    return zone_short(CLASSES[int(number) - 1])


def _of(number: int, probability: float) -> str:
    """The code of a class and its probability, where there is one, on one line."""
    code = CLASSES[int(number) - 1].code
    if probability != probability:  # of one that is alone in its class nothing is known
        return code
    return f"{code}:\N{NO-BREAK SPACE}{per_cent(probability)}"


def _judged(rows: Any) -> str:
    """Polygons with the probability of what they were drawn as, and of what else they look like most."""
    heads = ("", text("drawn as LCZ"), text("rather LCZ"), text("places"))
    cells = [
        (
            r.polygon, _of(r.lcz, r.probability),
            _of(r.preferred, r.preferred_probability) if r.preferred else "–", f"{r.n_patches:,}",
        )
        for r in rows.itertuples()
    ]  # fmt: skip
    return table(heads, cells, text("Polygons, the most doubtful first"), "lcz-narrow")
