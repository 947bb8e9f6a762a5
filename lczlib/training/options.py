"""How a network is trained: each choice with its default and what it means; no network is loaded."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from lczlib.devices import device
from lczlib.errors import InputError
from lczlib.settings import setting
from lczlib.terms import option


def check_architecture(name: str) -> None:
    """Refuse what is no network of the registry.

    Raises
    ------
    InputError
        If it is none.
    """
    from lczlib.models import architecture

    architecture(name)


def check_names(options: dict[str, Any]) -> None:
    """Refuse options of a network that cannot be any.

    Raises
    ------
    InputError
        If a name is none.
    """
    for name in options:
        if not name.isidentifier():
            msg = f"{name!r} is no name of an option of a network, such as width."
            raise InputError(msg)


TUNING_RATE = 0.0002
"""Learning rate of the first epochs from trained weights: a tenth of that of fresh ones."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast; the defaults are those of Zhou et al. (2022, section 3.6).

    The paper does not say for how many epochs.
    """

    epochs: int = setting(100, "At most.", low=1)
    batch_size: int = setting(16, "Patches a step, of each device.", low=1)
    learning_rate: float = setting(0.002, "Of the first epochs.", low=0, open_ends=True)
    halve_every: int = setting(5, "Epochs until the rate is halved.", low=1)
    patience: int = setting(50, "Epochs without a better validation loss.", low=1)
    gamma: float = setting(2.0, "Of the focal loss; 0: cross-entropy.", low=0)
    device: str = device()


@dataclass(frozen=True)
class Options(Schedule):
    """How a network is trained; what the fields mean is said with them: `lczlib.settings.described`.

    A random forest heeds `options` (those of `lczlib.training.forest.Forest`) and `seed` alone.
    """

    architecture: str = setting(
        "sen2lcz", "Network of the registry, such as rsnnet or random_forest.", flag="--arch",
        check=check_architecture,
    )  # fmt: skip
    options: dict[str, Any] = setting(
        {}, "Of the network; repeat.", flag="--option", metavar="NAME=VALUE", check=check_names
    )
    alpha: Literal["inverse", "one"] = setting(
        "inverse", "Class weights: by inverse frequency, or 1."
    )
    start_from: str = setting(
        "", "NAME or FILE of weights to start from (`lcz weights list`): they say which network, bands and patches, "
        "at the resolution they were made for.", flag="--from", metavar="NAME|FILE",
    )  # fmt: skip
    tune: Literal["linear", "head", "stage", "all"] = setting(
        "all", "Of the weights it starts from: linear fits the last layer to what enters it, in seconds; head trains "
        "it, stage the last stage too, all every layer.",
    )  # fmt: skip
    augment: bool = setting(True, "Flip and turn patches.")
    seed: int = setting(0, "Of split, weights, order and augmentation.", low=0)
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = setting(
        "32-true", "Mixed is for GPUs."
    )
    devices: int = setting(1, "GPUs to train on together.", low=1)
    workers: int = setting(0, "Processes that read HDF5 files.", low=0)
    _: KW_ONLY
    learning_rate: float | None = setting(
        None, "Of the first epochs.", low=0, open_ends=True,
        usual=f"{Schedule.learning_rate:g}; {TUNING_RATE:g} from trained weights, which larger steps would destroy",
    )  # fmt: skip

    def __post_init__(self) -> None:
        getattr(super(), "__post_init__", lambda: None)()  # of a request that these are a part of
        if self.tune == "linear" and not self.start_from:
            msg = (
                f"A linear head sits on a trained network: give {option('start_from')} NAME or FILE, or train all "
                "layers."
            )
            raise InputError(msg, parameter="tune")
        if self.learning_rate is None:
            rate = TUNING_RATE if self.start_from else Schedule.learning_rate
            object.__setattr__(self, "learning_rate", rate)
