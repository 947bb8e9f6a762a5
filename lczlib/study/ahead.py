"""What steps read again and again, read once, by the process that theirs are copies of: the list of places."""

from __future__ import annotations

from contextlib import suppress

from lczlib.acquire.places import dots
from lczlib.errors import LczError

with suppress(LczError):  # a step that needs it says so
    dots()
