"""The table of steps: inputs -> output -> function.

Each function is given the inputs and earlier outputs that its line declares and returns the output; it
may run in any thread. The science is in `lczlib.mapping` and `lczlib.analysis`.
"""

# ruff: noqa: ARG001 - all steps are called alike, and not each reads everything

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from lczlib.analysis.options import AssessOptions
from lczlib.errors import InputError, Lacking
from lczlib.kinds import TITLES, Kind
from lczlib.reading import tell
from lczlib.study.accuracy_inputs import ACCURACY, CHOICES, COMPARISON, AccuracyInputs
from lczlib.study.acquisition import Acquired, acquire, search, tell_again
from lczlib.study.drawn_checks import check_drawn, next_drawn
from lczlib.study.drawn_inputs import CHECK, NEXT
from lczlib.study.existing import open_result_place
from lczlib.study.field import air_field
from lczlib.study.field_inputs import FIELD_INPUTS
from lczlib.study.get_inputs import NAMES, WHEN
from lczlib.study.given import Given
from lczlib.study.heat import Heat, heat_island
from lczlib.study.heat_inputs import HEAT_INPUTS
from lczlib.study.map_inputs import chosen_options, map_settings
from lczlib.study.material import (
    CELL_BYTES,
    Maps,
    Material,
    References,
    open_material,
    open_references,
)
from lczlib.study.places import FETCHED, Places
from lczlib.study.published import is_beside, published_map
from lczlib.study.results import is_stored, run_map, store_of_maps
from lczlib.study.scene_inputs import OWN_MAPPING, OWN_VALUES, own_scene_options
from lczlib.study.services import Services
from lczlib.study.settings import told
from lczlib.study.store import hold, make_room
from lczlib.study.water import WaterSummary, map_water
from lczlib.study.water import water_summary as summarise_water
from lczlib.study.water_inputs import WATER_INPUTS

if TYPE_CHECKING:
    from lczlib.study.state import Study

Function = Callable[[Given, "Context", Any, Any], Any]
_MAPS = ("own_map", "maps", "published")
_ANY_MAP = ("maps", "reference", "own_map", "published")


@dataclass(frozen=True)
class Context:
    """Where a study may read and write: its own folder, the shared results, the places, the network."""

    work: Path
    store: Path
    places: Places
    services: Services = field(default_factory=Services)


@dataclass(frozen=True)
class Step:
    """One line of the table.

    Attributes
    ----------
    name : str
        Of the step and of its output.
    inputs : tuple of str
        Inputs of the study that it reads.
    after : tuple of str
        Earlier outputs that it needs.
    optional : tuple of str
        Earlier outputs that it reads where they are there.
    one_of : tuple of str
        Those of the optional outputs that hold LCZ maps of which it needs some, whichever.
    least : int
        How many of these maps it needs.
    function : callable
        (given, context, progress, cancelled) -> output.
    by_hand : bool
        Whether it waits to be asked for: work of more than a moment.
    received : callable
        (output, given, context), called in the process that shows the output, wherever it was computed.
    ready : callable
        (given, context) -> whether the output of a step that waits to be asked for lies ready, so that
        showing it costs nothing.
    """

    name: str
    inputs: tuple[str, ...]
    after: tuple[str, ...]
    function: Function
    optional: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    least: int = 1
    by_hand: bool = False
    received: Callable[[Any, Given, Context], None] | None = None
    ready: Callable[[Given, Context], bool] | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """All that it may read: inputs and earlier outputs."""
        return (*self.inputs, *self.after, *self.optional)


def _scene(given: Given, context: Context, progress: Any, cancelled: Any) -> Material:
    if given.result_folder:
        return open_result_place(given.result_folder, context.places)
    place = context.places.place(given.city)
    if place.key.startswith(f"{FETCHED}:"):
        for reading in tell_again(place.folder):
            tell(reading)
    return open_material(
        place, area=given.area, files=given.scene_files,
        radar_files=given.radar_files, options=own_scene_options(given),
    )  # fmt: skip


def _keep_scene(scene: Material, given: Given, context: Context) -> None:
    folder = scene.place.folder
    if scene.place.key.startswith(f"{FETCHED}:") and folder is not None:
        hold(scene, folder, context.store)


def _reference(given: Given, context: Context, progress: Any, cancelled: Any) -> References:
    options = chosen_options(given, "reference")
    return open_references(given.scene, given.reference_files, options)


def _own_map(given: Given, context: Context, progress: Any, cancelled: Any) -> Any:
    from lczlib.vector_maps import open_any_map

    options = chosen_options(given, "map")
    if not given.map_files:
        return None
    return open_any_map(given.map_files[0], options=options, cell_bytes=CELL_BYTES)


def _maps(given: Given, context: Context, progress: Any, cancelled: Any) -> Maps:
    store = store_of_maps(given, context)
    found = run_map(given, store, progress=progress, cancelled=cancelled)
    _ = found.certainties  # read here, and not when they are first shown
    return found


def _keep_maps(maps: Maps, given: Given, context: Context) -> None:
    store = store_of_maps(given, context)
    hold(maps, maps.folder, store)
    if store == context.store:
        make_room(store)


def _keep_imagery(acquired: Acquired, given: Given, context: Context) -> None:
    make_room(context.store)


