"""How the documentation site is built: ``make docs``. Nothing is fetched while it is built."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE.parent)]

from lczlib import __version__  # noqa: E402

project = "lczlib"
author = "The lczlib developers"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "from_code", "links"]
templates_path = ["_templates"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
highlight_language = "none"  # commands; blocks of Python say so

# what a docstring puts in single backticks is code or a name of the library
default_role = "py:obj"
autodoc_typehints = "none"  # docstrings state types, with shapes and units
autodoc_member_order = "bysource"
maximum_signature_line_length = 90
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Settings", "params_style")]

html_theme = "pydata_sphinx_theme"
html_title = "lczlib"
html_show_sourcelink = False
html_sidebars = {"**": ["all-pages"]}  # all of the site beside each page, by what one wants
html_theme_options = {
    "navbar_center": [],
    "show_prev_next": False,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
copyright = "2026, the lczlib developers; MIT License"
