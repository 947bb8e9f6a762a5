"""Which training runs a table is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

import lczlib
from lczlib.errors import InputError
from lczlib.experiment.data import DataSet
from lczlib.experiment.method import methods_for
from lczlib.experiment.request import ExperimentRequest
from lczlib.mapping.views import RADAR
from lczlib.models import architecture
from lczlib.scenes.combinations import combination
from lczlib.terms import option
from lczlib.training.options import Options

Table = Literal["inputs", "networks", "gamma", "cities", "patch-size", "methods"]
TABLES: tuple[str, ...] = get_args(Table)
GAMMAS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
"""Of Zhou et al. (2022), Table 6."""

NETWORKS = (
    "resnet50", "densenet121", "sen2lcz", "lcznet", "mscnn", "yoo_cnn", "rsnnet", "resnet20",
    "random_forest",
)  # fmt: skip
"""Of Zhou et al. (2022), Table 5, and the two that LCZ maps are often made with beside them."""

PATCH_SIZES = ExperimentRequest.patch_sizes
EVERY_CITY = "all cities"

_NO_RESULT = ("device", "devices", "workers")  # options that a result does not depend on


@dataclass(frozen=True)
class Run:
    """One network trained once.

    Attributes
    ----------
    inputs : str
        Combination ``D1`` .. ``D7``; empty for all the bands of the data set.
    options : Options
        How it is trained, seed included.
    city : str
        The only city to train on; all of them where it is empty.
    patch : int
        Edge in pixels of the middle of the patches that is seen; 0: whole patches.
    kept : bool
        Whether its weights stay beside its result, to map with.
    method : str
        Of `lczlib.experiment.method.Method`: what is done with networks that are trained; empty of what is trained.
    """

    inputs: str
    options: Options
    city: str = ""
    patch: int = 0
    kept: bool = False
    method: str = ""

    def key(self, fingerprint: str) -> str:
        """Name of the run: a hash of all that its result depends on, the data's fingerprint too."""
        options = {k: v for k, v in asdict(self.options).items() if k not in _NO_RESULT}
        facts: dict[str, Any] = {"data": fingerprint, "inputs": self.inputs, "options": options}
        facts |= {k: v for k in ("city", "patch", "kept", "method") if (v := getattr(self, k))}
        text = json.dumps({**facts, "lczlib": lczlib.__version__}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Cell:
    """One line of a table: the same run with several seeds.

    Attributes
    ----------
    label : str
        Name of the line.
    runs : tuple of Run
        One a seed.
    """

    label: str
    runs: tuple[Run, ...]

    @property
    def inputs(self) -> str:
        """Combination of the inputs."""
        return self.runs[0].inputs

    @property
    def network(self) -> str:
        """Key of the architecture."""
        return self.runs[0].options.architecture

    @property
    def gamma(self) -> float:
        """Of the focal loss."""
        return self.runs[0].options.gamma

    @property
    def city(self) -> str:
        """The only city that is trained on; empty for all."""
        return self.runs[0].city


@dataclass(frozen=True)
class Settings:
    """What is compared, and how networks are trained.

    Attributes
    ----------
    networks : tuple of str
        Of the table of networks; for that of gamma, the networks whose gamma is varied.
    network : str
        Of the table of inputs.
    inputs : str
        Of the tables of networks and gamma; ``all`` for all bands, ``auto`` for D6, as in the
        paper, or what comes nearest of what the data set can give.
    combinations : tuple of str
        Of the table of inputs; empty for all that the data set can give.
    gammas : tuple of float
        Of the table of gamma.
    seeds : tuple of int
        Of initial weights, order and augmentation: one run each.
    options : Options
        How every network is trained; architecture, gamma (in the table of gamma) and seed are set
        by the table.
    network_options : dict
        Architecture to its own options (widths).
    patch_sizes : tuple of int
        Of the table of patch sizes, pixels.
    """

    networks: tuple[str, ...] = ()
    network: str = ExperimentRequest.network
    inputs: str = ExperimentRequest.combination
    combinations: tuple[str, ...] = ()
    gammas: tuple[float, ...] = GAMMAS
    seeds: tuple[int, ...] = tuple(range(ExperimentRequest.seeds))
    options: Options = field(default_factory=Options)
    network_options: dict[str, dict[str, Any]] = field(default_factory=dict)
    patch_sizes: tuple[int, ...] = PATCH_SIZES

    def run(self, inputs: str, network: str, gamma: float, seed: int, **what: Any) -> Run:
        """One run of a table."""
        own = self.network_options.get(network, {})
        options = replace(self.options, architecture=network, options=own, gamma=gamma, seed=seed)
        return Run(inputs, options, **what)


def plan(table: str, data: DataSet, settings: Settings) -> list[Cell]:
    """The cells of a table.

    Parameters
    ----------
    table : {"inputs", "networks", "gamma", "cities", "patch-size", "methods"}
        Tables 4, 5 and 6 of Zhou et al. (2022), its section 4.1, the context sizes of Liu and Shi
        (2020, doi 10.1016/j.isprsjprs.2020.04.008), and what views, means and calibration gain.
    data : DataSet
        What they are run on.
    settings : Settings
        What is compared.

    Raises
    ------
    InputError
        If the table, a network or a combination is unknown, the data set lacks the channels, or
        there is nothing to compare.
    """
    check_settings(table, settings)
    of_its_own = {"cities": _city_cells, "patch-size": _size_cells, "methods": _method_cells}
    if table in of_its_own:
        return of_its_own[table](data, settings)
    if table == "inputs":
        rows = [(c, c, settings.network, settings.options.gamma) for c in _inputs(data, settings)]
    else:
        inputs = _shared_inputs(data, settings.inputs)
        if table == "networks":
            names, gamma = settings.networks or NETWORKS, settings.options.gamma
            rows = [(architecture(n).title, inputs, n, gamma) for n in names]
        else:
            rows = _gammas(inputs, settings)
    if len(rows) < 2:
        msg = f"One line is no comparison: the table of {table} needs two or more."
        raise InputError(msg)
    return [
        Cell(label, tuple(settings.run(inputs, network, gamma, s) for s in settings.seeds))
        for label, inputs, network, gamma in rows
    ]


def check_settings(table: str, settings: Settings) -> None:
    """Refuse what makes no sense on any data set.

    Raises
    ------
    InputError
        If the table, a network or a combination is unknown, or there is no seed.
    """
    if table not in TABLES:
        msg = f"{table!r} is no table: use one of {', '.join(TABLES)}."
        raise InputError(msg)
    if not settings.seeds:
        msg = "There is no seed: give at least one, better three or more."
        raise InputError(msg)
    for name in (*settings.networks, settings.network, *settings.network_options):
        architecture(name)
    for name in (*settings.combinations, settings.inputs):
        if name not in ("auto", "all"):
            combination(name)


def _city_cells(data: DataSet, settings: Settings) -> list[Cell]:
    """One city to train on, another, and all of them; each is tested on the test patches of all."""
    names = data.places
    if len(names) < 2:
        msg = (
            f"{data.description} holds {len(names)} city, and the table of cities compares training on one, "
            f"another, and all: name two or more ({option('cities')})."
        )
        raise InputError(msg, parameter="cities")
    inputs = _shared_inputs(data, settings.inputs)
    return [
        Cell(label, tuple(
            settings.run(
                inputs, settings.network, settings.options.gamma, s, city=city,
                kept=s == settings.seeds[0],
            )
            for s in settings.seeds
        ))
        for label, city in (*((n, n) for n in names), (EVERY_CITY, ""))
    ]  # fmt: skip


def _size_cells(data: DataSet, settings: Settings) -> list[Cell]:
    """The middle of the same patches, at several sizes."""
    sizes, kind = settings.patch_sizes, data.subsets().train.kind
    least = architecture(settings.network).min_patch_size
    if len(set(sizes)) < 2 or min(sizes) < least or max(sizes) > kind.patch_size:
        msg = (
            f"Patch sizes {', '.join(map(str, sizes))} are no table: two or more are needed, from {least} "
            f"({architecture(settings.network).title}) to {kind.patch_size} pixels ({data.description})."
        )
        raise InputError(msg, parameter="patch_sizes")
    inputs = _shared_inputs(data, settings.inputs)
    return [
        Cell(f"{size} x {size} ({size * kind.pixel_size:,.0f} m)", tuple(
            settings.run(inputs, settings.network, settings.options.gamma, s, patch=size)
            for s in settings.seeds
        ))
        for size in sizes
    ]  # fmt: skip


def _method_cells(data: DataSet, settings: Settings) -> list[Cell]:
    """The same trained networks, used in several ways."""
    if len(settings.seeds) < 2:
        msg = f"The mean of networks needs two or more of them: give {option('seeds')} 2 or more, better 3."
        raise InputError(msg, parameter="seeds")
    inputs, gamma = _shared_inputs(data, settings.inputs), settings.options.gamma
    radar = data.subsets().train.kind.sensor in RADAR
    return [
        Cell(label, tuple(
            settings.run(inputs, settings.network, gamma, s, kept=not way.key, method=way.key)
            for s in (settings.seeds[:1] if way.together else settings.seeds)
        ))
        for label, way in methods_for(radar).items()
    ]  # fmt: skip


def _shared_inputs(data: DataSet, wanted: str) -> str:
    """The inputs of the tables that do not vary them; empty for all bands."""
    if wanted == "all":
        return ""
    if wanted == "auto":
        return next((c for c in ("D6", "D2", "D1") if c in data.combinations), "")
    data.select(wanted)  # the channels must be there
    return wanted


def _inputs(data: DataSet, settings: Settings) -> Sequence[str]:
    for name in settings.combinations:
        data.select(name)
    found = settings.combinations or data.combinations
    if len(found) < 2:
        msg = (
            f"{data.description} gives {', '.join(found) or 'none'} of the input combinations; to "
            "compare them it needs Sentinel-1 (amplitudes and covariance) and Sentinel-2: give a "
            "So2Sat folder or file that holds both."
        )
        raise InputError(msg)
    return found


def _gammas(inputs: str, settings: Settings) -> list[tuple[str, str, str, float]]:
    networks = settings.networks or (settings.network,)
    several = len(networks) > 1
    rows = []
    for network in networks:
        for gamma in settings.gammas:
            label = f"gamma {gamma:g}"
            label = f"{architecture(network).title}, {label}" if several else label
            rows.append((label, inputs, network, gamma))
    return rows