def _comparison(given: Given, context: Context, progress: Any, cancelled: Any) -> Any:
    from lczlib.jobs.compare import CompareRequest, run

    maps = named_maps(given)
    first, second = given.first, given.second
    for name in (first, second):
        if name not in maps:
            msg = f"There is no map {TITLES[name]} to compare: {_at_hand(maps)}."
            raise Lacking(msg)
    if first == second:
        msg = f"Both maps are {TITLES[first]}: choose two different ones."
        raise InputError(msg)
    request = CompareRequest(
        map_a=maps[first], map_b=maps[second], names=(first, second),
        resample=given.compare_resample or None,
    )  # fmt: skip
    return run(request, progress=progress, cancelled=cancelled).first


def _accuracy(given: Given, context: Context, progress: Any, cancelled: Any) -> Any:
    from lczlib.study.results import assess_maps, with_doubt

    others = {Kind.OWN: given.own_map, Kind.GLOBAL: given.published}
    own = {name: lcz for name, lcz in others.items() if lcz is not None}
    found = assess_maps(
        given.maps, given.reference, given.reference_kind, own,
        AssessOptions(**told(given, AssessOptions, CHOICES, AccuracyInputs)),
        resample=given.accuracy_resample or None, cancelled=cancelled,
    )  # fmt: skip
    return with_doubt(found, given.maps, given.reference)


def _at_hand(maps: Mapping[str, Any]) -> str:
    names = " or ".join(TITLES[n] for n in maps)
    return f"choose {names}, or make it on the Map page"


def _heat(given: Given, context: Context, progress: Any, cancelled: Any) -> Heat:
    return heat_island(given, _zones(given), progress, cancelled)


def _field(given: Given, context: Context, progress: Any, cancelled: Any) -> Any:
    return air_field(given, _zones(given), progress, cancelled)


def _zones(given: Given) -> xr.DataArray:
    """The map whose zones a heat island or a field is of."""
    maps = named_maps(given)
    if given.heat_map not in maps:
        name = TITLES[given.heat_map]
        msg = f"There is no map {name} whose zones could be compared: {_at_hand(maps)}."
        raise Lacking(msg)
    return maps[given.heat_map]


def _water(given: Given, context: Context, progress: Any, cancelled: Any) -> Any:
    return map_water(given, context.work, progress=progress, cancelled=cancelled)


def _water_summary(given: Given, context: Context, progress: Any, cancelled: Any) -> WaterSummary:
    return summarise_water(given.water, given.water_threshold, named_maps(given))


def named_maps(given: Given | Study) -> dict[str, xr.DataArray]:
    """All LCZ maps at hand by `lczlib.kinds`: those that networks made, the reference, an own, the published."""
    found: dict[str, xr.DataArray] = {}
    if given.maps is not None:
        found |= given.maps.kinds
    if given.reference is not None and given.reference.raster is not None:
        found[Kind.REFERENCE] = given.reference.raster
    if given.own_map is not None:
        found[Kind.OWN] = given.own_map
    if given.published is not None:
        found[Kind.GLOBAL] = given.published
    return found


def maps_for(step: Step, given: Given | Study) -> int:
    """How many LCZ maps the outputs hold of which a step needs some; a reference may be polygons alone."""
    found = {name: made for name in step.one_of if (made := getattr(given, name)) is not None}
    if "reference" in found and found["reference"].raster is None:
        del found["reference"]
    return sum(len(made.kinds) if name == "maps" else 1 for name, made in found.items())


_WHERE = ("city", "area")
_SCENES = ("city", "area", "scene_files", "radar_files", "result_folder", *OWN_VALUES)
_MAPPING = (
    "sensors", "s1_weights", "s2_weights", "adapt_files", "adapt_spacing", "fusion", "tta", "device", "result_folder",
    *OWN_MAPPING, *OWN_VALUES,
)  # fmt: skip

STEPS: dict[str, Step] = {
    s.name: s
    for s in (
        Step("days", (*_WHERE, *WHEN.values()), (), search, by_hand=True),
        Step(
            "acquired",
            (*_WHERE, *NAMES.values()),
            (),
            acquire,
            by_hand=True,
            received=_keep_imagery,
        ),
        Step("scene", _SCENES, (), _scene, received=_keep_scene),
        Step("reference", ("reference_files", *map_settings("reference")), ("scene",), _reference),
        Step("own_map", ("map_files", *map_settings("map")), ("scene",), _own_map),
        Step("published", (), ("scene",), published_map, by_hand=True, ready=is_beside),
        Step(
            "maps", _MAPPING, ("scene",), _maps, by_hand=True, received=_keep_maps, ready=is_stored
        ),
        Step(
            "suspects",
            ("drawn", *CHECK.values(), *OWN_VALUES, *OWN_MAPPING),
            ("scene",),
            check_drawn,
            by_hand=True,
        ),
        Step("next_places", ("drawn", *NEXT.values()), ("maps",), next_drawn, by_hand=True),
        Step(
            "comparison",
            ("first", "second", *COMPARISON.values()),
            ("scene",),
            _comparison,
            _ANY_MAP,
            _ANY_MAP,
            least=2,
        ),
        Step(
            "accuracy",
            ("reference_kind", *ACCURACY.values()),
            ("reference",),
            _accuracy,
            _MAPS,
            _MAPS,
        ),
        Step("heat", HEAT_INPUTS, ("scene",), _heat, _ANY_MAP, _ANY_MAP),
        Step("field", FIELD_INPUTS, ("scene",), _field, _ANY_MAP, _ANY_MAP, by_hand=True),
        Step("water", (*WATER_INPUTS, "device"), ("scene",), _water, by_hand=True),
        Step("water_summary", ("water_threshold",), ("water",), _water_summary, _ANY_MAP),
    )
}
