"""The documentation of what jobs can be told, from the requests themselves.

``python -m lczlib.jobs.documentation`` prints it; ``docs/options.md`` holds it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lczlib.experiment.request import ExperimentRequest
from lczlib.jobs.agreements import AgreementsRequest
from lczlib.jobs.air_heat import AirHeatRequest
from lczlib.jobs.assess import AssessRequest
from lczlib.jobs.batch import BatchRequest
from lczlib.jobs.bench import BenchRequest
from lczlib.jobs.calibrate import CalibrateRequest
from lczlib.jobs.canopy_heat import CanopyHeatRequest
from lczlib.jobs.change import ChangeRequest
from lczlib.jobs.check_polygons import CheckPolygonsRequest
from lczlib.jobs.city import CityRequest
from lczlib.jobs.clip_s1 import ClipS1Request
from lczlib.jobs.compare import CompareRequest
from lczlib.jobs.export import ExportRequest
from lczlib.jobs.field import FieldRequest
from lczlib.jobs.find_s1 import FindS1Request
from lczlib.jobs.further_sites import FurtherSitesRequest
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.methods import MethodsRequest
from lczlib.jobs.morphology import MorphologyRequest
from lczlib.jobs.next_polygons import NextPolygonsRequest
from lczlib.jobs.patches import PatchesRequest
from lczlib.jobs.prepare_s1 import PrepareS1Request
from lczlib.jobs.report import ReportRequest
from lczlib.jobs.sites import SitesRequest
from lczlib.jobs.surface_heat import SurfaceHeatRequest
from lczlib.jobs.water import WaterRequest
from lczlib.map_request import MapRequest
from lczlib.settings import Described, described, in_words
from lczlib.training.request import EvaluateRequest, TrainRequest

if TYPE_CHECKING:
    from lczlib.sentinel1.recipes import Recipe

REQUESTS: dict[str, type] = {
    "lcz get": GetRequest,
    "lcz city": CityRequest,
    "lcz batch": BatchRequest,
    "lcz map": MapRequest,
    "lcz calibrate": CalibrateRequest,
    "lcz assess": AssessRequest,
    "lcz compare": CompareRequest,
    "lcz change": ChangeRequest,
    "lcz agreements": AgreementsRequest,
    "lcz uhi: surface heat island": SurfaceHeatRequest,
    "lcz uhi: canopy heat island of rasters": AirHeatRequest,
    "lcz uhi: canopy heat island of stations": CanopyHeatRequest,
    "lcz field": FieldRequest,
    "lcz sites": SitesRequest,
    "lcz sites: beside stations": FurtherSitesRequest,
    "lcz morphology": MorphologyRequest,
    "lcz export": ExportRequest,
    "lcz methods": MethodsRequest,
    "lcz report": ReportRequest,
    "lcz prepare-s1": PrepareS1Request,
    "lcz find-s1": FindS1Request,
    "lcz clip-s1": ClipS1Request,
    "lcz water": WaterRequest,
    "lcz patches": PatchesRequest,
    "lcz check-polygons": CheckPolygonsRequest,
    "lcz next-polygons": NextPolygonsRequest,
    "lcz train": TrainRequest,
    "lcz evaluate": EvaluateRequest,
    "lcz experiment": ExperimentRequest,
    "lcz bench": BenchRequest,
}
"""By the command that makes them."""

_HEAD = """# Options

