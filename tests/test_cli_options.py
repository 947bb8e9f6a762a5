"""A wrong value of an option ends every command with status 2 and names the option."""

from __future__ import annotations

import math
import typing

import pytest
import typer
from typer.models import OptionInfo

from lczlib.cli import app
from lczlib.cli.options import above_zero, between
from lczlib.errors import InputError

FILES = {
    "map": "x.tif", "water": "x.tif --orbit as --out o", "assess": "m.tif --reference r.tif",
    "compare": "a.tif b.tif", "uhi": "m.tif --lst t.tif", "sites": "m.tif -n 9",
    "morphology": "m.tif", "export": "m.tif --to qgis", "demo": "", "train": "x.tif --polygons p.gpkg --out o",
    "evaluate": "w x.tif --polygons p.gpkg --out o", "app": "",
    "weights import": "w.h5 --arch sen2lcz", "weights export": "w w.onnx", "fuse": "a.tif b.tif --out o",
    "experiment": "x.tif --out o --table inputs", "bench": "",
}  # fmt: skip
"""What each command needs beside the option; no file is opened before the options are checked."""

WRONG = [
    *((name, "--memory", "0") for name in FILES if name != "demo"), ("map", "--memory", "nan"),
    ("map", "--scale", "0"), ("map", "--scale", "nan"), ("map", "--offset", "inf"),
    ("map", "--level", "L3"), ("map", "--date", "2024-13-01"), ("map", "--device", "gpu"),
    ("map", "--batch-size", "0"), ("map", "--fusion", "sum"), ("map", "--resample", "cubic"),
    ("map", "--season", "spring"), ("fuse", "--method", "sum"),
    ("water", "--threshold", "0"), ("water", "--threshold", "2"), ("water", "--edges", "wrap"),
    ("water", "--units", "watt"), ("water", "--dn-scale", "-1"), ("water", "--date", "May"),
    ("water", "--device", "gpu"), ("water", "--orbit", "up"),
    ("assess", "--replicates", "5"), ("assess", "--seed", "-1"), ("assess", "--block", "0"),
    ("assess", "--scheme", "0-17"), ("assess", "--reference-scheme", "letters"),
    ("assess", "--resample", "cubic"), ("compare", "--scheme", "x"), ("compare", "--resample", "x"),
    ("uhi", "--replicates", "0"), ("uhi", "--replicates", "99"), ("uhi", "--seed", "-1"),
    ("uhi", "--confidence", "1"), ("uhi", "--confidence", "nan"), ("uhi", "--statistic", "mode"),
    ("uhi", "--reference", "Z"), ("uhi", "--scheme", "x"), ("uhi", "--kind", "aster"),
    ("uhi", "--unit", "mm"), ("uhi", "--time", "yesterday"), ("uhi", "--resample", "cubic"),
    ("uhi", "--plausible", "80 0"), ("uhi", "--plausible", "nan 80"), ("uhi", "--interior", "-1"),
    ("uhi", "--interior-distance", "-1"), ("uhi", "--min-pixels", "0"),
    ("uhi", "--min-patches", "0"), ("uhi", "--elevation-band", "0"),
    ("uhi", "--water-distance", "-1"), ("uhi", "--block-size", "0"), ("uhi", "--k1", "0"),
    ("uhi", "--radius", "0"), ("uhi", "--radius", "-250"), ("uhi", "--ambiguous", "maybe"),
    ("uhi", "--time-zone", "Mars/Base"), ("uhi", "--qc", "magic"), ("uhi", "--columns", "time"),
    ("uhi", "--columns", "colour=red"), ("uhi", "--lapse-rate", "nan"),
    ("uhi", "--heat-wave-threshold", "inf"), ("uhi", "--persistence", "nan"),
    ("sites", "--sensors", "0"), ("sites", "--border-distance", "-1"), ("sites", "--spacing", "-1"),
    ("sites", "--seed", "-1"), ("sites", "--scheme", "x"), ("morphology", "--parameter", "beauty"),
    ("export", "--to", "arcview"), ("export", "--out-scheme", "wrf"), ("export", "--language", "la"),
    ("export", "--min-cells", "0"), ("export", "--block", "0"), ("export", "--date", "May"),
    ("export", "--wrf-version", "3.9"), ("export", "--fill", "mean"), ("compare", "--group", "size"),
    ("morphology", "--scheme", "x"), ("demo", "--size", "1"), ("demo", "--size", "nan"),
    ("demo", "--seed", "-1"), ("app", "--port", "99999"), ("app", "--num-threads", "-1"),
    ("weights import", "--arch", "vgg"), ("weights import", "--sensor", "s3"),
    ("weights import", "--patch-size", "0"), ("weights import", "--scale", "0"),
    ("weights export", "--tolerance", "0"), ("weights export", "--format", "h5"),
    ("weights import", "--level", "L3"), ("weights import", "--normalisation", "x"),
    ("train", "--epochs", "0"), ("train", "--batch-size", "0"), ("train", "--learning-rate", "0"),
    ("train", "--halve-every", "0"), ("train", "--patience", "0"), ("train", "--gamma", "-1"),
    ("train", "--patch", "0"), ("train", "--spacing", "0"), ("train", "--block", "0"),
    ("train", "--arch", "vgg"), ("train", "--without", "2,Z"), ("train", "--seed", "-1"),
    ("train", "--scale", "0"), ("train", "--split", "x"), ("train", "--device", "gpu"),
    ("train", "--buffer", "near"), ("train", "--option", "wi-dth=8"), ("experiment", "--buffer", "-1"),
    ("experiment", "--option", "width=8"), ("experiment", "--without", "2,Z"),
    ("evaluate", "--subset", "tset"), ("evaluate", "--replicates", "0"),
    ("evaluate", "--spacing", "-1"), ("evaluate", "--seed", "-1"),
    ("experiment", "--epochs", "0"), ("experiment", "--gamma", "nan"),
    ("experiment", "--workers", "0"), ("experiment", "--arch", "vgg"), ("bench", "--ways", "s9"),
    ("bench", "--epochs", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "option", "value"), WRONG)
