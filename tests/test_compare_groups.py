"""Maps compared by groups of classes and by certainty, and of several places in one table."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from export_maps import BOX

from lczlib.analysis.confidence import agreement_by_certainty
from lczlib.analysis.grouping import GROUPINGS, group_agreement, read_grouping
from lczlib.errors import InputError
from lczlib.export import write_lcz_map, write_probabilities
from lczlib.grid import on_grid
from lczlib.jobs import agreements, compare
from lczlib.maps import labels, lcz_map, probabilities


def cross_table(first: np.ndarray, second: np.ndarray) -> xr.DataArray:
    table = np.zeros((17, 17))
    np.add.at(table, (first - 1, second - 1), 1)
    return xr.DataArray(table, dims=("first", "second"))


def test_groups_of_classes_are_counted_as_if_the_maps_held_groups():
    rng = np.random.default_rng(4)
    a, b = rng.integers(1, 18, (2, 500))
    for name, grouping in GROUPINGS.items():
        assert set(grouping) == set(range(1, 18))
        ga, gb = (np.array([grouping[int(v)] for v in m]) for m in (a, b))
        found = group_agreement(cross_table(a, b), grouping, name, ("a", "b"))
        assert found.agreement == pytest.approx((ga == gb).mean())
        assert found.n == 500
        assert found.left_out == 0
        for row in set(ga):
            for column in set(gb):
                assert found.table.loc[row, column] == ((ga == row) & (gb == column)).sum()
        chance = sum((ga == g).mean() * (gb == g).mean() for g in set(ga) | set(gb))
        assert found.kappa == pytest.approx((found.agreement - chance) / (1 - chance))


def test_own_groups_leave_out_classes_without_one(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("class;group\n1;town\nLCZ 6;suburb\nwater;wet\n104;green\n")
    assert read_grouping(path) == {1: "town", 6: "suburb", 17: "wet", 14: "green"}
    a, b = np.array([1, 6, 17, 14, 2, 1]), np.array([1, 1, 17, 6, 2, 3])
    found = group_agreement(cross_table(a, b), read_grouping(path), "mine.csv", ("a", "b"))
    assert (found.n, found.left_out) == (4, 2)
    assert found.agreement == 0.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,town\n2\n", "Line 2 of"),
        ("1,town\n1,suburb\n", "comes twice"),
        ("1,town\nbeach,green\n", "is no Local Climate Zone"),
        ("1,town\n2,town\n", "1 group"),
    ],
)
def test_files_of_groups_that_cannot_be_are_refused(tmp_path, text, says):
    path = tmp_path / "groups.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_grouping(path)


def test_agreement_by_certainty_is_that_of_the_cells_in_each_step():
    rng = np.random.default_rng(1)
    a, b = (on_grid(rng.integers(0, 4, BOX.shape).astype(np.uint8), BOX, ("y", "x")) for _ in "ab")
    values = rng.uniform(0, 1, BOX.shape).astype(np.float32)
    values[0, :5], values[1, 1] = np.nan, 1.0
    found = agreement_by_certainty(a, b, on_grid(values, BOX, ("y", "x")))
    known = (a.values > 0) & (b.values > 0) & np.isfinite(values)
    assert found["n"].sum() == known.sum() == found["n_at_least"].iloc[0]
    for row in found.itertuples():
        inside = known & (values >= row.low) & ((values < row.high) | (row.high == 1))
        assert row.n == inside.sum()
        assert row.agreement == pytest.approx((a.values == b.values)[inside].mean())
        above = known & (values >= row.low)
        assert row.agreement_at_least == pytest.approx((a.values == b.values)[above].mean())


@pytest.fixture
def two_maps(tmp_path):
    """A map with probabilities beside it, and another of the same place."""
    values = np.random.default_rng(1).dirichlet(np.ones(17) / 4, BOX.shape).transpose(2, 0, 1)
    proba = probabilities(on_grid(values, BOX, ("lcz", "y", "x")))
    write_probabilities(tmp_path / "s2_proba.tif", proba)
    first = labels(proba)
    other = np.where(np.random.default_rng(2).random(BOX.shape) < 0.3, 14, first.values)
    second = lcz_map(on_grid(other.astype(np.uint8), BOX, ("y", "x")))
    return (
        write_lcz_map(tmp_path / "s2_lcz.tif", first),
        write_lcz_map(tmp_path / "theirs.tif", second),
    )


def test_the_command_writes_groups_and_certainty(two_maps, run_lcz, tmp_path):
    groups = tmp_path / "mine.csv"
    groups.write_text("1,town\n14,green\n")
    code, out, err = run_lcz(
        "compare", *two_maps, "--group", "built", "--group", groups, "--certainty", "--no-figures",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 0, err
    assert "groups built: agreement" in out
    content = json.loads((tmp_path / "out/comparison.json").read_text())
    assert content["groups"][0]["agreement"] == pytest.approx(content["agreement_built"])
    table = pd.read_csv(tmp_path / "out/certainty.csv")
    assert set(table["map"]) == {"s2_lcz"}
    assert table["n"].sum() == content["n"]
    cross = pd.read_csv(tmp_path / "out/groups_mine.csv", index_col=0)
    assert list(cross.index) == list(cross.columns) == ["town", "green"]
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert {"../mine.csv", "../s2_proba.tif"} <= {i["path"] for i in manifest["inputs"]}


@pytest.mark.parametrize("groups", [("size",), ("built", "other/built.csv")])
def test_what_is_no_grouping_is_a_usage_error(groups):
    with pytest.raises(InputError) as refused:
        compare.CompareRequest(map_a="a.tif", map_b="b.tif", groups=groups)
    assert refused.value.parameter == "groups"


def test_certainty_that_no_map_has_is_refused(two_maps, tmp_path):
    (tmp_path / "s2_proba.tif").unlink()
    request = compare.CompareRequest(map_a=two_maps[0], map_b=two_maps[1], certainty=True)
    with pytest.raises(InputError, match="Neither s2_lcz nor theirs tells its certainty"):
        compare.run(request)


def test_places_stand_in_one_table_and_add_up(two_maps, run_lcz, tmp_path):
    folders = []
    for name, maps in {"north": two_maps, "south": two_maps[::-1]}.items():
        request = compare.CompareRequest(map_a=maps[0], map_b=maps[1], names=("a", "b"))
        folders.append(compare.run(request).write(tmp_path / name, figures=False))
    found = agreements.run(agreements.AgreementsRequest(results=tuple(folders)))
    assert found.table["place"].tolist() == ["north", "south"]
    (line,) = found.together.to_dict("records")
    assert line["places"] == 2
    assert line["n"] == found.table["n"].sum() == 1200
    assert line["agreement"] == pytest.approx(found.table["agreement"].mean())
    assert line["kappa_min"] <= line["kappa_max"]
    assert "kappa" not in line  # it does not add up
    code, out, _ = run_lcz(
        "agreements", *folders, "--name", "N", "--name", "S", "--out", tmp_path / "all"
    )
    assert code == 0
    assert "N: a - b: agreement" in out
    written = pd.read_csv(tmp_path / "all/agreements.csv")
    assert written["place"].tolist() == ["N", "S"]


def test_places_of_one_name_and_what_is_no_comparison_are_refused(two_maps, tmp_path):
    request = compare.CompareRequest(map_a=two_maps[0], map_b=two_maps[1])
    folder = compare.run(request).write(tmp_path / "one", figures=False)
    with pytest.raises(InputError, match="Two places are called one"):
        agreements.run(agreements.AgreementsRequest(results=(folder, folder)))
    with pytest.raises(InputError, match="cannot be read"):
        agreements.run(agreements.AgreementsRequest(results=(tmp_path,)))
    (tmp_path / "comparison.json").write_text("{}")
    with pytest.raises(InputError, match="is no comparison"):
        agreements.run(agreements.AgreementsRequest(results=(tmp_path,)))
