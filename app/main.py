"""The dashboard. Start it with ``panel serve app`` or ``lcz app``."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import panel as pn

# `panel serve` runs this file anew for each visitor, from wherever it lies: the package around it is
# loaded by its place, once. (Bokeh has a package for relative imports too, but not with ``--dev``.)
if "app" not in sys.modules:
    spec = spec_from_file_location("app", Path(__file__).with_name("__init__.py"))
    sys.modules["app"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["app"])

from app.frame import page_of
from app.parts.style import RAW_CSS
from app.session import Session

# --num-threads sizes the pool that computes (`session.jobs`). Panel itself would also answer visitors
# from threads, and then two of them change one document at a time: messages got lost.
pn.config.nthreads = None
pn.extension("filedropper", raw_css=[RAW_CSS], notifications=True)

# One call a visitor: everything a session has is made in here, nothing at import.
page_of(Session(pn.state.curdoc)).servable(title="Local Climate Zones")
