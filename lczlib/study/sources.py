"""What a study was made from, for its settings file: what was read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lczlib.reading import Reading
from lczlib.study.wording import in_page

if TYPE_CHECKING:
    from lczlib.study.state import Study


def read_of(study: Study) -> list[Reading]:
    """What the steps of a study read, each file once, with the names that settings have on the pages."""
    heard: list[Reading] = []
    told: list[Reading] = []
    for step, found in study.read.items():
        for reading in found:
            if reading not in heard:
                heard.append(reading)
                told.append(reading.changed(partial(in_page, step=step)))
    return told
