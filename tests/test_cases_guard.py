"""Berlin's scene with what goes wrong with real scenes: one message, no caution twice."""

import numpy as np
import pytest
import rasterio


@pytest.fixture
def berlin(mirror, tmp_path):
    """Write Berlin's surface reflectance with some faults; the bands keep their names."""

    def write(change):
        path = tmp_path / "berlin.tif"
        with rasterio.open(mirror / "berlin_s2_20241024.tif") as src:
            profile, names, tags = src.profile, src.descriptions, src.tags()
            dn = src.read().astype(np.float64)
        values = np.clip(np.round(change(dn)), 0, 65535).astype(np.uint16)
        with rasterio.open(path, "w", **{**profile, "dtype": "uint16", "nodata": 0}) as dst:
            dst.write(values)
            dst.descriptions = names
            dst.update_tags(**{k: v for k, v in tags.items() if "OFFSET" not in k.upper()})
        return path

    return write


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "options", "code", "said"),
    [
        (lambda dn: dn + 1000, (), 0, ("--offset -1000", "--level L2A")),
        (lambda dn: dn / 10, (), 1, ("--scale 0.001", "--level L2A")),
        (lambda dn: (dn + 1000) / 10, (), 1, ("--scale 0.001", "--offset -100", "--level L2A")),
        (lambda dn: dn / 10, ("--accept-values",), 0, ("--scale 0.001", "--level L2A")),
        (lambda dn: dn, (), 0, ("--level L2A",)),
        (lambda dn: dn, ("--level", "L2A", "--date", "2024-10-24"), 0, ()),
    ],
    ids=["offset", "x1000", "both", "forced", "level", "right"],
)
def test_all_that_is_wrong_is_said_once(
    berlin, run_lcz, tmp_path, monkeypatch, change, options, code, said
):
    got, out, err = run_lcz(
        "map", berlin(change), "--weights", "so2sat_s2_resnet20", *options, "--out", tmp_path / "o"
    )
    assert got == code, err
    for option in said:
        assert option in err
    assert err.count("looks like surface reflectance") == ("--level L2A" in said)
    assert ("All of this" in err) == (len(said) > 1)
    assert "beyond any land surface" in err or "--scale 0.001" not in said
    if not code:
        assert "Scene s2 berlin.tif: " in out
        assert "Network: s2 so2sat_s2_resnet20." in out
