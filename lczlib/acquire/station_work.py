"""What a run that fetches hours of stations keeps while it goes on, for one that is taken up again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lczlib.acquire.weather_stations import Hours, WeatherStation
from lczlib.acquire.work import check_same
from lczlib.export.files import write_json, write_table, writing

NAME = ".get-stations"
_PLAN = "plan.json"


class StationWork:
    """The hidden folder of a run.

    Parameters
    ----------
    folder : path
        Of the result.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / NAME
        self.cache = self.path / ".meteostat"

    def stations(self, asked: Mapping[str, Any]) -> list[WeatherStation] | None:
        """The stations of the run that is taken up; None where there is none.

        Raises
        ------
        InputError
            If that run was asked for something else.
        """
        try:
            plan = json.loads((self.path / _PLAN).read_text())
            found = [WeatherStation(**s) for s in plan["stations"]]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        check_same(plan["asked"], asked, self.path.parent)
        return found

    def begin(self, asked: Mapping[str, Any], stations: Sequence[WeatherStation]) -> None:
        """Begin anew."""
        self.remove()
        write_json(
            self.path / _PLAN, {"asked": dict(asked), "stations": [s.to_dict() for s in stations]}
        )

    def put(self, number: int, season: str, hours: Hours) -> None:
        """Keep the hours of a station, by its number in the plan, in a period."""
        write_table(self._table(number, season), hours.table, index=False)
        write_json(
            self._told(number, season), {"expected": hours.expected, "modelled": hours.modelled}
        )

    def get(self, number: int, season: str) -> Hours | None:
        """What was kept; None where it is not there, or not whole."""
        try:
            told = json.loads(self._told(number, season).read_text())
            table = pd.read_csv(self._table(number, season), dtype={"source": str})
            times = pd.to_datetime(table["time"]).astype("datetime64[s]")
            return Hours(table.assign(time=times), **told)
        except (OSError, ValueError, TypeError):
            return None

    def remove(self) -> None:
        """Remove all of it."""
        with writing(self.path):
            shutil.rmtree(self.path, ignore_errors=True)

    def _table(self, number: int, season: str) -> Path:
        return self.path / season / f"{number:05d}.csv"

    def _told(self, number: int, season: str) -> Path:
        return self.path / season / f"{number:05d}.json"
