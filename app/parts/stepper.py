"""How far each page's work is, as marks on the row of pages."""

from __future__ import annotations

from collections.abc import Sequence

from lczlib.study import Study
from lczlib.study.showing import follows, shown
from lczlib.study.state import STOPPED

from .messages import awaits_maps, is_lack

STEP_OF = {
    "city": "scene", "map": "maps", "compare": "comparison", "accuracy": "accuracy", "heat": "heat",
    "water": "water",
}  # fmt: skip
"""The step whose result each page is about."""
_MARKS = {"done": "✓", "running": "…", "stale": "↻", "failed": "!"}
"""Sign of each state, which no state is told without; the colours are the theme's, by the same names."""


def state_of(study: Study, page: str) -> str:
    """``done``, ``running``, ``stale``, ``failed``; empty where there is nothing yet."""
    step = STEP_OF.get(page)
    if step is None:
        return ""
    if study.conditions.get(step) == "running":
        return "running"
    if study.messages.get(step, "") not in ("", STOPPED):
        return "" if awaits_maps(study, step) or is_lack(study, step) else "failed"
    if shown(study, step) is None:
        return ""
    return "done" if follows(study, step) else "stale"


def marks(study: Study, pages: Sequence[str]) -> str:
    """The style of the row of pages' buttons, each with the mark of its state before its name."""
    rules = []
    for i, page in enumerate(pages, 1):
        state = state_of(study, page)
        if state:
            # the sign is no part of the button's name
            rules.append(
                f':host(.lcz-nav) .bk-btn-group .bk-btn:nth-child({i})::before {{ content: "{_MARKS[state]}" / ""; '
                f"color: var(--{state}); border-color: var(--{state}); }}"
            )
    return "\n".join(rules)
