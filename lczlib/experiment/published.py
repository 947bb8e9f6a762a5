"""Overall accuracy, kappa and AA as published by Zhou et al. (2022, doi 10.1080/10095020.2022.2030654).

On their own data (Sen12LCZ: 654 to 818 test patches of Beijing, Tianjin and Wuhan, split at random,
one run each, no intervals), so they are beside the numbers of another data set, not against them.
"""

from __future__ import annotations

from lczlib.experiment.plan import Cell

SOURCE = "Zhou et al. 2022, on Sen12LCZ (another data set, random split, single runs)"

_Scores = tuple[float, float, float]

_INPUTS: dict[str, _Scores] = {
    "D1": (0.3790, 0.3040, 0.1739),
    "D2": (0.9181, 0.9095, 0.9055),
    "D3": (0.9425, 0.9366, 0.9060),
    "D4": (0.9132, 0.9039, 0.8990),
    "D5": (0.9340, 0.9270, 0.9155),
    "D6": (0.9328, 0.9257, 0.9184),
    "D7": (0.9315, 0.9244, 0.8928),
}
"""Table 4: RSNNet by input combination."""

_NETWORKS: dict[str, _Scores] = {
    "resnet50": (0.9144, 0.9055, 0.8954),
    "densenet121": (0.8826, 0.8703, 0.8091),
    "sen2lcz": (0.8142, 0.7936, 0.7513),
    "lcznet": (0.9022, 0.8920, 0.8665),
    "mscnn": (0.8056, 0.7848, 0.6741),
    "yoo_cnn": (0.7885, 0.7649, 0.6363),
    "rsnnet": (0.9328, 0.9257, 0.9184),
}
"""Table 5: networks on D6."""

_GAMMAS: dict[str, tuple[_Scores, ...]] = {
    "resnet50": (
        (0.9193, 0.9107, 0.8973), (0.9181, 0.9095, 0.8869), (0.9144, 0.9055, 0.8954),
        (0.9267, 0.9188, 0.9137), (0.9083, 0.8985, 0.8798), (0.9144, 0.9053, 0.9050),
        (0.9218, 0.9135, 0.9171),
    ),
    "densenet121": (
        (0.8619, 0.8473, 0.7924), (0.8912, 0.8799, 0.8505), (0.8826, 0.8703, 0.8091),
        (0.8826, 0.8704, 0.8346), (0.8704, 0.8569, 0.8019), (0.8851, 0.8729, 0.8338),
        (0.8826, 0.8702, 0.8104),
    ),
    "sen2lcz": (
        (0.8215, 0.8011, 0.7298), (0.8203, 0.8007, 0.7230), (0.8142, 0.7936, 0.7513),
        (0.8044, 0.7833, 0.6913), (0.8227, 0.8029, 0.7015), (0.8337, 0.8153, 0.7819),
        (0.8166, 0.7962, 0.7262),
    ),
    "rsnnet": (
        (0.8900, 0.8783, 0.8380), (0.8863, 0.8744, 0.8296), (0.9328, 0.9257, 0.9184),
        (0.9083, 0.8987, 0.8786), (0.8912, 0.8798, 0.8382), (0.9046, 0.8946, 0.8632),
        (0.8704, 0.8567, 0.8213),
    ),
}  # fmt: skip
"""Table 6: focal gamma 0 to 6 on D6."""


def published(table: str, cell: Cell) -> dict[str, float]:
    """``oa``, ``kappa`` and ``aa`` of a cell as published; empty where the paper has no such cell.

    Parameters
    ----------
    table : {"inputs", "networks", "gamma"}
        The cell's table.
    cell : Cell
        Its network, inputs and gamma must be those of the paper.
    """
    found = None
    if table == "inputs" and cell.network == "rsnnet" and cell.gamma == 2:
        found = _INPUTS.get(cell.inputs)
    elif table == "networks" and cell.inputs == "D6" and cell.gamma == 2:
        found = _NETWORKS.get(cell.network)
    elif table == "gamma" and cell.inputs == "D6":
        by_gamma = dict(enumerate(_GAMMAS.get(cell.network, ())))
        found = by_gamma.get(cell.gamma)
    return dict(zip(("oa", "kappa", "aa"), found, strict=True)) if found else {}
