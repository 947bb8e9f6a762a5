"""How far long steps are, in words with the time left: on their own page, and in a list on all others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

import panel as pn

from lczlib.kinds import TITLES
from lczlib.study import Study
from lczlib.study.adapting import LABEL
from lczlib.study.wording import in_page
from lczlib.texts import N_, text, texts

from .markup import duration, html
from .messages import WHAT, begun

STARTING = N_("starting")
_SAID = (
    STARTING, N_("Reading the published map"), N_("Looking for {name}"), N_("Asking {name}"), N_("Searching {name}"),
    N_("Sky of {name}"), N_("Reading scenes"), N_("Areas"), N_("Reading map and stations"), N_("Quality control"),
    N_("Fitting the covariance"), N_("Cross-validation"), N_("Predicting"), LABEL,
    N_("Cutting patches"), N_("Growing forests"), N_("Reading probabilities"), N_("Looking for places"),
)  # fmt: skip
"""What the runs that are asked for on the pages say of themselves."""
WAITING = "waiting for "
"""What a run says that has not begun: the second with the number of those ahead."""
State = tuple[str, int, int, float | None]
"""Label, how much is done, of how much, and seconds left: of `app.session.jobs.Runner.progress`."""
PAGE_OF = {
    "days": "city", "acquired": "city", "published": "city", "maps": "map", "field": "heat", "water": "water",
    "suspects": "map", "next_places": "map",
}  # fmt: skip
"""The page on which each long step is asked for, and shows itself how far it is."""

_SENSORS = {
    "s1": TITLES["s1"], "s2": TITLES["s2"], "both": N_("Sentinel-1 and Sentinel-2"), "second": TITLES["second"],
}  # fmt: skip


def in_words(step: str, state: State | None) -> str:
    """How far a step is, such as ``Sentinel-2, summer: 3,200 of 6,400 cells · about 12 s left``."""
    label, done, total, left = state or (STARTING, 0, 0, None)
    sensor, _, season = label.partition("_")
    of_sensor = text(_SENSORS.get(sensor, "")) + f", {text(season)}" * bool(season)
    label = of_sensor if sensor in _SENSORS else _told(label)
    if total:
        amounts = {
            "maps": text("{label}: {done} of {total} cells"),
            "water": text("{label}: {done} of {total} patches"),
        }
        amount = amounts.get(step, text("{label}: {done} of {total}"))
        label = amount.format(label=label, done=f"{done:,}", total=f"{total:,}")
    rest = ""
    if left is not None and done < total:
        rest = " · " + text("about {time} left").format(time=duration(left))
    return in_page(label, step) + (rest or " …" * (not total))


def _told(label: str) -> str:
    """What a run says of itself; of one that waits the number says how many are ahead."""
    ahead = label.removeprefix(WAITING)
    if label.startswith(WAITING) and ahead.isdecimal():
        return texts(
            "waiting for {n} other run to end", "waiting for {n} other runs to end", int(ahead)
        )
    for said in _SAID:
        if found := re.fullmatch(re.escape(said).replace(r"\{name\}", "(.*)"), label):
            return text(said).format(name=text(found[1])) if found.groups() else text(said)
    return label


class StepProgress:
    """The bar, the words and the Cancel button of steps that are asked for on one page.

    Parameters
    ----------
    study : Study
    runner : Runner
    steps : sequence of str
        Of which one runs at a time.

    Attributes
    ----------
    stop, bar, told
        Shown while one of them runs.
    running : str or None
        Which one does.
    """

    def __init__(self, study: Study, runner: Any, steps: Sequence[str]) -> None:
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        self._study, self._runner, self._steps = study, runner, steps
        self.running: str | None = None
        self.stop = pn.widgets.Button(
            name=text("Cancel"), button_type="danger", visible=False, **wide
        )
        self.stop.on_click(lambda _: [runner.cancel(n) for n in steps])
        self.bar = pn.indicators.Progress(value=-1, max=100, visible=False, **wide)
        self.told = html("", visible=False)
        runner.param.watch(self._follow, "progress")
        study.param.watch(self._follow, "conditions")
        self._follow()

    def _follow(self, *_: Any) -> None:
        conditions = self._study.conditions
        self.running = next((n for n in self._steps if conditions.get(n) == "running"), None)
        there = self.running is not None
        self.stop.visible = self.bar.visible = self.told.visible = there
        if self.running is None:
            self.told.object = ""
            return
        state = self._runner.progress.get(self.running)
        _, done, total, _ = state or ("", 0, 0, None)
        self.bar.value = int(100 * done / total) if total else -1
        said = escape(in_words(self.running, state))
        self.told.object = f'<div class="lcz-note" role="status">{said}</div>'


class RunsList:
    """What runs and waits that the page at hand does not show itself, each with a Cancel button.

    Parameters
    ----------
    study : Study
    runner : Runner

    Attributes
    ----------
    content : Column
        Hidden where nothing does.
    """

    def __init__(self, study: Study, runner: Any) -> None:
        self._study, self._runner, self._page = study, runner, ""
        self._rows: dict[str, tuple[pn.Row, pn.pane.HTML]] = {}
        for step in PAGE_OF:  # a button stays: a click on one that has just been replaced is lost
            told = html("", margin=(0, 10))
            stop = pn.widgets.Button(
                name=text("Cancel: {what}").format(what=text(WHAT[step])),
                width=190,
                margin=(2, 10),
            )
            stop.on_click(lambda _, n=step: runner.cancel(n))
            row = pn.Row(told, stop, visible=False, sizing_mode="stretch_width", margin=0)
            self._rows[step] = row, told
        self.content = pn.Column(
            *(row for row, _ in self._rows.values()), visible=False, css_classes=["lcz-runs"],
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        runner.param.watch(self._follow, "progress")
        study.param.watch(self._follow, "conditions")

    def turn(self, page: str) -> None:
        """Another page is shown."""
        self._page = page
        self._follow()

    def _follow(self, *_: Any) -> None:
        conditions, progress = self._study.conditions, self._runner.progress
        for step, (row, told) in self._rows.items():
            there = conditions.get(step) == "running" and PAGE_OF[step] != self._page
            there = there and step in progress  # what lies ready comes without a word
            if there:
                said = escape(in_words(step, progress[step]))
                told.object = f'<div role="status"><b>{begun(text(WHAT[step]))}</b> · {said}</div>'
            row.visible = there
        self.content.visible = any(row.visible for row, _ in self._rows.values())
