"""The boxes of the zones on the heat island's page are there, in the zones' colours."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers import settled, still

from lczlib.classes import CLASSES

pytestmark = pytest.mark.browser


def test_the_middle_half_of_each_zones_pixels_is_a_box_in_its_colour(
    mapped: Any, visit: Callable[..., Any]
) -> None:
    pictures = pytest.importorskip("PIL.Image")
    page = visit(f"{mapped.url}?page=heat&heat_map=reference&heat_replicates=100")
    page.set_viewport_size({"width": 1440, "height": 1800})
    page.get_by_text(re.compile(r"surface of LCZ .*\sK against LCZ D")).wait_for()
    settled(page, "Minus the reference (K)")
    still(page)
    # the lowest of the page's figures
    boxes = [f.bounding_box() for f in page.locator(".bk-Figure:visible").all()]
    place = max(filter(None, boxes), key=lambda b: b["y"])
    shot = np.asarray(pictures.open(io.BytesIO(page.screenshot(clip=place))).convert("RGB"))
    for code in ("2", "5", "B", "F"):
        color = next(c.color for c in CLASSES if c.code == code)
        wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(shot.astype(int) - wanted).max(-1) <= 3).sum() > 50, code
    assert mapped.errors() == []
