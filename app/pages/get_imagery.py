"""Getting the imagery of a city: where, when, the days that there are, and fetching them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from html import escape
from typing import Any

import panel as pn

from lczlib import catalog
from lczlib.acquire import boxes
from lczlib.acquire.choose import chosen
from lczlib.acquire.providers import provider_of
from lczlib.acquire.seasons import FIRST_YEAR, last_whole_year
from lczlib.errors import InputError
from lczlib.longitudes import Box
from lczlib.study.acquisition import box_asked, can_fetch, check_box, megabytes_a_day, told_of
from lczlib.study.places import DEMO, FETCHED, OWN, Place
from lczlib.study.state import STOPPED
from lczlib.study.wording import in_page
from lczlib.texts import N_, text

from ..parts.days import key_of_days, season_line, strip
from ..parts.fields import bound, card, field
from ..parts.layout import columns
from ..parts.markup import html, key, note, number, per_cent, table
from ..parts.messages import ended
from ..parts.progress import StepProgress
from ..parts.words import choices
from ..session import Session

_WIDE = {"sizing_mode": "stretch_width"}
_SEASONS, _HALVES, _OWN_DAYS = (
    N_("the four seasons"), N_("wet and dry half-year"), N_("days of your own"),
)  # fmt: skip
_HOW = ("get_max_cloud", "get_days", "get_composite", "get_dilation", "get_haze", "get_offsets")
_LEVELS = {N_("L2A: surface reflectance"): "L2A", N_("L1C: top of atmosphere"): "L1C"}
_MOST_OFFERED = 6
_STEPS = ("acquired", "days", "published")
"""What is asked of the network here."""


class GetPanel:
    """The part of the City page that imagery is fetched with.

    Parameters
    ----------
    session : Session
    open_place : callable
        Called with the key of a place that is to be shown.
    """

    def __init__(self, session: Session, open_place: Callable[[str], None]) -> None:
        self._session, self._study, self._open = session, session.study, open_place
        study, runner = session.study, session.runner
        self._why_not = can_fetch(study.context.services)
        self._intro, self._there = html(""), pn.Column(**_WIDE)
        self._service = bound(
            pn.widgets.Select,
            study.param.get_provider,
            options=study.context.services.titles(),
            **_WIDE,
        )
        self._level = bound(
            pn.widgets.Select, study.param.get_level, options=choices(_LEVELS), **_WIDE
        )
        self._period = pn.widgets.Select(
            name=text("Period"), options=choices((_SEASONS, _HALVES, _OWN_DAYS)), **_WIDE
        )
        last = last_whole_year()
        years = {text("{year} (the last whole one)").format(year=last): 0}
        years |= {str(y): y for y in range(last + 1, FIRST_YEAR, -1)}
        self._year = pn.widgets.Select(name=text("Year"), options=years, value=0, **_WIDE)
        self._from, self._to = (
            pn.widgets.DatePicker(name=text(n), start=dt.date(FIRST_YEAR, 6, 23), end=dt.date(last + 2, 1, 1), **_WIDE)
            for n in (N_("From"), N_("To"))
        )  # fmt: skip
        self._how = card(
            text("How composites are made"), [p for n in _HOW for p in field(study, n)]
        )
        self._search = pn.widgets.Button(name=text("Search days"), button_type="primary", **_WIDE)
        self._get = pn.widgets.Button(name=text("Get imagery"), button_type="primary", **_WIDE)
        self._going = going = StepProgress(study, runner, _STEPS)
        self._failed = html("")
        self._offers = pn.Column(visible=False, **_WIDE)
        self._amount_of = html("")
        self.days = pn.Column(**_WIDE)
        self._filling = False
        self._search.on_click(lambda _: runner.run("days"))
        self._get.on_click(lambda _: runner.run("acquired"))
        self._published = pn.widgets.Button(name=text("Show the published LCZ map of it"), **_WIDE)
        self._published.on_click(lambda _: runner.run("published"))
        self._period.param.watch(self._period_chosen, "value")
        self._year.param.watch(self._year_chosen, "value")
        for picker in (self._from, self._to):
            picker.param.watch(self._day_chosen, "value")
        study.param.watch(self._progress, "conditions")
        study.param.watch(self._fail, "messages")
        study.param.watch(self._place_changed, ["scene", "area", "published"])
        study.param.watch(self._service_chosen, "get_provider")
        study.param.watch(self._show_period, ["get_seasons", "get_start", "get_end", "get_year"])
        study.param.watch(self._show_days, ["days", "get_max_cloud", "get_days"])
        study.param.watch(self._acquired, "acquired")
        self._inputs = (self._service, self._level, self._period, self._year, self._from, self._to)
        self._asking = pn.Column(
            self._service, self._level, self._period, self._year, pn.Row(self._from, self._to, **_WIDE), self._how,
            pn.Row(self._search, self._get, **_WIDE), visible=not self._why_not, **_WIDE,
        )  # fmt: skip
        self._card = pn.Card(
            self._asking, self._published, going.stop, going.bar, going.told, self._failed,
            self._offers, self._amount_of, title=text("Get imagery"), margin=(4, 5),
            hide_header=True, **_WIDE,
        )  # fmt: skip
        self.content = pn.Column(self._intro, self._there, self._card, visible=False, **_WIDE)
        self._service_chosen()
        self._show_period()
        self._place_changed()
        self._progress()
        self._fail()
        self._show_days()

    def asked_box(self) -> Box | None:
        """The box that would be fetched, where imagery can be asked for."""
        place = self._place()
        if place is None or not self._is_open(place):
            return None
        return box_asked(place, self._study.area, self._study.context.services)

    def _place(self) -> Place | None:
        scene = self._study.scene
        return None if scene is None else scene.place

    def _is_open(self, place: Place) -> bool:
        """Whether a place is one whose imagery is fetched, and not here or a visitor's."""
        own = self._study.scene_files or self._study.radar_files or self._study.result_folder
        return not own and (not place.has_scenes or place.key.startswith(f"{FETCHED}:"))

    @property
    def is_running(self) -> bool:
        """Whether imagery is being fetched: what it is of does not change meanwhile."""
        return self._study.conditions.get("acquired") == "running"

    def _place_changed(self, *_: Any) -> None:
        place = self._place()
        self.content.visible = place is not None and self._is_open(place)
        if place is None or not self.content.visible:
            return
        fetched = place.key.startswith(f"{FETCHED}:")
        others = [] if fetched else self._study.context.places.fetched(of=place.key)
        self._intro.object = _of_fetched(place) if fetched else self._missing(place, bool(others))
        self._there[:] = [
            self._door(p, text("Open Sentinel-2 of {period}").format(period=p.kind))
            for p in others[:_MOST_OFFERED]
        ]
        self._card.param.update(
            hide_header=not fetched, collapsible=fetched, collapsed=fetched,
            title=text("Get other seasons or days of it") if fetched else text("Get imagery"),
        )  # fmt: skip
        self._progress()

    def _missing(self, place: Place, others: bool) -> str:
        """What a place without imagery lacks, and what can be had; or was, for some box and days."""
        name, services = escape(text(place.name)), self._study.context.services
        if self._why_not:
            said = text(
                "There is no imagery of {place} here. {why} Upload Sentinel-2 of it, or choose one of the places below."
            ).format(place=name, why=escape(text(self._why_not)))
            return f'<div class="lcz-banner info">{said}</div>'
        box = box_asked(place, self._study.area, services)
        if box is None:
            said = text(
                "Draw a box on the map (the <b>box select</b> tool above it) to get Sentinel-2 of any place, or upload "
                "own files."
            )
            return f'<div class="lcz-banner info">{said}</div>'
        width, height = boxes.size_km(box)
        mb = megabytes_a_day(box)
        size = text(
            "Its box on the map can be dragged, by its middle and its sides: <b>{width} × {height} km</b>, {area} km², "
            "about {amount} MB a day of imagery."
        ).format(
            width=f"{width:,.1f}", height=f"{height:,.1f}", area=f"{width * height:,.0f}", amount=f"{mb:,.0f}"
        )  # fmt: skip
        cut = ""
        if self._study.area is None and box != place.box:
            cut = " " + text(
                "The whole box of {place} is larger than the {most} km² that this server fetches at a time: this is "
                "its middle."
            ).format(place=name, most=f"{services.largest_km2:,.0f}")
        there = text("There is no imagery of {place} here yet.")
        if others:
            there = text(
                "Imagery of {place} that was fetched before can be opened below; or get other days, or another box."
            )
        said = f"{there.format(place=name)} {size}{cut}"
        return f'<div class="lcz-banner info">{said}</div>{self._refused(box)}'

    def _refused(self, box: Box) -> str:
        try:
            check_box(box, self._study.context.services)
        except InputError as error:
            said = escape(in_page(error.message, "days"))
            return f'<div class="lcz-banner failed" role="alert">{said}</div>'
        return ""

    def _service_chosen(self, *_: Any) -> None:
        """L1C is offered where the service lets it be read."""
        self._level.visible = bool(provider_of(self._study.get_provider).top)
        if not self._level.visible:
            self._study.get_level = "L2A"

    def _period_chosen(self, event: Any) -> None:
        if self._filling:
            return
        study = self._study
        if event.new == _OWN_DAYS:
            year = last_whole_year()
            study.param.update(
                get_seasons="", get_year=None, get_start=f"{year}-06-01", get_end=f"{year}-08-31"
            )
        else:
            seasons = "wet-dry" if event.new == _HALVES else ""
            study.param.update(get_seasons=seasons, get_start="", get_end="")

    def _year_chosen(self, event: Any) -> None:
        if not self._filling:
            self._study.get_year = event.new or None

    def _day_chosen(self, _: Any) -> None:
        if not self._filling:
            days = {"get_start": self._from.value, "get_end": self._to.value}
            self._study.param.update({n: d.isoformat() for n, d in days.items() if d})

    def _show_period(self, *_: Any) -> None:
        study = self._study
        own = bool(study.get_start or study.get_end)
        value = _OWN_DAYS if own else _HALVES if study.get_seasons == "wet-dry" else _SEASONS
        self._filling = True
        named = study.get_seasons if study.get_seasons not in ("", "auto", "wet-dry") else ""
        options = choices(
            (_SEASONS, _HALVES, _OWN_DAYS, *([named] if named else []))
        )  # of an address
        self._period.param.update(options=options, value=named or value)
        for picker, day in ((self._from, study.get_start), (self._to, study.get_end)):
            picker.param.update(value=_date(day), visible=own)
        year = study.get_year or 0
        years = (
            self._year.options
            if year in self._year.options.values()
            else {**self._year.options, str(year): year}
        )
        self._year.param.update(options=years, value=year, visible=not own and not named)
        self._filling = False

    def _progress(self, *_: Any) -> None:
        conditions = self._study.conditions
        running = next((n for n in _STEPS if conditions.get(n) == "running"), None)
        box = self.asked_box()
        allowed = box is not None and not self._refused(box)
        self._search.disabled = self._get.disabled = running is not None or not allowed
        self._published.visible = box is not None and self._study.published is None
        self._published.disabled = running is not None
        found = conditions.get("days") == "current"
        self._search.button_type = "default" if found else "primary"
        self._get.button_type = "primary" if found else "default"
        for widget in self._inputs:
            widget.disabled = running is not None

    def _fail(self, *_: Any) -> None:
        self._failed.object = "".join(dict.fromkeys(ended(self._study, n) for n in _STEPS))
        failed = any(self._study.messages.get(n, "") not in ("", STOPPED) for n in _STEPS)
        offered = failed or bool(self._why_not)
        if offered:
            self._offers[:] = [
                key(text("Imagery that is here")),
                *(self._door(p, text(p.name)) for p in self._here()),
            ]
        self._offers.visible = offered

    def _here(self) -> list[Place]:
        """Places that need no network."""

        def is_here(place: Place) -> bool:
            kind, _, name = place.key.partition(":")
            return place.key != OWN and (kind != "scene" or catalog.is_here(name))

        known = [p for p in self._study.context.places.known() if is_here(p)]
        return sorted(known, key=lambda p: p.key == DEMO)[:_MOST_OFFERED]

    def _door(self, place: Place, label: str) -> pn.widgets.Button:
        button = pn.widgets.Button(name=label, **_WIDE)
        button.on_click(lambda _: self._open(place.key))
        return button

    def _show_days(self, *_: Any) -> None:
        """The strips, below the map; what they come to stands by the buttons."""
        found, study = self._study.days, self._study
        if found is None:
            self.days[:], self._amount_of.object = [], ""
            return
        strips: list[Any] = []
        total = 0.0
        for period, days in found.seasons.items():
            try:
                used, left = chosen(
                    days, period, max_cloud=study.get_max_cloud, most=study.get_days
                )
                said = season_line(period, days, used)
            except InputError as error:
                used, left, said = [], {}, escape(in_page(error.message, "days"))
            total += sum(d.megabytes for d in used)
            figure = strip(period, days, used, left, self._session.dark)
            line = html(f'<div class="lcz-note">{said}</div>', margin=(2, 10, 0, 10))
            strips.append(pn.Column(line, pn.pane.Bokeh(figure, **_WIDE), **_WIDE))
        empty = [note(escape(in_page(t, "days"))) for t in found.cautions()]
        heading = key(text("Days on which it was seen"))
        two = pn.Column(*strips, styles=columns(min(2, len(strips))), **_WIDE)
        self.days[:] = [heading, html(key_of_days(self._session.dark)), two, *empty]
        self._amount_of.object = (
            f'<div class="lcz-note">{self._amount(total, found.headline())}</div>'
        )

    def _amount(self, total: float, headline: str) -> str:
        limit = self._study.context.services.most_mb
        held = text("The days marked below hold <b>{amount} MB</b>.").format(amount=f"{total:,.0f}")
        more = ""
        if total > limit:
            more = " " + text(
                "That is more than the <b>{most} MB</b> that this server reads at a time: take fewer days a season, "
                "other days, or a smaller box."
            ).format(most=f"{limit:,.0f}")
        return f"{escape(headline)} {held}{more}"

    def _acquired(self, *_: Any) -> None:
        found = self._study.acquired
        if found is not None:  # soon: all that follows from this one has been told by then
            self._session.tick(lambda: self._open(found.key))


def _of_fetched(place: Place) -> str:
    """What fetched imagery is made of."""
    told = told_of(place.folder) if place.folder is not None else {}
    rows = []
    for name, season in told.get("seasons", {}).items():
        clear = season["clear_count"]
        rows.append(
            (
                text(name), text("{low} to {high}").format(low=season["start"], high=season["end"]),
                f"{len(season['days'])}", season["median_date"],
                number(clear["median"], 0), per_cent(clear["share_of_pixels_with_3_or_more"]),
                per_cent(clear["share_of_pixels_without"]),
            )
        )  # fmt: skip
    heads = (
        text("season"), text("period"), text("days"), text("median day"), text("clear days, median"),
        text("clear on 3"), text("never clear"),
    )  # fmt: skip
    source = text("{owner}, by {provider} ({composite})").format(
        owner=told.get("attribution", ""), provider=told.get("provider", ""), composite=told.get("composite", "")
    )  # fmt: skip
    kept = text(
        "Kept for all visitors of this server until its room is needed. Next: the <b>Map</b> page."
    )
    return table(heads, rows) + f'<div class="lcz-note">{escape(source)}. {kept}</div>'


def _date(day: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(day)
    except ValueError:
        return None
