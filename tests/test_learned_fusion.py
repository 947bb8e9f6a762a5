"""Learned fusion of what is computed and of what files hold of it."""

import json

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from lczlib.calibrators import Calibration, Calibrator, log_of, softmax
from lczlib.export import write_probabilities
from lczlib.grid import on_grid
from lczlib.mapping.fusion import fuse, fuse_files
from lczlib.maps import labels, open_probabilities, probabilities

BOX = GeoBox((40, 85), Affine(100, 0, 5e5, 0, -100, 5e6), "EPSG:32633")


def test_stored_probabilities_change_a_fused_label_only_within_their_rounding(tmp_path):
    """`lcz map` fuses what it has computed, `lcz fuse` what files hold of it, in steps of 0.0001."""
    rng = np.random.default_rng(0)
    weights = {"s1": 0.7, "s2": 0.5}
    ways = {
        k: Calibrator("dirichlet", 0.5 * np.eye(17) + 0.02 * rng.normal(size=(17, 17)), rng.normal(size=17))
        for k in weights
    }  # fmt: skip
    exact = {
        k: probabilities(
            on_grid(
                softmax(4 * rng.normal(size=(17, *BOX.shape)), 0).astype(np.float32), BOX, ("lcz", "y", "x")
            )
        )
        for k in weights
    }  # fmt: skip
    files = [tmp_path / f"{k}_proba.tif" for k in weights]
    for file, proba in zip(files, exact.values(), strict=True):
        write_probabilities(file, proba)
    (tmp_path / "c.json").write_text(json.dumps(Calibration(ways, weights).to_dict()))
    computed = labels(fuse({k: ways[k](p) for k, p in exact.items()}, "learned", weights=weights))
    by_file = fuse_files(files, tmp_path / "out", "learned", calibration=tmp_path / "c.json")
    one, other = (m.values.astype(int).ravel() - 1 for m in (computed, by_file))
    (differ,) = np.nonzero(one != other)
    assert 0 < len(differ) < 0.02 * one.size  # else nothing would be held here
    apart, most = np.zeros(len(differ)), np.full(len(differ), 1e-6)
    for file, (kind, way) in zip(files, ways.items(), strict=True):
        p = open_probabilities(file).values.reshape(17, -1).T[differ].astype(float)
        low, high = log_of(p - 0.5e-4), log_of(p + 0.5e-4)
        logits = log_of(way.on_rows(p)) * weights[kind]
        ahead = way.weights[one[differ]] - way.weights[other[differ]]
        at = np.arange(len(differ))
        apart += logits[at, other[differ]] - logits[at, one[differ]]
        most += weights[kind] * (np.abs(ahead) * (high - low)).sum(1)
    assert (apart >= 0).all()
    assert (apart <= most).all()
