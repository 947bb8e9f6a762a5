"""A simulated city: imagery, temperatures and truth made from a street plan, for demos and tests.

The plan is drawn first (`layout`), then built in roofs, streets, trees and fields (`fabric`); every
sensor then looks at those same surfaces (`optical`, `radar`, `thermal`). No sensor model knows a
Local Climate Zone, apart from the temperatures, whose class differences are the truth to recover.
"""

from lczlib.scenes.simulation.city import DemoCity, simulate_city
from lczlib.scenes.simulation.so2sat_folder import write_so2sat

__all__ = ["DemoCity", "simulate_city", "write_so2sat"]
