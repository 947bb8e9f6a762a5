"""Measures, networks and scene sources of other packages, made known to every face of the project.

A package names a module in its metadata, which registers what it brings when it is imported::

    [project.entry-points."lczlib.plugins"]
    my_zones = "my_zones.lcz"
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

GROUP = "lczlib.plugins"


@cache
def load_plugins() -> tuple[str, ...]:
    """Import the modules of installed packages, once; their names.

    A module that fails is an error of its package and is not hidden.
    """
    found = sorted(entry_points(group=GROUP), key=lambda e: e.name)
    for entry in found:
        entry.load()
    return tuple(entry.name for entry in found)
