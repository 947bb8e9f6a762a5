"""Methods from manifests: what really ran, each number with the place where it stands."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
from export_maps import BOX

from lczlib.errors import InputError
from lczlib.export import sha256_of, write_json, write_lcz_map
from lczlib.export.bibliography import bibliography, entry, stated
from lczlib.export.manifest import new_manifest, write_manifest
from lczlib.grid import on_grid
from lczlib.jobs import compare, methods
from lczlib.jobs.export import ExportRequest
from lczlib.jobs.export import run as export
from lczlib.jobs.methods_facts import value_at
from lczlib.maps import lcz_map


@pytest.fixture
def results(all_classes_file, tmp_path):
    """Three results, as the commands write them."""
    rng = np.random.default_rng(0)
    other = lcz_map(on_grid(rng.integers(1, 18, BOX.shape).astype(np.uint8), BOX, ("y", "x")))
    path = write_lcz_map(tmp_path / "other.tif", other)
    request = compare.CompareRequest(map_a=all_classes_file, map_b=path)
    compare.run(request).write(tmp_path / "comparison", figures=False)
    export(ExportRequest(map_path=all_classes_file, to="umep")).write(tmp_path / "umep")
    maps = tmp_path / "maps"
    (maps).mkdir()
    weights = {
        "name": "sen2lcz_net", "architecture": "sen2lcz", "sensor": "s2", "title": "Sen2LCZ", "sha256": "ab" * 32,
        "citation": "Qiu et al. 2020, doi 10.1109/JSTARS.2020.2995711", "source": "https://example.org/w.h5",
        "patch_size": 32, "pixel_size": 10.0,
    }  # fmt: skip
    content = new_manifest(
        maps, "map", parameters={"fusion": "mean"}, inputs=[all_classes_file], outputs=[], seconds=1,
        weights=[weights],
    )  # fmt: skip
    content["read"] = [{"what": "Sentinel-2 raster", "date": "2023-07-01"}]
    write_manifest(maps, content)
    return [maps, tmp_path / "comparison", tmp_path / "umep"]


def test_every_number_is_traced_to_a_file_that_holds_it(results, tmp_path):
    found = methods.run(methods.MethodsRequest(results=tuple(results)))
    out = found.write(tmp_path / "out")
    text = (out / "methods.md").read_text()
    body, sources = text.split("## Sources")
    rows = list(csv.DictReader((out / "sources.csv").open()))
    numbers = {int(n) for n in re.findall(r"\[(\d+)\]", body)}
    assert numbers == {int(r["number"]) for r in rows} == set(range(1, len(rows) + 1))
    for row in rows:
        assert f"[{row['number']}] {row['value']}: `{row['file']}`, `{row['key']}`" in sources
        path = out / row["file"]
        assert sha256_of(path) == row["sha256"]
        assert not row["file"].startswith("/")
        stored = value_at(json.loads(path.read_text()), row["key"])
        assert stored is not None
        shown = row["value"].replace(",", "")
        if isinstance(stored, float):
            percent = shown.endswith("%")
            assert float(shown.rstrip("%")) == pytest.approx(
                stored * (100 if percent else 1), abs=0.06
            )
        else:
            assert str(stored).replace(",", "").startswith(shown)
    bare = re.sub(r"\S+ \[\d+\]", "", body)
    assert not re.findall(r"\d+\.\d+|\d%", bare)  # no figure stands without a source


def test_a_field_is_told_by_its_own_document(tmp_path):
    headline = "A station left out is predicted to 0.52 K (RMSE; 95% 0.23 to 0.73; 30 stations)."
    document = {
        "what": "mean of 760 hours", "headline": headline, "covariances": [{"shape": "exponential"}],
    }  # fmt: skip
    write_json(tmp_path / "field.json", document)
    manifest = new_manifest(
        tmp_path, "field", parameters={}, inputs=[], outputs=[tmp_path / "field.json"], seconds=1
    )
    write_manifest(tmp_path, manifest)
    text = methods.run(methods.MethodsRequest(results=(tmp_path,))).write(tmp_path / "out")
    said = (text / "methods.md").read_text()
    assert "laid on the map by kriging in which zones are random effects" in said
    assert headline.removesuffix(".") in said
    assert "10.5194/gmd-15-3161-2022" in (text / "references.bib").read_text()


def test_what_ran_is_cited(results):
    found = methods.run(methods.MethodsRequest(results=tuple(results)))
    text, references = found.text(), bibliography(found.entries)
    assert "The network sen2lcz_net [" in text
    assert "The scenes are of 2023-07-01 [" in text
    keys = set(re.findall(r"\[@(\w+)\]", text))
    assert keys == set(re.findall(r"^@\w+\{(\w+),", references, re.M))
    assert {
        "stewart2012",
        "weights_sen2lcz_net",
        "network_sen2lcz",
        "lindberg2018",
        "lczlib",
    } <= keys
    assert "demuzere2022" not in keys  # nothing was written for WRF
    assert "doi = {10.1109/JSTARS.2020.2995711}" in references
    for one in found.entries:
        assert one.count("{") == one.count("}")


def test_what_changed_since_is_not_told(results):
    document = results[1] / "comparison.json"
    content = json.loads(document.read_text())
    write_json(document, content | {"agreement": 0.99, "pairs": []})
    with pytest.warns(UserWarning, match="comparison.json of .* changed since"):
        found = methods.run(methods.MethodsRequest(results=(results[1],)))
    assert "0.99" not in found.text()
    assert "is not there as it was written" in found.text()


def test_the_command_writes_text_references_and_sources(results, run_lcz, tmp_path):
    code, out, _ = run_lcz("methods", *results, "--out", tmp_path / "paper")
    assert code == 0
    assert "have the same class on" in out
    names = {p.name for p in (tmp_path / "paper").iterdir()}
    assert names == {"methods.md", "references.bib", "sources.csv", "manifest.json"}
    code, _, err = run_lcz("methods", tmp_path, "--out", tmp_path / "none")
    assert code == 1
    assert "manifest.json" in err


def test_entries_hold_what_is_stated_and_nothing_that_breaks_them():
    found = stated(
        "weights_x", "A & B {c}", "Doe 2020, 100 % sure, doi 10.1000/xy_1.", "https://e.org"
    )
    assert "A \\& B (c)" in found
    assert "doi = {10.1000/xy_1}" in found
    assert entry("stewart2012").startswith("@article{stewart2012,")
    with pytest.raises(InputError):
        methods.MethodsRequest(results=())


def test_a_heat_island_without_a_reference_is_told_as_that(tmp_path):
    write_json(tmp_path / "heat_island.json", {"kind": "surface", "reference": None, "classes": []})
    manifest = new_manifest(
        tmp_path,
        "uhi",
        parameters={},
        inputs=[],
        outputs=[tmp_path / "heat_island.json"],
        seconds=1,
    )
    write_manifest(tmp_path, manifest)
    found = methods.run(methods.MethodsRequest(results=(tmp_path,)))
    assert "were compared with no reference" in found.paragraphs[0]
