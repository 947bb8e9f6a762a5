"""What of a study may be shown: nothing under a setting that it was not made with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from lczlib.study.steps import STEPS

if TYPE_CHECKING:
    from lczlib.study.state import Study


class Lack(str):
    """A message of what nobody has given yet: no failure."""


def follows(study: Study, name: str) -> bool:
    """Whether a step's output is there, and it and all before it were made with what is chosen now."""
    step = STEPS[name]
    earlier = (n for n in (*step.after, *step.optional) if study.made_with(n) is not None)
    return study.made_with(name) == study.key(step) and all(follows(study, n) for n in earlier)


def shown(study: Study, name: str) -> Any:
    """A step's output where it may be shown, else None.

    What is made anew by itself is not shown until it is there. What waits to be asked for, such as
    maps, stays with all that follows from it, and is marked as made with other settings.
    """
    return getattr(study, name) if _may_be_shown(study, name) else None


def _may_be_shown(study: Study, name: str) -> bool:
    step = STEPS[name]
    made = study.made_with(name)
    if made is None or step.by_hand:
        return made is not None
    earlier = (n for n in (*step.after, *step.optional) if study.made_with(n) is not None)
    return made == study.key(step) and all(_may_be_shown(study, n) for n in earlier)


def as_shown(study: Any) -> Any:
    """A study as it is shown now, for what takes a while: a change of it meanwhile changes nothing.

    Outputs that may not be shown are None in it; ``others`` names those that are there and were made
    with other settings; ``heats`` holds the heat island of each kind that follows from what is chosen.
    """
    if isinstance(study, SimpleNamespace):  # it is one already
        return study
    inputs = {n: getattr(study, n) for step in STEPS.values() for n in step.inputs}
    outputs = {n: shown(study, n) for n in STEPS}
    there = [n for n, output in outputs.items() if output is not None]
    heats = {k: h for k, h in study.heats().items() if k != study.heat_kind}
    if outputs["heat"] is not None:
        heats[study.heat_kind] = outputs["heat"]
    order = [k for k in ("surface", "air", "canopy") if k in heats]
    return SimpleNamespace(
        **inputs, **outputs, heats={k: heats[k] for k in order}, context=study.context, read=dict(study.read),
        others=[n for n in there if not follows(study, n)],
    )  # fmt: skip
