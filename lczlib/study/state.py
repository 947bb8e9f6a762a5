"""The state of a study. It knows no dashboard: views read its outputs and edit its inputs only."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import param

from lczlib.analysis.heat.further import MEASURES
from lczlib.errors import Cancelled, InputError, Lacking, LczError
from lczlib.kinds import Kind
from lczlib.mapping import METHODS, MapRequest
from lczlib.plugins import load_plugins
from lczlib.reading import Reading, readings
from lczlib.settings import described
from lczlib.study.accuracy_inputs import AccuracyInputs
from lczlib.study.drawn_inputs import DrawnInputs
from lczlib.study.export_inputs import ExportInputs
from lczlib.study.field_inputs import FieldInputs
from lczlib.study.get_inputs import GetInputs
from lczlib.study.given import Given
from lczlib.study.heat_inputs import NAMES as HEAT_NAMES
from lczlib.study.heat_inputs import HeatInputs
from lczlib.study.map_inputs import MapInputs, OwnCertainty
from lczlib.study.numbers import box
from lczlib.study.places import DEMO, Places
from lczlib.study.scene_inputs import SceneInputs
from lczlib.study.services import Services
from lczlib.study.settings import parameter
from lczlib.study.showing import Lack, follows
from lczlib.study.steps import STEPS, Context, Step, maps_for
from lczlib.study.water_inputs import WaterInputs
from lczlib.study.wording import face_of
from lczlib.terms import speaking
from lczlib.texts import N_

_LOG = logging.getLogger(__name__)
RESULTS = "results"
"""Folder of the store that results of all studies lie in."""
STOPPED = N_("Stopped; finished parts are kept for the next run.")
"""What is said of a step that the user stopped, which is no failure."""
Condition = Literal["none", "current", "stale", "running"]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Ticket:
    """A step's inputs, as they were when it was started: all that its function sees.

    Attributes
    ----------
    step : Step
    given : Given
        The inputs, and the outputs of earlier steps.
    key : tuple
        What the result will belong to.
    """

    step: Step
    given: Given
    key: tuple[Any, ...]
    context: Context = field(repr=False)
    read: list[Reading] = field(default_factory=list, repr=False, compare=False)

    def run(
        self, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
    ) -> Any:
        """Compute, in any thread: nothing of the study is read or written."""
        return self.received(self.compute(progress, cancelled))

    def compute(
        self, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
    ) -> Any:
        """As `run`, in any process: its output is then to be `received` by the one that shows it."""
        # what is written, and found again by another visitor, is in the pages' terms too
        with readings() as heard, speaking(face_of(self.step.name)):
            try:
                return self.step.function(self.given, self.context, progress, cancelled)
            finally:
                self.read[:] = heard

    def is_ready(self) -> bool:
        """Whether the output lies ready, so that it costs nothing."""
        return self.step.ready is not None and self.step.ready(self.given, self.context)

    def received(self, value: Any) -> Any:
        """The output, noted as in use in this process."""
        if self.step.received is not None:
            self.step.received(value, self.given, self.context)
        return value


class Study(
    GetInputs, HeatInputs, FieldInputs, MapInputs, SceneInputs, DrawnInputs, WaterInputs,
    AccuracyInputs, ExportInputs,
):  # fmt: skip
    """Inputs of a study (plain parameters) and its outputs (constant parameters).

    An output is current as long as the inputs and the earlier outputs that it was made from are
    still the same; otherwise it is stale, stays readable and is marked as such. Another city clears
    them all. A result that comes late, made from inputs that have changed since, is dropped.

    Parameters
    ----------
    work : path
        Folder for this study's own files; its owner removes it.
    store : path, optional
        Folder for results that studies share, found again by what they were made from.
    places : Places, optional
        What can be opened.
    services : Services, optional
        What can be fetched.
    """

    city = param.String(DEMO, doc="Key of the place, see `lczlib.study.Place`.")
    area = box(doc="West, south, east, north in degrees; all where None.")
    scene_files = param.ClassSelector(
        default=(), class_=tuple, doc="Own Sentinel-2 raster, or one a season."
    )
    radar_files = param.ClassSelector(
        default=(), class_=tuple, doc="Own Sentinel-1: one raster, or amplitudes and covariance."
    )

    sensors = param.ListSelector(["s1", "s2"], objects=["s1", "s2"])
    s1_weights = param.String("", doc="Empty: the default for the scene.")
    s2_weights = param.String("", doc="Empty: the default for the scene.")
    fusion = param.Selector(default=MapRequest.fusion, objects=list(METHODS))
    tta = parameter(described(MapRequest)["tta"])
    device = param.String(MapRequest.device)
    result_folder = param.String("", doc="Existing result of `lcz map` to load instead of running.")
    map_files = param.ClassSelector(default=(), class_=tuple, doc="Own LCZ map, to compare with.")

    reference_files = param.ClassSelector(
        default=(), class_=tuple, doc="Own reference: polygons, points or an LCZ raster."
    )
    reference_kind = param.Selector(default="polygons", objects=["polygons", "raster"])

    first = param.String(str(Kind.S1), doc="Map of a comparison: s1, s2, fused, reference or own.")
    second = param.String(str(Kind.S2))
    third = param.String("", doc="A third map beside them; empty for none.")
    fourth = param.String("", doc="A fourth one; empty for none.")

    days = param.Parameter(None, constant=True)
    acquired = param.Parameter(None, constant=True)
    scene = param.Parameter(None, constant=True)
    reference = param.Parameter(None, constant=True)
    own_map = param.Parameter(None, constant=True)
    published = param.Parameter(None, constant=True)
    maps = param.Parameter(None, constant=True)
    suspects = param.Parameter(None, constant=True)
    next_places = param.Parameter(None, constant=True)
    comparison = param.Parameter(None, constant=True)
    accuracy = param.Parameter(None, constant=True)
    heat = param.Parameter(None, constant=True)
    field = param.Parameter(None, constant=True)
    water = param.Parameter(None, constant=True)
    water_summary = param.Parameter(None, constant=True)

    conditions = param.Dict({}, constant=True, doc="`Condition` of each step.")
    messages = param.Dict({}, constant=True, doc="Why a step failed, in one sentence.")
    read = param.Dict({}, constant=True, doc="What each step read: a tuple of `Reading`.")

    def __init__(
        self,
        work: str | Path,
        store: str | Path | None = None,
        places: Places | None = None,
        services: Services | None = None,
    ) -> None:
        super().__init__()
        load_plugins()
        # what was registered since this class was made can be chosen as well
        measures = self.param["heat_measures"]
        measures.objects, measures.default = [*MEASURES], [*MEASURES]
        self.heat_measures = [*MEASURES]
        services, store = services or Services(), Path(store or work) / RESULTS
        self.context = Context(Path(work), store, places or Places(fetched=store), services)
        offered = self.param["get_provider"]  # and no other can be chosen, by whatever address
        offered.objects, offered.default = [*services.providers], services.providers[0]
        self.get_provider = services.providers[0]
        # of each output: version, its key, what was read for it
        self._made: dict[str, tuple[int, tuple[Any, ...], tuple[Reading, ...]]] = {}
        # the last heat island of each kind, with what it belongs to: none takes another's place
        self._heats: dict[str, tuple[tuple[Any, ...], Any]] = {}
        self._running: dict[str, tuple[Any, ...]] = {}
        self._failed_for: dict[str, tuple[Any, ...]] = {}
        self._versions = 0
        self.own_certainty = OwnCertainty()
        self.param.watch(self._inputs_changed, [*INPUTS])
        self._update()

    def key(self, step: Step) -> tuple[Any, ...]:
        """What an output of this step would belong to now: its inputs and earlier outputs."""
        values = tuple(_frozen(getattr(self, name)) for name in step.inputs)
        earlier = tuple(self._made.get(name, (0,))[0] for name in (*step.after, *step.optional))
        return values, earlier

    def condition(self, name: str) -> Condition:
        """Whether a step's output is there and still follows from the inputs."""
        step = STEPS[name]
        if self._running.get(name) == self.key(step):
            return "running"
        if name not in self._made:
            return "none"
        return "current" if follows(self, name) else "stale"

    def made_with(self, name: str) -> tuple[Any, ...] | None:
        """The key that a step's output belongs to; None where there is none."""
        return self._made[name][1] if name in self._made else None

    def wanting(self, name: str, *, by_itself: bool = False) -> bool:
        """Whether a step can be computed now and its output is not what that would give.

        With `by_itself` only if nobody has to ask for it.
        """
        step = STEPS[name]
        if by_itself and step.by_hand:
            return False
        done = name in self._made and self._made[name][1] == self.key(step)
        ready = not self.missing(name)
        failed = self._failed_for.get(name) == self.key(step)
        return ready and not done and not failed and self._running.get(name) != self.key(step)

    def ticket(self, name: str) -> Ticket:
        """A snapshot of what a step reads, to compute it anywhere.

        Raises
        ------
        InputError
            If the output of an earlier step is missing.
        """
        step = STEPS[name]
        missing = self.missing(name)
        if missing:
            what = "LCZ map" if missing[0] in step.one_of else missing[0]
            msg = f"There is no {what} yet, from which the {name} would follow."
            raise InputError(msg)
        given = Given(name, **{n: getattr(self, n) for n in step.reads})
        return Ticket(step, given, self.key(step), self.context)

    def missing(self, name: str) -> list[str]:
        """Earlier outputs without which a step cannot be computed."""
        step = STEPS[name]
        missing = [n for n in step.after if n not in self._made]
        if step.one_of and maps_for(step, self) < step.least:
            missing += step.one_of
        return missing

    def start(self, name: str) -> Ticket:
        """A ticket whose step counts as running, until `finish` or `fail`."""
        ticket = self.ticket(name)
        self._running[name] = ticket.key
        self._failed_for.pop(name, None)
        self._tell(name, "")
        self._update()
        return ticket

    def finish(self, ticket: Ticket, value: Any) -> bool:
        """Publish a result; false, and nothing changes, where it comes too late."""
        name = ticket.step.name
        current = self._end(ticket)
        if current:
            self._versions += 1
            self._made[name] = self._versions, ticket.key, tuple(ticket.read)
            self._tell(name, "")
            if name == "heat":
                self._heats[self.heat_kind] = self._heat_key(self.heat_kind), value
            with param.parameterized.batch_call_watchers(self), param.edit_constant(self):
                self.read = {**self.read, name: tuple(ticket.read)}
                setattr(self, name, value)
        self._update()
        return current

    def heats(self) -> dict[str, Any]:
        """The heat islands that follow from the inputs, by their kind: surface before canopy, never mixed.

        That of another kind than the chosen one stays for as long as nothing changed that it was made from.
        """
        there = {k: self._heats[k] for k in ("surface", "air", "canopy") if k in self._heats}
        return {kind: heat for kind, (key, heat) in there.items() if key == self._heat_key(kind)}

    def _heat_key(self, kind: str) -> tuple[Any, ...]:
        """What a heat island of a kind belongs to: the settings that this kind reads, and the maps."""
        own = {"heat_map", "heat_map_error", "heat_place_elevation", *HEAT_NAMES[kind].values()}
        own |= {"heat_time"} if kind != "canopy" else set()
        step = STEPS["heat"]
        files = {n for n in step.inputs if not n.startswith("heat_")}
        values = tuple(_frozen(getattr(self, n)) for n in step.inputs if n in own or n in files)
        return values, self.key(step)[1]

    def fail(self, ticket: Ticket, error: BaseException) -> None:
        """Note why a step failed, and what it had read by then; its previous output stays."""
        if self._end(ticket):
            name = ticket.step.name
            with param.parameterized.batch_call_watchers(self), param.edit_constant(self):
                if not isinstance(error, Cancelled):
                    self._failed_for[name] = ticket.key
                    self.read = {**self.read, name: tuple(ticket.read)}
                self._tell(name, message_of(error))
        self._update()

    def compute(self, name: str, progress: Progress | None = None) -> Any:
        """Compute a step, and what it needs first, here and now; errors are raised.

        For scripts and notebooks; a dashboard uses `start`, a thread, and `finish`.
        """
        step = STEPS[name]
        # what costs nothing comes first: it may be all that is needed
        for earlier in sorted((*step.after, *step.optional), key=lambda n: STEPS[n].by_hand):
            no_map = earlier in step.one_of and not maps_for(step, self)
            needed = earlier in step.after or no_map
            if self.wanting(earlier) and (needed or not STEPS[earlier].by_hand):
                self.compute(earlier, progress)
        ticket = self.start(name)
        try:
            value = ticket.run(progress)
        except BaseException as error:
            self.fail(ticket, error)
            raise
        self.finish(ticket, value)
        return value

    def forget(self) -> None:
        """Drop all outputs, so that nothing keeps them in memory."""
        self._clear(list(self._made))
        self.own_certainty(None)

    def _end(self, ticket: Ticket) -> bool:
        """Whether a ticket still is what is wanted; its step no longer runs."""
        name = ticket.step.name
        if self._running.get(name) == ticket.key:
            del self._running[name]
        return self.key(ticket.step) == ticket.key

    def _inputs_changed(self, *events: param.parameterized.Event) -> None:
        changed = {e.name for e in events if e.old != e.new}
        if "city" in changed:
            self._clear(list(self._made))
        if changed & _OTHER_PLACE:
            gone = {n: self.param[n].default for n in _OF_A_PLACE if n not in changed}
            self.param.update(gone)
        for name, key in list(self._failed_for.items()):
            if key != self.key(STEPS[name]):  # what it said is no longer asked for
                del self._failed_for[name]
                self._tell(name, "")
                with param.edit_constant(self):
                    self.read = {
                        **self.read,
                        name: self._made[name][2] if name in self._made else (),
                    }
        self._update()

    def _clear(self, names: list[str]) -> None:
        with param.parameterized.batch_call_watchers(self), param.edit_constant(self):
            for name in names:
                del self._made[name]
                setattr(self, name, None)
            self._heats.clear()
            self.messages, self.read = {}, {}

    def _tell(self, name: str, message: str) -> None:
        with param.edit_constant(self):
            self.messages = {k: v for k, v in self.messages.items() if k != name} | (
                {name: message} if message else {}
            )

    def _update(self) -> None:
        conditions = {name: self.condition(name) for name in STEPS}
        if conditions != self.conditions:
            with param.edit_constant(self):
                self.conditions = conditions


_OTHER_PLACE = {"city", "scene_files", "radar_files"}
_OF_A_PLACE = ("result_folder", "adapt_files", "adapt_spacing")
INPUTS = tuple(dict.fromkeys(name for step in STEPS.values() for name in step.inputs))


def message_of(error: BaseException) -> str:
    """One sentence for the page: of our own errors their text, of others what they are."""
    if isinstance(error, Cancelled):
        return STOPPED
    if isinstance(error, LczError):
        return Lack(error.message) if isinstance(error, Lacking) else error.message
    _LOG.error("a step failed", exc_info=error)
    if isinstance(error, MemoryError):
        return "There is not enough memory for this: choose a smaller area."
    return f"This failed unexpectedly ({type(error).__name__}); the server's log has the details."


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
