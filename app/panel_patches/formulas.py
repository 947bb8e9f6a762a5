"""What Panel loads for formulas, which no page here has."""

from __future__ import annotations

from typing import Any

from panel.io import resources


def load_no_formulas() -> None:
    """Have Panel leave MathJax out: 1.8 MB that it loads with every page that holds markup of any kind."""

    def uses_formulas(_: Any) -> bool:
        return False

    resources._panel_use_mathjax = uses_formulas
