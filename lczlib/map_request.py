"""What to map and how: the options of ``lcz map`` and of the dashboard, with their defaults."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

from lczlib.devices import device
from lczlib.errors import InputError
from lczlib.out_scheme import OutScheme, out_scheme
from lczlib.scene_options import SceneOptions
from lczlib.settings import setting
from lczlib.terms import option

Method = Literal["mean", "so2sat", "product", "entropy", "vote", "learned"]
"""How maps are fused, see `lczlib.mapping.fuse`."""
Views = Literal["none", "flips", "all"]
"""Which views of each patch are averaged: itself, its flips and half turn too, or its quarter turns as well."""
Anchor = Literal["center", "corner"]
"""Where a patch is centred: on its cell, or on the cell's upper-left corner."""
Precision = Literal["float32", "mixed"]
EngineName = Literal["auto", "torch", "openvino"]


NO_SECOND = "none"
"""As the second network: that there is none."""


def second() -> Any:
    """The setting that names the network whose map is only compared."""
    return setting(
        "",
        "NAME or FILE of a network of Sentinel-2 whose map is written beside (second_lcz.tif) and compared, or none; "
        "by default a published one where neither it nor those of Sentinel-2 are named. Takes its time once more.",
        metavar="NAME|FILE|none",
    )


def weights() -> Any:
    """The setting that names the networks."""
    return setting(
        (),
        "NAME or FILE, separated by commas; several of one sensor are averaged. See `lcz weights list`.",
    )


@dataclass(frozen=True)
class MapRequest(SceneOptions):
    """What to map and how: all that a result depends on.

    Besides `SceneOptions`, which say how the scenes are read:

    Attributes
    ----------
    inputs : tuple of str
        A So2Sat folder, or rasters: what `lczlib.scenes.open_scenes` opens.
    seasons : dict of str to str
        Season to raster, instead of `inputs`.
    sentinel1 : tuple of str
        Sentinel-1 rasters beside those of Sentinel-2, or alone: see
        `lczlib.scenes.open_sentinel1_rasters`.
    weights : tuple of str
        Names or files; the probabilities of several networks of one sensor are averaged. By default those of
        `lczlib.mapping.sources.default_weights` for the sensors there are.
    second : str
        Name or file of a network of Sentinel-2 whose map stands beside the others and is compared; ``none`` for
        none. By default another published one where no weights are named and the scene is real.
    calibration : path, optional
        ``calibration.json`` of `lcz calibrate`: the probabilities of each sensor are calibrated by it, and
        ``fusion`` learned takes its weights.
    fusion, tta, anchor, device, engine, precision, batch_size, accept_values, out_scheme
        See `lczlib.settings.described`, `lczlib.mapping.predict` and `make_engine`.
    statistics : dict of str to Statistics
        Of scenes of an earlier result, for networks that normalise by them; by default they are
        worked out anew.

    Raises
    ------
    InputError
        If a value is none that its setting allows.
    """

    inputs: tuple[str, ...] = ()
    _: KW_ONLY
    seasons: dict[str, str] = field(default_factory=dict)
    sentinel1: tuple[str, ...] = ()
    weights: tuple[str, ...] = weights()
    second: str = second()
    fusion: Method = setting("mean", "See `lcz fuse --help`.")
    calibration: str | None = setting(
        None,
        "calibration.json of `lcz calibrate`: probabilities are made honest by it.",
        metavar="FILE",
    )
    tta: Views = setting(
        "none",
        "Average views of each patch: flips (4, half turn included), or all (8, quarter turns too; of radar "
        "the 4, which keep its range direction). Takes as many times as long.",
    )
    anchor: Anchor = setting("center", "center of a cell, or corner as in So2Sat's own maps.")
    device: str = device()
    engine: EngineName = setting("auto", "What computes.")
    precision: Precision = setting(
        "float32", "mixed is faster; nearly all labels stay, probabilities move."
    )
    batch_size: int | None = setting(None, "Patches a batch.", low=1)
    accept_values: bool = setting(False, "Map values that cannot be what the network reads.")
    out_scheme: OutScheme = out_scheme(also="--scheme")
    statistics: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_weighted(self.fusion, self.calibration, "fusion")


def check_weighted(method: Method, calibration: object, parameter: str) -> None:
    """Refuse learned fusion without the file that holds its weights.

    Raises
    ------
    InputError
        About the setting `parameter`.
    """
    if method == "learned" and calibration is None:
        msg = f"Learned fusion needs the weights that it learned: give {option('calibration')} of `lcz calibrate`."
        raise InputError(msg, parameter=parameter)
