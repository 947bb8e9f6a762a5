"""The tables of cities and of patch sizes: which data they are made on, and what is written of them."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from experiment_data import SMALL, Stripes

from lczlib.errors import InputError
from lczlib.experiment.cities import cross_frame, cross_markdown, map_cities, on_each_city
from lczlib.experiment.data import MiddlePatches
from lczlib.experiment.plan import EVERY_CITY, Run, plan
from lczlib.experiment.results import gather
from lczlib.experiment.runner import run_all, run_path, unique_runs
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.training.run import Subsets

TINY = replace(SMALL, network_options={"sen2lcz": {"width": 4, "depth": 1}}, patch_sizes=(8, 16))


@dataclass(frozen=True)
class TwoCities(Stripes):
    """Stripes of which every other polygon lies in a second city."""

    def _open(self):
        whole = super()._open()
        parts = []
        for name in ("train", "validation", "test"):
            part = getattr(whole, name)
            part.table["city"] = np.where(part.table["polygon"] % 2, "B", "A")
            parts.append(part)
        return Subsets(*parts, method=whole.method)


def test_a_city_alone_is_trained_on_its_own_patches_and_tested_on_those_of_all():
    data = TwoCities()
    whole, alone = data.subsets(), data.select("D2", city="B")
    assert set(alone.train.table["city"]) == {"B"}
    assert set(alone.validation.table["city"]) == {"B"}
    assert len(alone.train) == (whole.train.table["city"] == "B").sum()
    assert alone.test.table["location"].tolist() == whole.test.table["location"].tolist()
    own = whole.train.table["city"].to_numpy() == "B"
    expected = data.select("D2").train.read(np.flatnonzero(own))
    np.testing.assert_array_equal(alone.train.read(np.arange(len(alone.train))), expected)


def test_the_lines_are_each_city_and_all_and_only_the_first_seeds_weights_stay():
    cells = plan("cities", TwoCities(), TINY)
    assert {(c.label, c.city) for c in cells[:2]} == {("A", "A"), ("B", "B")}
    assert (cells[2].label, cells[2].city) == (EVERY_CITY, "")
    assert [[r.kept for r in c.runs] for c in cells] == [[True, False]] * 3
    with pytest.raises(InputError, match="holds 0 city"):
        plan("cities", Stripes(), TINY)


def test_the_middle_of_a_patch_is_what_a_smaller_one_at_its_place_would_be():
    data = Stripes()
    whole, middle = data.select("D2").test, data.select("D2", patch=8).test
    assert middle.kind.patch_size == 8
    index = np.array([3, 0, 7])
    np.testing.assert_array_equal(middle.read(index), whole.read(index)[:, :, 4:12, 4:12])
    np.testing.assert_array_equal(middle.subset(index).read(np.array([1])), middle.read(index[1:2]))
    placed = whole.subset(np.arange(5))
    placed.table["left"], placed.table["top"] = 100.0, 900.0
    cut = MiddlePatches(placed, 8).table
    assert (cut["left"] == 140).all()
    assert (cut["top"] == 860).all()


def test_patch_sizes_that_the_patches_or_the_network_do_not_have_are_refused():
    labels = [c.label for c in plan("patch-size", Stripes(), TINY)]
    assert labels == ["8 x 8 (80 m)", "16 x 16 (160 m)"]
    for sizes in ((8,), (8, 8), (8, 48), (4, 16)):
        with pytest.raises(InputError, match=r"needed, from 8 .* to 16 pixels"):
            plan("patch-size", Stripes(), replace(TINY, patch_sizes=sizes))


def test_what_a_run_sees_is_in_its_key_and_earlier_keys_stay():
    options = TINY.options
    plain = Run("D2", options).key("data")
    others = [Run("D2", options, **more).key("data") for more in ({"city": "A"}, {"patch": 8})]
    assert len({plain, *others}) == 3
    assert Run("D2", options, city="", patch=0, kept=False).key("data") == plain


def test_each_city_is_tested_on_each_and_the_whole_is_their_sum(tmp_path):
    data = TwoCities()
    cells = plan("cities", data, replace(TINY, inputs="D2"))
    results = run_all(data, unique_runs(cells), tmp_path)
    how = {"by_polygon": True, "replicates": 200}
    whole = gather(cells, results, tmp_path, data.fingerprint(), **how)
    by_city = on_each_city(cells, results, tmp_path, data, **how)
    frame = cross_frame(whole, by_city)
    assert len(frame) == 9
    for label, own in frame.groupby("trained_on"):
        at = own.set_index("tested_on")
        correct = sum(at.loc[c, "oa"] * at.loc[c, "n_patches"] for c in "AB")
        n = at.loc[["A", "B"], "n_patches"].sum()
        assert n == at.loc[EVERY_CITY, "n_patches"] == whole.n_patches, label
        assert correct / n == pytest.approx(at.loc[EVERY_CITY, "oa"])
    for name, table in {**by_city, EVERY_CITY: whole}.items():
        own = next(c for c in table.cells if c.cell.label == name)
        assert own.counts.sum() == pytest.approx(table.n_patches)
        assert np.trace(own.counts) / table.n_patches == pytest.approx(own.scores["oa"])
    text = cross_markdown(frame)
    assert text.count("| A |") == text.count("| B |") == 1
    assert "on all cities |" in text
    kept = [(run_path(tmp_path, r.key(data.fingerprint())) / "model.safetensors").is_file()
            for c in cells for r in c.runs]  # fmt: skip
    assert kept == [True, False] * 3
    with pytest.raises(InputError, match="patches, which cannot be mapped"):
        map_cities(cells, results, tmp_path, tmp_path / "maps", data)


@pytest.mark.slow
def test_cities_are_compared_and_mapped_by_one_command(tmp_path, run_lcz):
    for seed, name in ((5, "00001_a_Simulated"), (6, "00002_b_Simulated")):
        write_so2sat(simulate_city(4, seed=seed), tmp_path / "cities", name)
    line = [
        "experiment", tmp_path / "cities", "--city", "00001_a_Simulated", "--city", "00002_b_Simulated",
        "--season", "summer", "--table", "cities", "--maps", "--spacing", "160", "--patch", "16", "--buffer",
        "none", "--epochs", "1", "--seeds", "1", "--arch", "sen2lcz", "--option", "sen2lcz.width=4",
        "--option", "sen2lcz.depth=1", "--device", "cpu", "--out", tmp_path / "out",
    ]  # fmt: skip
    code, printed, err = run_lcz(*line)
    assert code == 0, err
    assert "Cities: " in printed
    out = tmp_path / "out/cities"
    table = pd.read_csv(out / "cities.csv")
    assert set(table["trained_on"]) == {"00001_a_Simulated", "00002_b_Simulated", EVERY_CITY}
    for city in ("00001_a_Simulated", "00002_b_Simulated"):
        assert (out / f"confusion_{city}.png").stat().st_size > 5_000
        for by in ("itself", "all"):
            for kind in ("tif", "png"):
                assert (out / f"{city}_by_{by}_lcz.{kind}").is_file()
    code, _, err = run_lcz(*line[:2], "--city", "00001_a_Simulated", *line[6:])
    assert code == 2
    assert "holds 1 city" in err
