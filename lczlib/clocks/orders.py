"""Stations whose dates stand in another order of day and month than the others' are named."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lczlib.clocks.formats import NAMES, ORDERS, VALID, clearly_denser, in_order, scored
from lczlib.clocks.texts import parts
from lczlib.errors import InputError
from lczlib.tables.numerals import MISSING, clean

_NAMED = 10


def refuse_mixed_orders(values: pd.Series, stations: pd.Series, path: object) -> None:
    """Refuse a column of times in which stations clearly write day and month in different orders.

    A station tells its order where the other makes dates that are none, or a record full of holes.

    Parameters
    ----------
    values : Series
        Times as in the file; only texts leave the order open.
    stations : Series
        Of each row.
    path : path
        For messages.

    Raises
    ------
    InputError
        If two orders are told; named are the stations of the rarer one.
    """
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_numeric_dtype(values):
        return
    texts = clean(values)
    first = [parts(t) for t in texts.groupby(stations.to_numpy()).first()]
    if len(first) < 2 or not any("?" in p.order for p in first if p):
        return
    codes, keys = pd.factorize(texts)
    known = np.array([t.lower() not in MISSING and any(c.isdigit() for c in t) for t in keys])
    taken = [parts(t) if k else None for t, k in zip(keys, known, strict=True)]
    times = {name: in_order(taken, order) for name, order in ORDERS.items()}
    told: dict[str, str] = {}
    example: dict[str, str] = {}
    for station, rows in pd.Series(codes).groupby(stations.to_numpy()):
        own = rows.unique()
        own = own[known[own]]
        if not any(p is not None and "?" in p.order for p in (taken[i] for i in own)):
            continue
        order = _told({n: t[own] for n, t in times.items()})
        if order:
            told[str(station)] = order
            example[str(station)] = next(
                (keys[i] for i in own if sum(np.isnat(t[i]) for t in times.values()) > 1),
                keys[own[0]],
            )
    counts = pd.Series(told).value_counts()
    if len(counts) < 2:
        return
    others, rare = NAMES[counts.index[0]], counts.index[-1]
    odd = [s for s, order in told.items() if order == rare]
    one = len(odd) == 1
    named = ", ".join(map(repr, odd[:_NAMED])) + (
        f" and {len(odd) - _NAMED:,} more" if len(odd) > _NAMED else ""
    )
    msg = (
        f"{path}: {'station' if one else 'stations'} {named} {'writes its' if one else 'write their'} dates "
        f"{NAMES[rare]} ({example[odd[0]]!r}), the others {others}: no --time-format reads both; write "
        f"the dates of {'this station' if one else 'these stations'} {others} too, or all as 2021-06-30."
    )
    raise InputError(msg)


def _told(times: dict[str, np.ndarray]) -> str:
    """The order that the dates of one station are in for certain; empty where it stays open."""
    guesses = [scored(n, t, np.ones(len(t))) for n, t in times.items()]
    fitting = sorted((g for g in guesses if g.valid >= VALID), key=lambda g: -g.density)
    clear = fitting and all(clearly_denser(fitting[0], other) for other in fitting[1:])
    return fitting[0].name if clear else ""
