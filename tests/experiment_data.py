"""Synthetic data sets for the tests of experiments; child processes import them from here."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lczlib.experiment.data import DataSet
from lczlib.experiment.plan import Settings
from lczlib.scenes import COMBINATIONS
from lczlib.training.patches import PatchKind, ScenePatches
from lczlib.training.run import Subsets
from lczlib.training.splits import split
from lczlib.training.trainer import Options

SMALL = Settings(
    networks=("sen2lcz", "yoo_cnn"), network="sen2lcz", gammas=(0.0, 2.0), seeds=(0, 1),
    options=Options(epochs=1, batch_size=16, device="cpu"),
    network_options={"sen2lcz": {"width": 4, "depth": 1}, "yoo_cnn": {"width": 4}},
)  # fmt: skip


@dataclass(frozen=True)
class Stripes(DataSet):
    """Patches of three classes that differ in the pitch of stripes, three of each polygon."""

    n: int = 90
    bands: tuple[str, ...] = COMBINATIONS["D6"]
    seed: int = 0
    dies_with: str = ""
    simulated: bool = True

    @property
    def description(self) -> str:
        return "synthetic stripes"

    def select(self, inputs, **more):
        if inputs and inputs == self.dies_with and os.environ.get("STRIPES_DIE"):
            os._exit(9)  # what the kernel does to a process that takes too much memory
        return super().select(inputs, **more)

    def _open(self) -> Subsets:
        rng = np.random.default_rng(self.seed)
        row, col = np.mgrid[:16, :16]
        shapes = {2: row % 2, 6: (row + col) // 4 % 2, 14: np.zeros_like(row)}
        lcz = np.repeat(rng.choice(list(shapes), self.n // 3), 3)
        images = [
            rng.normal(shapes[c], 0.4, (len(self.bands), 16, 16)).astype(np.float32) for c in lcz
        ]
        table = pd.DataFrame({
            "lcz": lcz.astype(np.uint8), "polygon": np.arange(self.n) // 3,
            "location": np.arange(self.n), "image": np.arange(self.n), "row": 0, "col": 0,
        })  # fmt: skip
        kind = PatchKind("both", self.bands, 16, simulated=self.simulated, source=self.description)
        whole = ScenePatches(kind, table, images)
        return Subsets.of(whole, split(table, "polygon"))
