"""How far each page's work is, as marks on the row of pages."""

from __future__ import annotations

from collections.abc import Sequence

from lczlib.study import Study
from lczlib.study.showing import follows, shown
from lczlib.study.state import STOPPED

STEP_OF = {
    "city": "scene", "map": "maps", "compare": "comparison", "accuracy": "accuracy", "heat": "heat",
    "water": "water",
}  # fmt: skip
"""The step whose result each page is about."""
_LIGHTER = {"#15803d": "#4ade80", "#1d4ed8": "#93c5fd", "#b45309": "#fbbf24", "#b91c1c": "#fca5a5"}
"""The same colours on a dark ground."""
_MARKS = {
    "done": ("✓", "#15803d"),
    "running": ("…", "#1d4ed8"),
    "stale": ("↻", "#b45309"),
    "failed": ("!", "#b91c1c"),
}
"""Sign and colour of each state: no state is told by its colour alone."""


def state_of(study: Study, page: str) -> str:
    """``done``, ``running``, ``stale``, ``failed``; empty where there is nothing yet."""
    step = STEP_OF.get(page)
    if step is None:
        return ""
    if study.conditions.get(step) == "running":
        return "running"
    if study.messages.get(step, "") not in ("", STOPPED):
        return "failed"
    if shown(study, step) is None:
        return ""
    return "done" if follows(study, step) else "stale"


def marks(study: Study, pages: Sequence[str], dark: bool = False) -> str:
    """The style of the row of pages' buttons, each with the mark of its state before its name."""
    rules = []
    for i, page in enumerate(pages, 1):
        state = state_of(study, page)
        if state:
            sign, color = _MARKS[state]
            color = _LIGHTER[color] if dark else color
            button = f".bk-btn-group .bk-btn:nth-child({i})"
            # the sign is no part of the button's name; on the page that is open it is white as the name
            rules.append(
                f'{button}::before {{ content: "{sign}" / ""; color: {color}; font-weight: 700; margin-right: 5px; }}'
            )
            rules.append(f"{button}.bk-active::before {{ color: inherit; }}")
    return "\n".join(rules)
