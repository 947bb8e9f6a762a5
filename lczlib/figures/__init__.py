"""Figures with HoloViews, for notebooks, the dashboard (bokeh) and files (matplotlib).

Each function takes results of `lczlib.analysis` and returns a HoloViews object that is styled for
the backends that are loaded; HoloViews itself is imported when a figure is made.
"""

from lczlib.figures.accuracy import (
    certainty_figure,
    class_accuracy_figure,
    confusion_figure,
    reliability_figure,
)
from lczlib.figures.cities import cities_figure
from lczlib.figures.comparison import (
    agreement_figure,
    areas_figure,
    changes_figure,
    cross_table_figure,
)
from lczlib.figures.explore import explore
from lczlib.figures.save import save_figure, save_figures

__all__ = [
    "agreement_figure",
    "areas_figure",
    "certainty_figure",
    "changes_figure",
    "cities_figure",
    "class_accuracy_figure",
    "confusion_figure",
    "cross_table_figure",
    "explore",
    "reliability_figure",
    "save_figure",
    "save_figures",
]
