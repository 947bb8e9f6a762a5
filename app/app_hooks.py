"""What Bokeh loads with the application, before the first request and before `main.py`."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import Thread
from typing import Any

# `panel serve` runs these files from wherever they lie, `main.py` anew for each visitor: the package
# around them is loaded by its place, once. (Bokeh has a package for relative imports too, but not
# with ``--dev``.)
if "app" not in sys.modules:
    spec = spec_from_file_location("app", Path(__file__).with_name("__init__.py"))
    sys.modules["app"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["app"])

from app.panel_patches.memory import put_off
from app.server import protect

put_off()
protect()


def on_server_loaded(_: Any) -> None:
    """Read the list of places beside: else the first visitor would wait for it."""
    from lczlib.acquire.places import dots

    Thread(target=dots, daemon=True).start()
