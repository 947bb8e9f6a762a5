"""What a training run must fulfil before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lczlib.classes import N_CLASSES
from lczlib.errors import InputError
from lczlib.models import architecture
from lczlib.terms import option

if TYPE_CHECKING:
    from lczlib.training.options import Options
    from lczlib.training.patches import Patches


def check_training(train: Patches, validation: Patches, options: Options) -> None:
    """Refuse options and patches that no network can be trained with.

    Parameters
    ----------
    train, validation : Patches
        Of one kind, with labels 1..17.
    options : Options
        How to train.

    Raises
    ------
    InputError
        If a number is out of range, the network is not for LCZ or too deep for the patches, or the
        patches are too few, of one class, of no class, or of two kinds.
    """
    blueprint = architecture(options.architecture)
    if blueprint.task != "lcz":
        msg = f"{blueprint.title} is a network for {blueprint.task}, not for LCZ: use another {option('arch')}."
        raise InputError(msg)
    if train.kind.patch_size < blueprint.min_patch_size:
        msg = (
            f"{blueprint.title} needs patches of {blueprint.min_patch_size} pixels or more, not "
            f"{train.kind.patch_size} ({option('patch')})."
        )
        raise InputError(msg)
    for what in ("epochs", "batch_size", "halve_every", "patience", "devices"):
        if getattr(options, what) < 1:
            msg = f"{what.replace('_', ' ')} must be 1 or more, not {getattr(options, what)}."
            raise InputError(msg)
    if not options.learning_rate > 0:
        msg = f"The learning rate must be positive, not {options.learning_rate:g}."
        raise InputError(msg)
    if train.kind.bands != validation.kind.bands:
        msg = (
            f"Training patches have bands {', '.join(train.kind.bands)} and validation patches "
            f"{', '.join(validation.kind.bands)}: they must be the same."
        )
        raise InputError(msg)
    if not len(train) or not len(validation):
        msg = f"There are {len(train)} training and {len(validation)} validation patches: both are needed."
        raise InputError(msg)
    for what, patches in (("training", train), ("validation", validation)):
        outside = np.unique(patches.labels[(patches.labels < 1) | (patches.labels > N_CLASSES)])
        if outside.size:
            msg = (
                f"Labels {', '.join(map(str, outside))} of the {what} patches are no LCZ: a network "
                f"has {N_CLASSES} classes, 1 to {N_CLASSES} (LCZ A is 11, G is 17)."
            )
            raise InputError(msg)
    present = np.unique(train.labels)
    if present.size < 2:
        msg = f"All training patches are of one class (LCZ {present[0]}): add polygons of others."
        raise InputError(msg)
