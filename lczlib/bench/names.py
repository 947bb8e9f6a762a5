"""The ways of the board by name; nothing is loaded for it."""

from __future__ import annotations

from typing import Literal, get_args

Way = Literal["s1", "s2", "fused", "adapted", "forest", "cnn", "published", "global"]
WAYS: tuple[Way, ...] = get_args(Way)
LEARNT = ("adapted", "forest", "cnn")
"""Ways that are trained on the city's polygons of other folds."""
NETWORKS = ("s1", "s2", "fused", "adapted")
"""Ways by published networks."""
