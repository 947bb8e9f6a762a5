"""What is compared, on what: the settings of ``lcz experiment``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lczlib.errors import InputError
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
        ..., "inputs (D1-D7), networks, or gamma (0-6) of the focal loss; repeat.", flag="--table",
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
        "rsnnet", "Network of the table of inputs.", flag="--arch", check=check_architecture
    )
    combination: str = setting(
        "auto", "Of the tables of networks and gamma: D1-D7, or all.", flag="--inputs"
    )
    options: dict[str, Any] = setting(
        {}, "Of a network: rsnnet.width=32; repeat.", flag="--option", metavar="ARCH.NAME=VALUE",
        check=_check_options,
    )  # fmt: skip
    gamma: float = setting(Schedule.gamma, "Of the tables of inputs and networks.", low=0)
    workers: int = setting(1, "Processes to train in, on this machine.", low=1)
    dask: str = setting("", "Dask scheduler to train on: tcp://host:8786.", metavar="ADDRESS")

    def network_options(self) -> dict[str, dict[str, Any]]:
        """The options of each network, as they were given with its name."""
        found: dict[str, dict[str, Any]] = {}
        for name, value in self.options.items():
            network, _, key = name.partition(".")
            found.setdefault(network, {})[key] = value
        return found