What each job can be told: on the command line as an option, in Python by the name without dashes, in the
dashboard by its title. Every command that reads files also takes `--memory GIGABYTES`: what it may take
(`lczlib.limits.allowed` in Python, of `lcz app` what each visitor's job may take; by default `LCZLIB_MEMORY`,
else a quarter of the machine's memory). Made from the requests by `make options`; do not edit.
"""


def options_text() -> str:
    """All settings of all jobs, as Markdown."""
    from lczlib.plugins import load_plugins
    from lczlib.scenes.sources import scene_sources

    load_plugins()
    parts = [_HEAD]
    for command, request in REQUESTS.items():
        rows = "\n".join(_rows(request))
        parts.append(
            f"## {command}\n\n| option | title | meaning | default |\n| --- | --- | --- | --- |\n{rows}\n"
        )
    sources = "\n".join(f"- {s.title}" for s in scene_sources())
    parts.append(
        f"## Scenes\n\nWhat `lcz map`, `patches`, `train`, `evaluate` and `experiment` take as INPUT:\n\n{sources}\n"
    )
    parts.append(
        f"## Networks\n\nWhat `--arch` of `lcz train` and `experiment` may be:\n\n{_networks()}\n"
    )
    parts.append(
        f"## Recipes of Sentinel-1\n\nWhat `lcz prepare-s1` makes of a product for each network:\n\n{_recipes()}\n"
    )
    return "\n".join(parts)


def _rows(request: type) -> Iterator[str]:
    for one in described(request).values():
        name = one.setting.metavar or one.name.upper() if one.setting.argument else one.option
        cells = (f"`{name}`", one.setting.title, _meaning(one), _default(one))
        yield "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def _meaning(one: Described) -> str:
    text = one.setting.doc
    choices = [str(c) for c in one.choices if c]
    if choices:
        text += f" One{' or several' if one.many else ''} of: {', '.join(choices)}."
    elif one.kind in (int, float) and not one.many and in_words(one.setting) != "a finite number":
        text += f" Allowed: {in_words(one.setting)}."
    return text


def _default(one: Described) -> str:
    if one.required:
        return "must be given"
    if one.setting.usual or one.default in (None, (), "", {}):
        return one.setting.usual
    if isinstance(one.default, bool):
        return "yes" if one.default else "no"
    if isinstance(one.default, float):
        return f"{one.default:g}"
    return ", ".join(map(str, one.default)) if isinstance(one.default, tuple) else str(one.default)


def _networks() -> str:
    from lczlib.models.registry import ARCHITECTURES

    return "\n".join(
        f"- `{a.name}`: {a.title}, patches of {a.patch_size} pixels ({a.reference})"
        for a in ARCHITECTURES.values() if a.task == "lcz"
    )  # fmt: skip


def _recipes() -> str:
    from lczlib.sentinel1.recipes import RECIPES
    from lczlib.sentinel1.speckle import WINDOW

    columns = []
    for r in RECIPES.values():
        images = "; ".join(f"`{i.folder}`: {', '.join(i.bands)}" for i in r.images)
        nodata = "; ".join(f"{i.nodata:g}" for i in r.images)
        columns.append(
            {
                "for": r.title, "source": r.source, "images and channels, in order": images, "no data": nodata,
                "radiometry": f"{r.quantity} nought on the ellipsoid, {r.scale}, float32",
                "thermal noise": f"subtracted, and no power below {r.floor:g}" if r.denoised else "not subtracted",
                "made of": " or ".join(r.kinds),
                "averaged": "; ".join(f"{o.kinds[0]}: {o.averaged}" for o in _ways(r)),
                "speckle filter": "none" if r.speckle == "none"
                else f"{r.speckle} of {'each power' if r.powers else 'the covariance'}, {WINDOW} x {WINDOW} "
                f"{'cells' if r.powers else 'pixels'} of the radar image",
                "looks": "; ".join(f"{o.looks:g}" for o in _ways(r)),
                "decomposition": f"of the unfiltered covariance over {r.decomposed} x {r.decomposed} pixels"
                if r.decomposed else "none",
                "terrain flattening": "yes" if r.flattened else "no",
                "resampling": f"{r.resampling}, once, onto the final grid",
                "elevation model": f"the user's, {r.dem_resampling} (the sources: SRTM 1\""
                f"{'' if r.powers else ', nearest'})",
                "pixel": f"{'; '.join(dict.fromkeys(f'{o.pixel:g} m' for o in _ways(r)))}, UTM zone of the region's "
                "middle",
            }
        )  # fmt: skip
    head = f"| | {' | '.join(RECIPES)} |\n|{' --- |' * (len(RECIPES) + 1)}\n"
    return head + "\n".join(
        f"| {name} | {' | '.join(column[name] for column in columns)} |" for name in columns[0]
    )


def _ways(recipe: Recipe) -> list[Recipe]:
    """A recipe as it is of each kind of product, of detected ones with all numbers of looks."""
    return [
        recipe.of(kind, n)
        for kind in recipe.kinds
        for n in range(1, (recipe.most_looks if kind == "GRD" else 1) + 1)
    ]


if __name__ == "__main__":
    sys.stdout.write(options_text())
