"""Air temperature on the grid of an LCZ map, from stations: kriging with zones as random effects.

============  ======================================================================
model         `fit_field`: stations to a `Field`, which predicts on the map
sample        the stations, with the hours that count
ground        the map: zones, heights, distances to water and coast
record        the hours that count, and means of stations with gaps
covariance    by zone and by distance, with GSTools' models of it
likelihood    the covariance that stations speak for (restricted maximum likelihood)
kriging       the best linear unbiased prediction, its error, stations left out
validation    `cross_validate`: stations, zones and days left out
further       `further_sites`: where a station would tell most
============  ======================================================================

The model, its references and its limits: ``docs/field.md``.
"""

from lczlib import lazy

__getattr__, __dir__ = lazy.contents(
    __name__,
    {
        "Field": "model",
        "Ground": "ground",
        "ModelOptions": "options",
        "PeriodOptions": "options",
        "cross_validate": "validation",
        "fit_field": "model",
        "further_sites": "further",
    },
)
