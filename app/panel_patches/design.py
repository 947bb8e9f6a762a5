"""Panel's design, with nothing from elsewhere."""

from __future__ import annotations

from typing import ClassVar

from panel.theme import fast


class Fast(fast.Fast):
    """Panel's design without the font that it would load from elsewhere.

    Panel finds a design's files by the name of its class and module, hence both stay.
    """

    __module__ = fast.Fast.__module__
    _resources: ClassVar = {k: v for k, v in fast.Fast._resources.items() if k != "font"}
