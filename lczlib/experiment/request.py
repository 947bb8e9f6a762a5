"""What is compared, on what: the settings of ``lcz experiment``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lczlib.errors import InputError
from lczlib.out_scheme import OutScheme, out_scheme
from lczlib.settings import setting
from lczlib.training.options import Schedule, check_architecture
from lczlib.training.request import LabelledCities, PartedScenes


def _check_options(options: dict[str, Any]) -> None:
    for name, value in options.items():
        network, dot, key = name.partition(".")
        if not (network and dot and key.isidentifier()):
            msg = f"{name}={value} is not ARCH.NAME=VALUE, such as rsnnet.width=32"
            raise InputError(msg)


@dataclass(frozen=True, kw_only=True)
class ExperimentRequest(Schedule, LabelledCities, PartedScenes):
    """Tables of inputs, networks or focal losses on one data set; what the fields mean is said with them."""

    tables: tuple[str, ...] = setting(
        ..., "inputs (D1-D7), networks, gamma (0-6) of the focal loss, cities (one alone, another, all), "
        "patch-size, or methods (views, means of networks, calibration); repeat.", flag="--table",
        repeat=True,
    )  # fmt: skip
    test_cities: tuple[str, ...] = setting(
        (), "City to test on that is not trained on; repeat.", flag="--test-city", repeat=True
    )
    seeds: int = setting(3, "Runs of each cell, with seeds 0, 1, ...", low=1)
    networks: tuple[str, ...] = setting(
        (), "NAME,NAME,...: of the tables of networks and of gamma."
    )
    network: str = setting(
        "rsnnet", "Network of the tables of inputs, cities, patch-size and methods; lcznet of Liu and Shi (2020).",
        flag="--arch", check=check_architecture,
    )  # fmt: skip
    combination: str = setting(
        "auto", "Of all tables but that of inputs: D1-D7, or all.", flag="--inputs"
    )
    options: dict[str, Any] = setting(
        {}, "Of a network: rsnnet.width=32; repeat.", flag="--option", metavar="ARCH.NAME=VALUE",
        check=_check_options,
    )  # fmt: skip
    patch_sizes: tuple[int, ...] = setting(
        (10, 32, 48, 64), "Pixels, of the table of patch-size: the middle of patches of the largest; repeat.",
        flag="--size", low=1, repeat=True,
    )  # fmt: skip
    maps: bool = setting(
        False, "Of the table of cities: map each with its own network and that of all cities."
    )
    out_scheme: OutScheme = out_scheme(also="--scheme")
    gamma: float = setting(Schedule.gamma, "Of all tables but that of gamma.", low=0)
    workers: int = setting(1, "Processes to train in, on this machine.", low=1)
    dask: str = setting("", "Dask scheduler to train on: tcp://host:8786.", metavar="ADDRESS")

    def network_options(self) -> dict[str, dict[str, Any]]:
        """The options of each network, as they were given with its name."""
        found: dict[str, dict[str, Any]] = {}
        for name, value in self.options.items():
            network, _, key = name.partition(".")
            found.setdefault(network, {})[key] = value
        return found
