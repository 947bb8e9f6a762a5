"""The reference of a heat island where there is little or nothing of LCZ D."""

from __future__ import annotations

import numpy as np
import pytest
from odc.geo.geobox import GeoBox

from lczlib.analysis.heat import SurfaceOptions, surface_heat_island
from lczlib.analysis.heat.patches import interior
from lczlib.errors import InputError
from lczlib.grid import on_grid
from lczlib.maps import lcz_map
from lczlib.terms import worded

BOX = GeoBox.from_bbox((0, 0, 10_000, 10_000), "EPSG:32633", resolution=100)


@pytest.fixture(scope="module")
def city():
    """Synthetic: stripes of classes 2, 6, D, A and a strip of water, known temperatures, small noise."""
    rng = np.random.default_rng(0)
    codes = np.zeros((100, 100), np.uint8)
    for i, row in enumerate(range(0, 100, 10)):
        for j, col in enumerate(range(0, 100, 10)):
            codes[row : row + 10, col : col + 10] = (2, 6, 14, 11)[(i + 2 * j + i * j) % 4]
    codes[:, 95:] = 17
    level = np.zeros(18)
    level[[2, 6, 14, 11, 17]] = 24.0, 22.0, 20.0, 17.0, 15.0
    celsius = level[codes] + 0.3 * rng.standard_normal(codes.shape)
    return on_grid(celsius.astype(np.float32), BOX), lcz_map(on_grid(codes, BOX))


def test_too_little_of_low_plants_gives_temperatures_and_no_differences(city):
    temperature, lcz = city
    codes = np.where(lcz.data == 14, 12, lcz.data).astype(
        np.uint8
    )  # scattered trees never stand in
    for asked in (False, True):
        result = surface_heat_island(
            temperature, lcz.copy(data=codes), SurfaceOptions(fallback=asked)
        )
        assert result.reference.classes == ()
        assert result.reference.note.startswith(
            "No differences: LCZ D has only 0 pixels in 0 patches"
        )
        assert ("--fallback" in worded(result.reference.note)) != asked
        assert result.classes["difference"].isna().all()
        assert result.classes.loc[2, "median"] == pytest.approx(24, abs=0.1)
        assert result.reference_bias is None
    codes[codes == 12] = 2
    with pytest.raises(InputError, match="No reference for the heat island: LCZ B has only 0"):
        surface_heat_island(temperature, lcz.copy(data=codes), SurfaceOptions(reference="B"))
    asked = surface_heat_island(temperature, lcz.copy(data=codes), SurfaceOptions(reference="A"))
    assert asked.reference.label == "LCZ A"


def test_scrub_stands_in_on_request_and_tells_its_bias(city):
    temperature, lcz = city
    codes, celsius = lcz.data.copy(), temperature.data.copy()
    codes[codes == 14] = 13
    codes[40:46, 40:46] = 14  # 16 interior pixels
    celsius[codes == 13] += 0.5
    options = SurfaceOptions(fallback=True)
    lcz, temperature = lcz.copy(data=codes), temperature.copy(data=celsius)
    result = surface_heat_island(temperature, lcz, options)
    assert result.reference.classes == (13,)
    assert result.reference.label.startswith("LCZ C in place of LCZ D, because LCZ D has only 16")
    inside = celsius[41:45, 41:45]
    bias = np.median(celsius[interior(codes, 1) & (codes == 13)]) - np.median(inside)
    assert result.reference_bias == pytest.approx(bias, abs=1e-3)
    assert f"LCZ C is {bias:+.2f} K against LCZ D (16 pixels)" in result.bias
    codes[codes == 13] = 12
    result = surface_heat_island(temperature, lcz.copy(data=codes), options)
    assert result.reference.classes == (14,)
    assert (
        "LCZ D, because there is no other, though it has only 16 pixels" in result.reference.label
    )
    assert result.classes.loc[14, "note"] == "reference"
    assert result.classes.loc[2, "difference"] == pytest.approx(
        np.median(celsius[interior(codes, 1) & (codes == 2)]) - np.median(inside), abs=1e-3
    )
    assert result.reference_bias is None
    soil = surface_heat_island(
        temperature, lcz.copy(data=np.where(codes == 11, 16, codes).astype(np.uint8)),
        SurfaceOptions(reference="F"),
    )  # fmt: skip
    assert soil.reference.label == "LCZ F (bare soil)"
    assert "against LCZ D" in soil.bias
