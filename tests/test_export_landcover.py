"""Land cover and morphology for SUEWS and UMEP: their counting rules, played again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rasterio

from lczlib.export.targets.landcover import class_parameters, exact_shares, morphology
from lczlib.jobs.export import ExportRequest, run
from lczlib.terms import worded


def counted_by_umep(codes: np.ndarray) -> dict[str, float]:
    """UMEP's rule for one polygon, by its documentation: each class by its share of all that is not 0."""
    numbers = [*range(1, 11), *range(101, 108)]
    p = class_parameters()
    shares = [(codes == n).sum() / np.count_nonzero(codes) for n in numbers]
    return {name: float(np.dot(shares, p[name])) for name in p.columns if name != "code"}


def test_suews_gets_what_umep_would_count(all_classes, all_classes_file, tmp_path):
    result = run(ExportRequest(map_path=all_classes_file, to="suews", block=500.0))
    out = result.write(tmp_path / "out")
    with rasterio.open(out / "lcz.tif") as src:
        codes = src.read(1)
    assert set(np.unique(codes)) == {0, *range(1, 11), *range(101, 108)}
    lines = [line.split() for line in (out / "lcz_LCFG_isotropic.txt").read_text().splitlines()]
    build = [
        line.split() for line in (out / "lcz_build_MPGrid_isotropic.txt").read_text().splitlines()
    ]
    assert lines[0][0] == build[0][0] == "ID"
    assert len(lines) == len(build) == 1 + 24 - 1  # the corner without a class is left out
    for line, walls in zip(lines[1:], build[1:], strict=True):
        number = int(line[0]) - 1
        row, col = divmod(number, 6)
        told = counted_by_umep(codes[row * 5 : row * 5 + 5, col * 5 : col * 5 + 5])
        found = dict(zip(lines[0][1:], map(float, line[1:]), strict=True))
        assert sum(found.values()) == 1.0
        assert sum(reversed(found.values())) == 1.0
        for name, value in found.items():
            assert value == pytest.approx(told[name], abs=1e-9)
        morphology = dict(zip(build[0][1:], map(float, walls[1:]), strict=True))
        assert morphology["zH"] == pytest.approx(told["building_height"])
        assert morphology["fai"] == pytest.approx(told["building_frontal_area"])
        assert morphology["pai"] == found["Buildings"]
    sites = out / "suews_sites.csv"
    header, first = sites.read_text().splitlines()[:2]
    site = dict(zip(header.split(","), map(float, first.split(",")), strict=True))
    assert site["Fr_Bldgs"] == float(lines[1][2])
    wall = dict(zip(build[0], build[1], strict=True))["wai"]
    assert site["AreaWall"] == pytest.approx(float(wall) * 250_000)
    said = " ".join(worded(f.text) for f in result.findings)
    assert "A cell without a class, or ground beyond the map: in 1 of 24 polygons" in said
    assert "the natural zones, without an error" in said


def test_walls_are_those_of_street_canyons():
    """LCZ 2: streets as wide as its buildings, walls 1.25 times the street's width high on both sides."""
    areas = {n: [float(n == 2)] for n in range(1, 18)}
    found = morphology(pd.DataFrame(areas), "building")
    assert found.loc[0, "wai"] == pytest.approx(2 * 1.25 * 0.5)
    assert class_parameters().loc[:, "Paved":"Water"].sum(axis=1).to_numpy() == pytest.approx(
        np.ones(17)
    )


def test_shares_add_up_to_one_in_any_order():
    rng = np.random.default_rng(0)
    values = rng.dirichlet(np.ones(7) / 3, 500)
    shares = exact_shares(values)
    for order in (slice(None), slice(None, None, -1)):
        totals = [sum(row[order].tolist()) for row in shares]
        assert set(totals) == {1.0}
    np.testing.assert_allclose(shares, values, atol=1e-11)


def test_cells_are_filled_only_where_asked_and_it_is_said(all_classes, all_classes_file):
    plain = run(ExportRequest(map_path=all_classes_file, to="umep"))
    assert int((plain.material.lcz == 0).sum()) == 25
    assert any("25 of 600 cells have no class" in f.text for f in plain.findings)
    filled = run(ExportRequest(map_path=all_classes_file, to="umep", fill="nearest"))
    assert int((filled.material.lcz == 0).sum()) == 0
    np.testing.assert_array_equal(filled.material.lcz.values[:15], all_classes.values[:15])
    assert filled.material.lcz[15, 29] == all_classes[14, 29]
    assert any("25 cells without a class took" in f.text for f in filled.findings)
