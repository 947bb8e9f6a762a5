"""The settings of requests as parameters of a study, and back: one owner, a page's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import param

from lczlib.settings import Described, described
from lczlib.study.given import Given


def parameter(found: Described, **other: Any) -> param.Parameter:
    """A study's parameter for a setting: bounds, choices, default and meaning are the setting's.

    What has no default is empty, ``""`` or None: then it is not told, and the job's own rule applies.

    Parameters
    ----------
    found : Described
        Of a file: a tuple of files.
    **other
        What a page has otherwise, such as narrower bounds of a slider.
    """
    told = found.setting
    doc = f"{told.doc} Empty: {told.usual}." if told.usual else told.doc
    common = {"doc": doc, "label": told.title or None}
    if told.file:
        return param.ClassSelector(**common, default=(), class_=tuple)
    if found.kind is bool:
        return param.Boolean(**common, default=found.default)
    if found.many and found.choices:
        chosen = found.choices if found.default is None else found.default
        return param.ListSelector(**common, default=list(chosen), objects=list(found.choices))
    if found.pair:
        return param.Range(**common, **{"default": found.default, **other})
    if found.choices or "objects" in other:
        objects = ([""] if found.default is None else []) + list(found.choices)
        usual = {"default": found.default or "", "objects": objects}
        return param.Selector(**common, **(usual | other))
    if found.kind in (int, float) and not found.many:
        of = param.Integer if found.kind is int else param.Number
        bounds = tuple(
            None if abs(v) == float("inf") else found.kind(v) for v in (told.low, told.high)
        )
        ends = {"inclusive_bounds": (not told.open_ends, not told.open_ends)}
        return of(
            **common, **{"default": found.default, "bounds": bounds, **ends, **other},
            allow_None=found.default is None,
        )  # fmt: skip
    return param.String(**common, default="" if found.default in (None, ()) else str(found.default))


def add_parameters(
    cls: type[param.Parameterized],
    request: type,
    names: Mapping[str, str],
    **other: Mapping[str, Any],
) -> tuple[str, ...]:
    """Give a class the settings of a request that `names` calls; what `other` says of one is the page's."""
    settings = described(request)
    for name, called in names.items():
        if called not in cls.param:
            made = parameter(settings[name], **other.get(name, {}))
            cls.param.add_parameter(called, made)
    return tuple(dict.fromkeys(names.values()))


def told(
    given: Given,
    request: type,
    names: Mapping[str, str],
    defaults: type[param.Parameterized],
) -> dict[str, Any]:
    """What a request is told by a study: the settings that are not at their defaults.

    Parameters
    ----------
    given : Given
        What a step is given of the study.
    request : type
        Whose settings they are.
    names : mapping of str to str
        Setting to the study's name of it; files are left out.
    defaults : type
        The class with the parameters.
    """
    found, settings = {}, described(request)
    for name, called in names.items():
        one = settings[name]
        if one.setting.file:
            continue
        value = getattr(given, called)
        if value in ("", None) or value == defaults.param[called].default:
            continue
        if one.many and isinstance(value, str):
            value = tuple(t.strip() for t in value.split(",") if t.strip())
        found[name] = tuple(value) if isinstance(value, list) else value
    return found
