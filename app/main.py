"""The dashboard. Start it with ``panel serve app`` or ``lcz app``."""

import panel as pn
from session import Session
from style import RAW_CSS
from template import page_of

# --num-threads sizes the pool that computes (`jobs`). Panel itself would also answer visitors from
# threads, and then two of them change one document at a time: messages got lost.
pn.config.nthreads = None
pn.extension("filedropper", raw_css=[RAW_CSS], notifications=True)

# One call a visitor: everything a session has is made in here, nothing at import.
page_of(Session(pn.state.curdoc)).servable(title="Local Climate Zones")
