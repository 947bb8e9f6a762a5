"""Result files: what a board found, for others to put beside theirs; and those of others, checked.

Scores are worked out anew from the counts of each polygon, which must be the polygons of the folds. That the
counts are those of a map, and that the map was made without the polygons, no file can prove: who submits a
result says how it was made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lczlib.bench.folds import Folds
from lczlib.bench.rows import NOT_POSSIBLE, SCORED, SCORES, assessed, scores_of
from lczlib.classes import N_CLASSES
from lczlib.errors import InputError, LczError

FORMAT = "lczlib bench 1"
_NEAR = 5e-4
"""A stated score may differ from that of its counts by rounding to three digits."""
_KEPT = (
    "city",
    "way",
    "network",
    "status",
    "folds",
    "lczlib",
    "cautions",
    "made_with",
    "reason",
    "no_prediction",
)


def result_file(
    rows: Sequence[Mapping[str, Any]], cities: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What ``scores.json`` says.

    Parameters
    ----------
    rows : sequence of dict
        As of `lczlib.bench.board.score_all`.
    cities : mapping
        What is said of each city.
    """
    hidden = ("key", "map")  # of use in the folder alone
    return {
        "format": FORMAT, "by": "", "cities": dict(cities),
        "rows": [{k: v for k, v in row.items() if k not in hidden} for row in rows],
    }  # fmt: skip


def checked_file(
    path: str | Path, folds: Mapping[str, Folds], replicates: int
) -> list[dict[str, Any]]:
    """The rows of a result file, with scores and intervals worked out anew.

    Parameters
    ----------
    path : path
        ``scores.json`` of somebody's board.
    folds : mapping of str to Folds
        Of the cities of this board, by their names.
    replicates : int
        Bootstrap replicates of the intervals.

    Raises
    ------
    InputError
        If it is no result file, is of other folds, or its scores are not those of its counts.
    """
    name = Path(path).name
    try:
        told = json.loads(Path(path).read_text())
        form, rows = told["format"], told["rows"]
    except OSError as err:
        msg = f"The result file {path} cannot be read ({err.strerror})."
        raise InputError(msg, parameter="check") from err
    except (ValueError, KeyError, TypeError) as err:
        msg = f"{name} is no result file of `lcz bench`: give a scores.json."
        raise InputError(msg, parameter="check") from err
    if form != FORMAT or not isinstance(rows, list) or not rows:
        msg = f"{name} is no result file of `lcz bench` as this version reads it ({form!r}, not {FORMAT!r})."
        raise InputError(msg, parameter="check")
    by = str(told.get("by") or Path(path).stem)
    found = []
    for number, row in enumerate(rows, 1):
        try:
            found.append({"from": by, **_checked(row, folds, replicates)})
        except LczError as error:
            msg = f"Row {number} of {name} cannot stand on the board: {error.message}"
            raise InputError(msg, parameter="check") from error
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as err:
            msg = f"Row {number} of {name} is not as a result file has it ({type(err).__name__}: {str(err)[:80]})."
            raise InputError(msg, parameter="check") from err
    return found


def _checked(row: Mapping[str, Any], folds: Mapping[str, Folds], replicates: int) -> dict[str, Any]:
    kept = {k: row[k] for k in _KEPT if k in row}
    city, status = str(row["city"]), row["status"]
    where = f"{city}, {row['way']} {row['network']}".rstrip()
    if status == NOT_POSSIBLE:
        return kept
    if status != SCORED:
        msg = f"{where} is {status!r}, neither {SCORED!r} nor {NOT_POSSIBLE!r}."
        raise InputError(msg)
    if city not in folds:
        msg = f"there are no folds of {city!r} here to hold it against (of {', '.join(folds) or 'no city'} there are)."
        raise InputError(msg)
    own = folds[city]
    if row["folds"] != own.hash:
        msg = f"{where} is of other folds: their hash is {row['folds']}, the board's {own.hash}."
        raise InputError(msg)
    polygons = [_polygon(p, own, where) for p in row["polygons"]]
    if len({p[0] for p in polygons}) < len(polygons):
        msg = f"{where} counts a polygon twice."
        raise InputError(msg)
    scores = scores_of(assessed(polygons, replicates, 0))
    for name in (*SCORES, "n", "n_polygons"):
        stated = row[name]
        if name not in ("n", "n_polygons") and (stated is None or scores[name] != scores[name]):
            if (stated is None) == (scores[name] != scores[name]):
                continue
        elif abs(float(stated) - scores[name]) <= _NEAR:
            continue
        msg = f"{where} says {name} {stated}, and its own counts give {scores[name]:.4g}."
        raise InputError(msg)
    return {**kept, **scores, "polygons_of_folds": len(own.table), "polygons": polygons}


def _polygon(told: Sequence[Any], folds: Folds, where: str) -> list[Any]:
    """A polygon's counts, if it is one of the folds."""
    number, lcz, predicted = told
    of_folds = dict(zip(folds.table["id"], folds.table["lcz"], strict=True))
    if of_folds.get(number) != lcz:
        msg = f"{where} has a polygon {number} of LCZ number {lcz}, which is none of the folds."
        raise InputError(msg)
    counts = {int(c): n for c, n in predicted.items()}
    if not counts or any(
        not 1 <= c <= N_CLASSES or not isinstance(n, int) or n < 1 for c, n in counts.items()
    ):
        msg = f"the counts of polygon {number} are no numbers of cells by class."
        raise InputError(msg)
    return [number, lcz, {str(c): n for c, n in counts.items()}]
