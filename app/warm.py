"""What the first visitor would wait for, done when the server starts with ``--warm``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lczlib import catalog
from lczlib.study.store import make_room
from lczlib.temporary import remove_abandoned

from .maps.imagery import base_image
from .pages import PAGES
from .panel_patches.memory import settle

if TYPE_CHECKING:
    from .session import Session


def is_warming(doc: Any) -> bool:
    """Whether the server makes this document for itself: no visitor stands behind it."""
    return doc.session_context is not None and doc.session_context.server_context is None


def tidy() -> None:
    """Remove what killed processes and earlier servers left in the cache, and make room in it."""
    cache = catalog.cache_folder()
    for folder in (cache, cache / "converted"):
        remove_abandoned(folder)
    remove_abandoned()
    make_room(cache / "results")


def warm(session: Session) -> None:
    """Load what the pages load, simulate the demo city where that is not done, draw its image."""
    for page in PAGES.values():
        page(session)
    scene = session.study.compute("scene")
    session.study.compute("reference")
    base_image(session, scene, lambda _: None)
    settle()