def test_a_wrong_value_is_a_usage_error_that_names_the_option(run_lcz, command, option, value):
    words = FILES[command].split()
    if option in words:  # such as --orbit, which must be given
        at = words.index(option)
        del words[at : at + 2]
    code, _, err = run_lcz(*command.split(), *words, option, *value.split())
    assert code == 2
    assert "Usage" in err
    assert option.lstrip("-") in err.replace("season", "season ")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("uhi m.tif --lst t.tif --k1 774", "needs all four"),
        ("uhi m.tif --lst a.tif --lst b.tif --time 2023-07-01T10:00", "give one for each"),
        ("uhi m.tif --lst a.tif --lst b.tif --quality q.tif", "One quality layer"),
        ("uhi --lst t.tif", "needs an LCZ map"),
        ("water a.tif --orbit as --out o --des b.tif", "--orbit as_des"),
        ("water a.tif --orbit as --out o --date 2020-01-01 --date 2020-02-01", "give one each"),
        (
            "evaluate w x.tif --polygons p.gpkg --subset train --out o",
            "--subset is one of --patches",
        ),
        ("evaluate w x.tif --out o", "either --polygons or --patches"),
        ("evaluate w x.tif --polygons p.gpkg --patches q.gpkg --out o", "either --polygons or"),
        ("train x.tif --out o", "Give --polygons"),
        ("train x.tif --polygons p.gpkg --inputs D3 --bands B02 --out o", "give it or --bands"),
        ("train x.tif --polygons p.gpkg --option width --out o", "is not NAME=VALUE"),
    ],
)
def test_options_that_do_not_go_together_are_usage_errors(run_lcz, line, says):
    code, _, err = run_lcz(*line.split())
    assert code == 2
    assert says in err


