"""Colours of the zones: the field's own, and an alternative for colour-blind readers."""

from lczlib.classes import CLASSES
from lczlib.texts import N_

STANDARD = tuple(c.color for c in CLASSES)

# Built zones from dark violet to yellow (plasma, which orders by lightness), land cover in blues,
# greens and greys of clearly different lightness: neighbours differ in lightness, not hue alone.
SAFE = (
    "#0d0887", "#5302a3", "#8b0aa5", "#b83289", "#db5c68", "#f48849", "#febd2a", "#e3d9c6",
    "#f7ecb5", "#3b3b3b", "#00463c", "#1b7a6b", "#5aa899", "#b5dccf", "#777777", "#fdf6e3", "#2c7fd6",
)  # fmt: skip

PALETTES = {N_("standard"): STANDARD, N_("colour-blind safe"): SAFE}
CLEAR = "rgba(0, 0, 0, 0)"
