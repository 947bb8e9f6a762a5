"""The dashboard. Start it with ``lcz app``, or with ``panel serve app``.

`app_hooks.py` has loaded the package by then: without it, and what it protects, nothing is served.
"""

import panel as pn
from panel.io.resources import LOCAL_DIST

from app.frame import page_of
from app.panel_patches.together import together
from app.session import Session
from lczlib.texts import text

# --num-threads sizes the pool that computes (`session.jobs`). Panel itself would also answer visitors
# from threads, and then two of them change one document at a time: messages got lost.
pn.config.nthreads = None
pn.extension("filedropper", notifications=True)

# Panel takes a session's stylesheets from its public site until the page itself has been written. A visitor
# whose session is made anew when the connection opens (it waited too long for it) never had one written.
pn.state.curdoc.template_variables.setdefault("dist_url", LOCAL_DIST)

# One call a visitor: everything a session has is made in here, nothing at import.
with together(pn.state.curdoc):
    page_of(Session(pn.state.curdoc)).servable(title=text("Local Climate Zones"))
