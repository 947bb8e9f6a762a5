"""Training runs: from labelled patches to one file of weights that says what it is."""

from __future__ import annotations

import dataclasses
import io
import logging
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import nn

from lczlib.accelerators import choose_device, free_memory, out_of_memory
from lczlib.errors import Cancelled, DeviceError, InputError
from lczlib.export.files import staged, write_json
from lczlib.models import Weights, architecture, load_model
from lczlib.terms import option
from lczlib.training.batches import PatchBatches
from lczlib.training.checks import check_training
from lczlib.training.evaluation import scaling_of
from lczlib.training.losses import inverse_frequency
from lczlib.training.module import TrainingModule
from lczlib.training.options import Options
from lczlib.training.patches import Patches
from lczlib.training.warm import Start, heads_of, settled, start_of

Progress = Callable[[int, int], None]
"""Called with the training steps done and the steps in all."""
Note = Callable[[str], None]
"""Called with a sentence that the user should read."""

HISTORY = ("epoch", "train_loss", "train_oa", "val_loss", "val_oa", "learning_rate")
"""Columns of a run's history."""

LAST = Path("checkpoints/last.ckpt")
"""Where a run keeps what it can be resumed from."""
_LOGS = "tensorboard"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes
    ----------
    network : nn.Module
        Evaluated, on the CPU, with the weights of the lowest validation loss.
    weights : Weights
        Its description, the accuracy still empty.
    history : DataFrame
        One line an epoch: see `HISTORY`. Empty for a random forest, which has no epochs.
    best_epoch : int
        The epoch whose weights were kept.
    notes : tuple of str
        What happened on the way (a batch that was halved).
    """

    network: nn.Module
    weights: Weights
    history: pd.DataFrame
    best_epoch: int
    notes: tuple[str, ...] = ()


def fit_network(
    train: Patches,
    validation: Patches,
    options: Options,
    folder: str | Path,
    *,
    name: str = "trained",
    resume: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    note: Note = log.warning,
) -> Trained:
    """Train a network.

    Parameters
    ----------
    train, validation : Patches
        Of one kind; early stopping watches the validation loss.
    options : Options
        How.
    folder : path
        For checkpoints, ``history.csv`` and TensorBoard logs.
    name : str
        Of the weights.
    resume : bool
        Whether to go on from the folder's last checkpoint, if there is one. On the CPU the outcome
        is the same as that of an uninterrupted run.
    progress, cancelled : callable, optional
        Called and asked after each training step.
    note : callable
        Told of what the user should know. If the device runs out of memory, the batch is halved.

    Raises
    ------
    InputError
        If options make no sense, or the checkpoint is of a run with other options or patches.
    DeviceError
        If the device is not there, or its memory is too small for one patch.
    Cancelled
        If `cancelled` answers yes; the last complete epoch can be resumed from.
    """
    options = settled(options)
    check_training(train, validation, options)
    if architecture(options.architecture).learning == "trees":
        return _grow(train, options, name, progress, cancelled)
    folder = Path(folder)
    begin = start_of(options, train)
    if options.tune == "linear":
        return _linear(train, validation, options, begin, name, progress, cancelled)
    settings = _settings(train, validation, options)
    settings["start"] = begin.weights.sha256 if begin.weights else ""
    start = _starting_point(folder, settings, resume=resume)
    notes: list[str] = []

    def told(text: str) -> None:
        notes.append(text)
        note(text)

    def go(batch_size: int, start: Path | None) -> tuple[TrainingModule, L.Trainer]:
        return _run(
            train, validation, options, folder, batch_size, begin, start, progress, cancelled
        )

    module, trainer = _within_memory(go, train, options, folder, start, told)
    if not trainer.is_global_zero:
        # A helper process that Lightning started for another device: only the first one reports.
        raise SystemExit(0)
    history = pd.DataFrame(module.history)
    with staged(folder / "history.csv") as temporary:
        history.to_csv(temporary, index=False)
    best = torch.load(trainer.checkpoint_callback.best_model_path, weights_only=True)
    state = {
        k.removeprefix("network."): v for k, v in best["state_dict"].items() if "network." in k
    }
    module.network.load_state_dict(state)
    weights = begin.describe(name, train.kind, options)
    return Trained(module.network.cpu().eval(), weights, history, int(best["epoch"]), tuple(notes))


def _linear(
    train: Patches,
    validation: Patches,
    options: Options,
    begin: Start,
    name: str,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> Trained:
    """Last layers fitted to frozen features: there are no epochs, so the history is empty."""
    from lczlib.training.linear import fit_heads

    network = load_model(options.start_from, "cpu")
    penalty = fit_heads(
        network, heads_of(network), train, validation, scaling_of(network.weights, train.kind),
        weighted=options.alpha == "inverse", device=options.device, progress=progress, cancelled=cancelled,
    )  # fmt: skip
    said = (
        "The linear head stays as it was: no other does better on the validation patches."
        if np.isinf(penalty)
        else f"Linear head drawn towards the one it started from with a penalty of {penalty:g}."
    )
    weights = begin.describe(name, train.kind, options)
    return Trained(network.eval(), weights, pd.DataFrame(columns=HISTORY), 0, (said,))


def _starting_point(folder: Path, settings: dict[str, Any], *, resume: bool) -> Path | None:
    """The checkpoint to go on from, if any; the folder is made ready for a run of these settings."""
    checkpoints = folder / "checkpoints"
    start = _checkpoint(folder / LAST, settings) if resume else None
    if start is None:
        for old in (*checkpoints.glob("*.ckpt"), *(folder / _LOGS).glob("events.*")):
            old.unlink()
    write_json(checkpoints / "settings.json", settings)
    return start


def _within_memory(
    go: Callable[[int, Path | None], tuple[TrainingModule, L.Trainer]],
    train: Patches,
    options: Options,
    folder: Path,
    start: Path | None,
    note: Note,
) -> tuple[TrainingModule, L.Trainer]:
    """Train, with batches halved until they fit into the memory of the device."""
    batch_size = options.batch_size
    while True:
        try:
            return go(batch_size, start)
        except RuntimeError as err:
            if not out_of_memory(err):
                raise
            if batch_size == 1:
                msg = (
                    f"The memory of {options.device!r} is too small for one patch of "
                    f"{train.kind.patch_size} pixels: use a smaller network or the CPU ({option('device')} cpu)."
                )
                raise DeviceError(msg) from err
            note(
                f"The device ran out of memory with batches of {batch_size}: going on with "
                f"{batch_size // 2}."
            )
            batch_size //= 2
            start = folder / LAST if (folder / LAST).is_file() else None
            free_memory(choose_device(options.device))


def _grow(
    train: Patches,
    options: Options,
    name: str,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> Trained:
    """A random forest: there are no epochs, so the history is empty."""
    from lczlib.training.forest import Forest

    known = list(signature(Forest).parameters)
    unknown = [o for o in options.options if o not in known or o == "seed"]
    if unknown:
        msg = (
            f"Random forest has no option {', '.join(map(repr, unknown))}: it has "
            f"{', '.join(k for k in known if k != 'seed')}."
        )
        raise InputError(msg)
    forest = Forest(seed=options.seed, **options.options)
    forest.fit(train, progress=progress, cancelled=cancelled)
    network, built = forest.as_network()
    described = start_of(options, train).describe(name, train.kind, options)
    # thresholds are in the scene's own values; mean and spread are kept for missing pixels
    weights = dataclasses.replace(described, normalisation="none", options=built)
    return Trained(network, weights, pd.DataFrame(columns=list(HISTORY)), 0)


def _settings(train: Patches, validation: Patches, options: Options) -> dict[str, Any]:
    """What a resumed run must have in common with the one it continues."""
    kept = {k: v for k, v in asdict(options).items() if k not in ("device", "devices", "workers")}
    return kept | {
        "bands": list(train.kind.bands),
        "patch_size": train.kind.patch_size,
        "n_train": len(train),
        "n_validation": len(validation),
        "labels": int(pd.util.hash_array(np.r_[train.labels, validation.labels]).sum() >> 1),
    }


def _checkpoint(last: Path, settings: dict[str, Any]) -> Path | None:
    """The checkpoint to resume from, if there is one and it is of this run."""
    import json

    written = last.parent / "settings.json"
    if not (last.is_file() and written.is_file()):  # without the latter the run was being removed
        return None
    before = json.loads(written.read_text())
    differing = [k for k in settings if before.get(k) != settings[k] and k != "epochs"]
    if differing:
        shown = "; ".join(f"{k} was {before.get(k)}, is {settings[k]}" for k in differing[:3])
        msg = f"The run in {last.parent.parent} cannot be resumed with other settings ({shown})."
        raise InputError(msg)
    return last


def _run(
    train: Patches,
    validation: Patches,
    options: Options,
    folder: Path,
    batch_size: int,
    begin: Start,
    start: Path | None,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> tuple[TrainingModule, L.Trainer]:
    """One go of Lightning's trainer; the caller's random numbers are left alone."""
    device = choose_device(options.device)
    with torch.random.fork_rng(), warnings.catch_warnings(), _quiet():
        # fork_rng: every device's random state is put back at the end
        warnings.filterwarnings("ignore", module="lightning", message=".*(num_workers|log_every).*")
        warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists.*")
        warnings.filterwarnings("ignore", message=".*treespec.*")  # Lightning's, of torch's trees
        torch.manual_seed(options.seed)
        network = begin.network(options)
        alpha = inverse_frequency(train.labels) if options.alpha == "inverse" else None
        if device.startswith("cuda"):  # the layout that its tensor cores read without turning it
            network = network.to(memory_format=torch.channels_last)
        module = TrainingModule(
            network, begin.mean, begin.std, alpha=alpha, gamma=options.gamma,
            learning_rate=options.learning_rate, halve_every=options.halve_every,
            augment=options.augment, seed=options.seed, fill=begin.fill,
        )  # fmt: skip
        keep = ModelCheckpoint(
            folder / "checkpoints", "best", monitor="val_loss", save_last=True,
            enable_version_counter=False,
        )  # fmt: skip
        trainer = L.Trainer(
            accelerator={"cuda": "gpu"}.get(device.split(":")[0], device),
            devices=[int(device.split(":")[1])] if ":" in device else options.devices,
            precision=options.precision,
            max_epochs=options.epochs,
            logger=TensorBoardLogger(folder, name=_LOGS, version=""),
            plugins=[_WholeCheckpoints()],
            callbacks=[
                keep,
                EarlyStopping("val_loss", patience=options.patience),
                _Watch(progress, cancelled),
            ],
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,  # PatchBatches shards by itself
            log_every_n_steps=0,
            deterministic=device == "cpu",
        )
        batches = PatchBatches(train, validation, batch_size, options.seed, options.workers)
        trainer.fit(module, batches, ckpt_path=start, weights_only=True)
    return module, trainer


class _WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints that are there whole or not at all; Lightning's own pass by the system's folder for
    temporary files, where a killed run leaves them, and are copied from there.
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: object = None,  # noqa: ARG002 - Lightning's signature
    ) -> None:
        buffer = io.BytesIO()  # torch's own writer does not say why it cannot write
        torch.save(checkpoint, buffer)
        with staged(path) as temporary:
            temporary.write_bytes(buffer.getbuffer())


class _quiet:  # noqa: N801 - a context manager, used as a verb
    """Lightning's start-up lines are of no use to our users."""

    def __enter__(self) -> None:
        self._logger = logging.getLogger("lightning.pytorch")
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)


class _Watch(L.Callback):
    """Reports every training step, and stops when the user asks for it."""

    def __init__(self, progress: Progress | None, cancelled: Callable[[], bool] | None) -> None:
        self._progress, self._cancelled = progress, cancelled

    def on_train_batch_end(self, trainer: L.Trainer, *_: object) -> None:
        if self._cancelled and self._cancelled():
            msg = f"Stopped by the user after {trainer.current_epoch} epochs; {option('resume')} goes on from there."
            raise Cancelled(msg)
        if self._progress:
            per_epoch = trainer.num_training_batches
            self._progress(trainer.global_step, per_epoch * trainer.max_epochs)
