"""The pages, in the order of the work."""

from .accuracy import AccuracyPage
from .city import CityPage
from .compare import ComparePage
from .heat import HeatPage
from .map import MapPage
from .share import SharePage
from .water import WaterPage

PAGES = {
    "city": CityPage,
    "map": MapPage,
    "compare": ComparePage,
    "accuracy": AccuracyPage,
    "heat": HeatPage,
    "water": WaterPage,
    "share": SharePage,
}