def options():
    """Every numeric option that is no setting of a request: (command, its name, its annotation)."""
    pending = [("", app)]
    while pending:
        prefix, group = pending.pop()
        pending += [(f"{prefix}{g.name} ", g.typer_instance) for g in group.registered_groups]
        for command in group.registered_commands:
            if hasattr(command.callback, "requests"):
                continue  # its numbers are held by their settings, see below
            hints = typing.get_type_hints(command.callback, include_extras=True)
            for name, hint in hints.items():
                if typing.get_origin(hint) is not typing.Annotated:
                    continue
                kind, *extras = typing.get_args(hint)
                info = next((e for e in extras if isinstance(e, OptionInfo)), None)
                kinds = {kind, *typing.get_args(kind)} - {type(None)}
                if info is not None and kinds & {int, float}:
                    yield f"{prefix}{command.name or command.callback.__name__}", name, info


def test_every_numeric_option_says_what_it_may_be():
    """``min=``, ``max=`` or a callback of `lczlib.cli.options`."""
    found = list(options())
    assert len(found) > 5
    loose = [
        f"{command} --{name}"
        for command, name, info in found
        if info.min is None and info.max is None and info.callback is None
    ]  # fmt: skip
    assert not loose


ANYTHING_GOES = {"nodata"}
"""Numbers of which every one is right."""


def test_every_number_of_a_request_is_finite_and_within_its_bounds(run_lcz):
    """No setting takes NaN or infinity, and a number beyond its bounds is refused by name."""
    from lczlib.settings import described

    kinds = {k for c in app.registered_commands for k in getattr(c.callback, "requests", ())}
    assert kinds
    for kind in kinds:
        must = {n: s.choices[0] if s.choices else ("x",) if s.many else "x"
                for n, s in described(kind).items() if s.required}  # fmt: skip
        for name, found in described(kind).items():
            if found.kind not in (int, float) or found.setting.file or name in ANYTHING_GOES:
                continue
            wrong = [math.nan, math.inf] if found.kind is float else []
            wrong += [found.setting.low - 1] if math.isfinite(found.setting.low) else []
            wrong += [found.setting.high + 1] if math.isfinite(found.setting.high) else []
            for value in wrong:
                with pytest.raises(InputError) as stop:
                    kind(**must | {name: (value, value) if found.pair else value})
                assert stop.value.parameter == name


def test_ranges_are_checked_at_their_ends_and_for_numbers_that_are_none():
    def refused(check, value):
        try:
            check(value)
        except typer.BadParameter:
            return True
        return False

    assert [refused(above_zero, v) for v in (0.0, -1.0, 1e-9, math.nan, math.inf)] == [
        True, True, False, True, True
    ]  # fmt: skip
    assert [refused(between(0), v) for v in (0.0, -1e-9, math.nan)] == [False, True, True]
    inside, closed = between(0, 1, ends=False), between(0, 1)
    assert [refused(inside, v) for v in (0.0, 0.5, 1.0)] == [True, False, True]
    assert [refused(closed, v) for v in (0.0, 1.0, 1.1)] == [False, False, True]
    assert above_zero(None) is None
    assert refused(between(0, 1), (0.5, 2.0))


def test_the_names_that_options_list_are_those_of_the_library():
    from lczlib.cli.uhi import uhi
    from lczlib.clocks import Ambiguous
    from lczlib.mapping.water import Edges
    from lczlib.mapping.water_scene import Orbit, Units
    from lczlib.scenes.thermal_products import PRODUCTS

    def listed(command, name):
        hint = typing.get_type_hints(command)[name]
        inner = [a for a in typing.get_args(hint) if a is not type(None)]
        return set(typing.get_args(inner[0]) or inner)

    from lczlib.cli.water import water

    assert listed(uhi, "kind") == set(PRODUCTS)
    assert listed(uhi, "ambiguous") == set(typing.get_args(Ambiguous))
    assert listed(water, "orbit") == set(typing.get_args(Orbit))
    assert listed(water, "edges") == set(typing.get_args(Edges))
    assert listed(water, "units") == set(typing.get_args(Units))
