"""The pages, in the order of the work."""

from views.accuracy import AccuracyPage
from views.city import CityPage
from views.compare import ComparePage
from views.heat import HeatPage
from views.map import MapPage
from views.share import SharePage
from views.water import WaterPage

PAGES = {
    "city": CityPage,
    "map": MapPage,
    "compare": ComparePage,
    "accuracy": AccuracyPage,
    "heat": HeatPage,
    "water": WaterPage,
    "share": SharePage,
}
