"""Where a further station would shrink the error of a field most."""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from lczlib.analysis.field.covariance import Places
from lczlib.analysis.field.kriging import Kriging
from lczlib.analysis.field.model import Field
from lczlib.analysis.heat.network import WATER, border_distances
from lczlib.analysis.heat.options import SiteOptions
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.terms import option

_POINTS = 1000
"""Pixels at which the error is taken; as many more are tried. Their covariance takes 32 MB."""
_LEAST = 12
"""Of each zone at least, where it has as many: rare zones are tried too."""


def further_sites(
    found: Field, n_sensors: int, options: SiteOptions | None = None
) -> gpd.GeoDataFrame:
    """Propose further stations, one after another: each the one that shrinks the mean variance most.

    The kriging variance hangs on where stations are and not on what they will measure, so that a new one
    is known to tell ``sum_p w_p S(p, k)^2 / (S(k, k) + nugget)``, with S the covariance of the errors
    of the field as it is (drift and zones included) and w the area that a pixel stands for. Zones without
    a station count with the variance that zones have.

    Parameters
    ----------
    found : Field
        Of a composite.
    n_sensors : int
        How many are to be placed.
    options : SiteOptions, optional
        How far from other zones and from other stations they stand, and the seed of the pixels that are
        tried in large maps.

    Returns
    -------
    GeoDataFrame
        CRS of the map; ``site`` (1..n, the most telling first), ``lcz``, ``code``, ``name``,
        ``border_distance`` (m), ``nearest_site`` (m, stations among them), ``mean_error`` (K, mean
        standard error over the map with this and all earlier sites), ``zone_error`` (of its zone),
        ``shrinks`` (K). ``attrs``: ``mean_error_before``, ``map_pixels``, ``tried``.

    Raises
    ------
    InputError
        If no place is far enough from other zones.
    """
    options = options or SiteOptions()
    codes = np.asarray(found.ground.lcz.data)
    depth = border_distances(codes, abs(found.ground.box.affine.a))
    points, weights, inside = _points(found, codes, depth, options)
    ((_, system, _, _),) = found.systems()
    errors = _error_covariance(system, points)
    nugget, stations = system.covariance.nugget, found.sample.places
    apart = points.distances(stations).min(axis=1)
    usable = (inside >= options.border_distance) & (options.with_water | (points.zone != WATER))
    if not usable.any():
        msg = f"No place is {options.border_distance:g} m inside its zone: lower {option('border_distance')}."
        raise InputError(msg)
    before = _mean_error(errors, nugget, weights)
    rows, last = [], before
    for number in range(1, n_sensors + 1):
        open_ = usable & (apart >= options.spacing)
        if not open_.any():
            break
        gain = (weights @ errors**2) / (np.diag(errors) + nugget)
        pick = int(np.where(open_, gain, -np.inf).argmax())
        errors = errors - np.outer(errors[:, pick], errors[pick]) / (errors[pick, pick] + nugget)
        now = _mean_error(errors, nugget, weights)
        own = points.zone == points.zone[pick]
        rows.append({
            "site": number, "lcz": int(points.zone[pick]), "code": CLASSES[points.zone[pick] - 1].code,
            "name": CLASSES[points.zone[pick] - 1].name, "border_distance": round(float(inside[pick]), 1),
            "nearest_site": round(float(apart[pick]), 1), "mean_error": now,
            "zone_error": _mean_error(errors[np.ix_(own, own)], nugget, weights[own]),
            "shrinks": last - now, "x": points.x[pick], "y": points.y[pick],
        })  # fmt: skip
        last = now
        apart = np.minimum(apart, np.hypot(points.x - points.x[pick], points.y - points.y[pick]))
    if not rows:
        msg = f"No place is {options.spacing:g} m from every station: lower {option('spacing')}."
        raise InputError(msg)
    x, y = ([r.pop(name) for r in rows] for name in ("x", "y"))
    table = gpd.GeoDataFrame(
        rows, geometry=gpd.points_from_xy(x, y), crs=found.ground.box.crs.to_wkt()
    )
    table.attrs = {
        "mean_error_before": before, "map_pixels": int((codes > 0).sum()), "tried": len(points),
    }  # fmt: skip
    return table


def _points(
    found: Field, codes: np.ndarray, depth: np.ndarray, options: SiteOptions
) -> tuple[Places, np.ndarray, np.ndarray]:
    """Pixels drawn by zone, the share of the map that each stands for, and how far inside they lie.

    Half of a zone's pixels are drawn from those that may be sites, where there are any.
    """
    rng = np.random.default_rng(options.seed)
    counts = np.bincount(codes.ravel(), minlength=18)
    picked, weights = [], []
    for zone in np.flatnonzero(counts[1:]) + 1:
        own = np.flatnonzero(codes.ravel() == zone)
        n = min(own.size, max(_LEAST, round(_POINTS * counts[zone] / counts[1:].sum())))
        drawn = rng.choice(own, n, replace=False)
        room = own[depth.ravel()[own] >= options.border_distance]
        more = rng.choice(room, min(room.size, n), replace=False)
        picked += [drawn, np.setdiff1d(more, drawn)]
        weights += [np.full(n, counts[zone] / n), np.zeros(picked[-1].size)]
    chosen, weight = np.concatenate(picked), np.concatenate(weights)
    order = np.argsort(chosen)
    chosen, weight = chosen[order], weight[order]
    parts = []
    width = codes.shape[1]
    for rows, places, _ in found.ground.blocks():
        own = chosen[(chosen >= rows.start * width) & (chosen < rows.stop * width)]
        parts.append(places.pick(own - rows.start * width))
    joined = Places(
        *(np.concatenate([getattr(p, n) for p in parts]) for n in ("x", "y", "zone", "drift"))
    )
    known = np.isfinite(joined.drift).all(axis=1)
    return joined.pick(known), weight[known] / weight[known].sum(), depth.ravel()[chosen][known]


def _error_covariance(system: Kriging, points: Places) -> np.ndarray:
    """Covariance (m, m) of the errors of a field at points, without the nugget."""
    c = system.covariance.between(points, system.stations)
    left = points.drift - c @ system.cx
    prior = system.covariance.between(points, points)
    return prior - c @ system.inverse @ c.T + left @ system.drift_covariance @ left.T


def _mean_error(errors: np.ndarray, nugget: float, weights: np.ndarray) -> float:
    spread = np.sqrt(np.maximum(np.diag(errors), 0.0) + nugget)
    return float(spread @ weights / weights.sum()) if weights.sum() else float("nan")
