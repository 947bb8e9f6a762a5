"""From a patch set to batches of tensors, in an order that depends on seed and epoch alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from lczlib.training.patches import Patches

_EVALUATION_BATCH = 4  # evaluation needs no gradients, so its batches may be this much larger


class PatchDataset(Dataset):
    """Reads a whole batch at once (`__getitems__`), which is what patch sets do best."""

    def __init__(self, patches: Patches) -> None:
        self.patches = patches
        self.target = torch.from_numpy(patches.labels.astype(np.int64) - 1)

    def __len__(self) -> int:
        return len(self.patches)

    def __getitems__(self, index: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Patches (n, C, P, P) with NaN missing, and class indices 0..16 (n,)."""
        index = np.asarray(index)
        return torch.from_numpy(self.patches.read(index)), self.target[torch.from_numpy(index)]


def _as_is(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return batch


class PatchBatches(L.LightningDataModule):
    """Training and validation batches, sharded over Lightning's processes.

    The order of an epoch is a function of (seed, epoch), so that a resumed run goes on as an
    uninterrupted one would.
    """

    def __init__(
        self, train: Patches, validation: Patches, batch_size: int, seed: int, workers: int = 0
    ) -> None:
        super().__init__()
        self.train, self.validation = PatchDataset(train), PatchDataset(validation)
        self.batch_size, self.seed, self.workers = batch_size, seed, workers

    def _loader(self, data: PatchDataset, *, shuffle: bool) -> DataLoader:
        sampler = DistributedSampler(
            data, self.trainer.world_size, self.trainer.global_rank, shuffle=shuffle, seed=self.seed
        )
        size = self.batch_size if shuffle else self.batch_size * _EVALUATION_BATCH
        return DataLoader(
            data,
            batch_size=size,
            sampler=sampler,
            collate_fn=_as_is,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=self.trainer.strategy.root_device.type == "cuda",
            # batch normalisation of one sample with one pixel has no variance
            drop_last=shuffle and len(sampler) % size == 1 and len(sampler) > 1,
        )

    def train_dataloader(self) -> DataLoader:
        """Shuffled batches."""
        return self._loader(self.train, shuffle=True)

    def val_dataloader(self) -> DataLoader:
        """Batches in order."""
        return self._loader(self.validation, shuffle=False)


def turn_and_flip(x: Tensor, generator: torch.Generator) -> Tensor:
    """Each patch of a batch in one of the eight positions of a square, drawn at random.

    Parameters
    ----------
    x : Tensor (N, C, P, P)
        Square patches.
    generator : torch.Generator
        On the CPU, so that the draw is the same on every device.
    """
    positions = torch.randint(8, (len(x),), generator=generator)
    index = _positions(x.shape[-1])[positions].to(x.device, non_blocking=True)  # (N, P * P)
    flat = x.flatten(2)
    return flat.gather(2, index[:, None].expand_as(flat)).view(x.shape)


@lru_cache(4)
def _positions(size: int) -> Tensor:
    """For each of the eight positions, the pixel that comes to each place: (8, size * size)."""
    pixels = torch.arange(size * size).view(size, size)
    turned = [pixels.rot90(k) for k in range(4)]
    return torch.stack([p.flatten() for p in (*turned, *(t.flip(1) for t in turned))])
