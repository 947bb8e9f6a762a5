"""The network that surface water is mapped with: a published one, or a checkpoint of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.accelerators import choose_device
from lczlib.errors import WeightsError
from lczlib.export.files import sha256_of
from lczlib.mapping.water_scene import Orbit, check_orbit
from lczlib.terms import option

if TYPE_CHECKING:
    from lczlib.models.gmnet import GMNet


def load_water_model(
    orbit: Orbit, device: str = "auto", weights: str | Path | None = None
) -> GMNet:
    """The network of an orbit, ready for inference.

    Parameters
    ----------
    orbit : {"as", "des", "as_des"}
        Passes.
    device : str
        See `lczlib.accelerators.choose_device`.
    weights : path, optional
        A checkpoint of the same network, as its authors' program saves it (a PyTorch state dict), in
        place of the published one; its inputs are scaled as those of the published one are.

    Raises
    ------
    DeviceError
        If the device is not there.
    WeightsError
        If the checkpoint is not there, damaged, or of another network or orbit.
    """
    from lczlib.models import load_model

    name = f"gmnet_{check_orbit(orbit)}"
    device = choose_device(device)
    own = weights is not None
    loaded = _own(name, Path(weights)).to(device) if own else load_model(name, device)
    fused = loaded.fused()
    fused.weights = loaded.weights
    return fused


def _own(name: str, path: Path) -> GMNet:
    """A network like the published one of that name, with the parameters of a file."""
    from lczlib.models import describe
    from lczlib.models.gmnet import GMNet
    from lczlib.models.loading import load_original

    if not path.is_file():
        msg = f"The weights file {path} does not exist."
        raise WeightsError(msg, parameter="weights")
    described = describe(name)
    try:
        loaded = load_original(GMNet(described.in_channels), path)
    except WeightsError as error:
        msg = (
            f"{error.message} {option('orbit')} {name.removeprefix('gmnet_')} takes a GMNet of "
            f"{described.in_channels} bands."
        )
        raise WeightsError(msg, parameter="weights") from error
    loaded.weights = replace(
        described, name=path.name, title=f"GMNet of {path.name}", licence="", citation="",
        source=path.name, accuracy={}, sha256=sha256_of(path),
    )  # fmt: skip
    return loaded.eval()
