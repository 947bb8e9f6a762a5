"""Class probabilities at the door: between 0 and 1, adding up to 1, or refused."""

import numpy as np
import pytest
import rasterio

from lczlib.errors import InputError
from lczlib.export import write_probabilities
from lczlib.maps import open_probabilities
from lczlib.reading import readings

CHUNKS = [None, {"band": -1, "y": 8, "x": 8}, {"band": 1, "y": 8}]


@pytest.fixture
def shares():
    """Synthetic: 17 random shares of 20 x 20 cells."""
    return np.random.default_rng(0).dirichlet(np.ones(17), (20, 20)).transpose(2, 0, 1).astype("f4")


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda p: np.full_like(p, 0.5),
            r"classes add up to 8.5 instead of 1 in 100% of the cells",
        ),
        (lambda p: p * 100, r"holds values from .* and probabilities lie between 0 and 1"),
        (lambda p: p - 0.1, r"holds values from -0.0"),
        (lambda p: np.where(np.arange(20) < 10, p, p * 0.9), r"add up to 0.9 instead of 1 in"),
        (np.log, r"holds values from -"),
    ],
)
def test_what_is_no_probability_is_refused(write_tif, shares, chunks, change, says):
    path = write_tif(change(shares).astype(np.float32), "p.tif", pixel=100.0)
    with pytest.raises(InputError, match=says):
        open_probabilities(path, chunks=chunks).compute()


@pytest.mark.parametrize("chunks", CHUNKS)
def test_rounding_to_whole_numbers_is_forgiven(write_tif, shares, tmp_path, chunks):
    """As this library writes them (1e-4), and as bytes of 1/255, off by up to 0.03 in sum."""
    path = write_tif(shares, "p.tif", pixel=100.0)
    write_probabilities(tmp_path / "ours.tif", open_probabilities(path))
    np.testing.assert_allclose(
        open_probabilities(tmp_path / "ours.tif", chunks=chunks), shares, atol=5.1e-5
    )
    coarse = write_tif(np.rint(shares * 255).astype(np.uint8), "bytes.tif", pixel=100.0)
    with rasterio.open(coarse, "r+") as dst:
        dst.scales = (1 / 255,) * 17
    assert abs(open_probabilities(coarse, chunks=chunks).sum("lcz") - 1).max() > 2e-3


@pytest.mark.parametrize("chunks", CHUNKS)
def test_cells_of_zeros_are_no_data(write_tif, shares, chunks):
    shares[:, :3] = 0
    shares[4, 5, 5] = np.nan
    with readings() as heard:
        found = open_probabilities(write_tif(shares, "p.tif", pixel=100.0), chunks=chunks).compute()
    assert "339 of 400 cells with probabilities" in str(heard[0])
    assert np.isnan(found[:, :3]).all()
    assert not np.isnan(found[:, 6:]).any()
    assert (found[:, 6:].values == shares[:, 6:]).all()
