"""A network for one's own city: trained, tested on patches it has not seen, and written into a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lczlib.jobs.request import Cancel, Progress
from lczlib.reading import collected
from lczlib.settings import options_of
from lczlib.training.options import Options

if TYPE_CHECKING:
    from lczlib.training.request import TrainRequest
    from lczlib.training.run import RunResult, Subsets

LOCK = ".train.lock"


def make(
    request: TrainRequest,
    folder: str | Path,
    *,
    subsets: Subsets | None = None,
    name: str = "",
    title: str = "",
    resume: bool = False,
    note: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> RunResult:
    """Train and test a network and write it into a folder, which no other run writes into meanwhile.

    Parameters
    ----------
    request : TrainRequest
        On what, and how.
    folder : path
        For the results: see `lczlib.training.run.run_training`.
    subsets : Subsets, optional
        The request's patches, where they are cut already, by `lczlib.training.labelled.training_patches`.
    name, title : str
        Of the weights; the name is the folder's by default.
    resume : bool
        Take up an interrupted run.
    note : callable, optional
        Called with a sentence that the user should read; by default it is logged.
    progress, cancelled : callable, optional
        As of all jobs.

    Raises
    ------
    InputError, GridError, WeightsError, DeviceError
        If scenes and polygons make no patches, or the choices no network.
    Cancelled
        If `cancelled` answers yes.
    """
    from lczlib.training.labelled import training_patches
    from lczlib.training.run import run_training
    from lczlib.training.trainer import log

    note = note or log.warning
    with collected():  # what is read of the scenes is written beside the weights
        if subsets is None:
            subsets = training_patches(request, note, cancelled)
        with _alone(Path(folder)):
            return run_training(
                subsets, options_of(request, Options), folder, name=name, title=title, licence=request.licence,
                citation=request.citation, resume=resume, forest=request.forest, cancelled=cancelled, note=note,
                progress=partial(progress, "Training") if progress else None,
            )  # fmt: skip


def _alone(folder: Path) -> AbstractContextManager[None]:
    """Hold the folder; a helper that Lightning started for another device works with who holds it."""
    from lczlib.export.files import alone_in

    helper = os.environ.get("LOCAL_RANK", "0") != "0"
    return nullcontext() if helper else alone_in(folder, LOCK)
