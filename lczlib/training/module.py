"""The Lightning module: network, loss, optimiser and augmentation of one training run."""

from __future__ import annotations

from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric

from lczlib.training.batches import turn_and_flip
from lczlib.training.losses import focal_loss
from lczlib.training.warm import hold_frozen


class TrainingModule(L.LightningModule):
    """Trains a network with the focal loss and Nesterov Adam (Zhou et al. 2022, section 3.6).

    Parameters
    ----------
    network : nn.Module
        (N, C, P, P) to logits (N, 17).
    mean, std : array (C,)
        Of the training data, or of the weights it starts from; the network reads (x - mean) / std.
    alpha : Tensor (17,) or None
        Class weights.
    gamma : float
        Of the focal loss.
    learning_rate : float
        Of the first epochs.
    halve_every : int
        Epochs after which it is halved, again and again.
    augment : bool
        Whether patches are flipped and turned.
    seed : int
        With epoch and batch it determines augmentation and dropout.
    fill : array (C,), optional
        What the network reads of a missing pixel; 0 by default.
    """

    def __init__(
        self,
        network: nn.Module,
        mean: np.ndarray,
        std: np.ndarray,
        *,
        alpha: Tensor | None,
        gamma: float,
        learning_rate: float,
        halve_every: int,
        augment: bool,
        seed: int,
        fill: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32)[:, None, None])
        self.register_buffer("gain", torch.as_tensor(1 / std, dtype=torch.float32)[:, None, None])
        missing = torch.zeros(len(mean)) if fill is None else torch.as_tensor(fill).float()
        self.register_buffer("fill", missing[:, None, None], persistent=False)
        self.register_buffer("alpha", alpha)
        self.gamma, self.augment, self.seed = gamma, augment, seed
        self.first_rate, self.halve_every = learning_rate, halve_every
        self.history: list[dict[str, float]] = []
        # their check for NaN would wait for the device four times a step
        parts = [f"{part}_{name}" for part in ("train", "val") for name in ("loss", "oa")]
        self._means = nn.ModuleDict({p: MeanMetric(nan_strategy="disable") for p in parts})

    def scaled(self, x: Tensor) -> Tensor:
        """Patches as the network reads them."""
        return torch.where(torch.isfinite(x), (x - self.mean) * self.gain, self.fill)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of raw patches."""
        return self.network(self.scaled(x))

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch: a pure function, so that nothing is lost on resuming."""
        return self.first_rate * 0.5 ** (epoch // self.halve_every)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Nesterov Adam."""
        trained = [p for p in self.network.parameters() if p.requires_grad]
        return torch.optim.NAdam(trained, lr=self.first_rate)

    def on_train_epoch_start(self) -> None:
        """Set the learning rate of the epoch; frozen layers stay as they are."""
        hold_frozen(self.network)
        for group in self.optimizers().param_groups:
            group["lr"] = self.rate(self.current_epoch)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Loss of one batch."""
        x, target = batch
        x = self.scaled(x)
        number = _number(self.seed, self.current_epoch, self.global_rank, batch_idx)
        torch.manual_seed(number)  # for dropout; Lightning itself draws numbers between batches
        if self.augment:
            x = turn_and_flip(x, torch.Generator().manual_seed(number))
        logits = self.network(x)
        loss = focal_loss(logits, target, self.gamma, self.alpha)
        self._add("train", loss.detach(), logits.detach(), target)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:  # noqa: ARG002 - Lightning's signature
        """Loss and hits of one batch."""
        x, target = batch
        logits = self(x)
        self._add("val", focal_loss(logits, target, self.gamma, self.alpha), logits, target)

    def _add(self, part: str, loss: Tensor, logits: Tensor, target: Tensor) -> None:
        self._means[f"{part}_loss"].update(loss, len(target))
        self._means[f"{part}_oa"].update((logits.argmax(1) == target).float().mean(), len(target))

    def on_validation_epoch_end(self) -> None:
        """One line of the history: losses and overall accuracies of the epoch."""
        values = {name: float(m.compute()) for name, m in self._means.items() if m.update_called}
        for metric in self._means.values():
            metric.reset()
        self.log("val_loss", values["val_loss"])
        if self.trainer.sanity_checking:
            return
        epoch = self.current_epoch
        self.history.append({"epoch": epoch, **values, "learning_rate": self.rate(epoch)})
        if self.logger is not None:
            self.logger.log_metrics(values, step=epoch)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history with the weights."""
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it up again."""
        self.history = checkpoint["history"]


def _number(*parts: int) -> int:
    """A seed that depends on every part, unlike their sum."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
