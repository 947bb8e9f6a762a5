"""Legends in a map's file and beside it, and rasters that are no LCZ map."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio

from lczlib.classes import CLASSES
from lczlib.errors import ClassSchemeError, InputError
from lczlib.legend_files import files_beside
from lczlib.legends import parse_legend
from lczlib.maps import open_lcz_map
from lczlib.reading import readings
from lczlib.terms import worded

OWN = {1: 2, 2: 3, 3: 12, 4: 14, 5: 17}
ADVICE = "--legend 1=2,2=3,3=B,4=D,5=G"


def patches(codes, size: int = 24, seed: int = 0) -> np.ndarray:
    """A map of blocks of 4 x 4 cells, that holds all the codes."""
    rng = np.random.default_rng(seed)
    blocks = rng.choice(codes, (size // 4, size // 4))
    blocks.ravel()[: len(codes)] = codes
    return np.kron(blocks, np.ones((4, 4), int)).astype(blocks.dtype)


def name_of(number: int) -> str:
    return CLASSES[number - 1].label if number else "no data"


def qml(names=None, colors=None) -> str:
    entries = "".join(
        f'<paletteEntry value="{c}" label="{(names or {}).get(c, c)}" color="{(colors or {}).get(c, "#123456")}"/>'
        for c in sorted({**(names or {}), **(colors or {})})
    )
    return (
        '<!DOCTYPE qgis PUBLIC "http://mrcc.com/qgis.dtd" "SYSTEM"><qgis><pipe><rasterrenderer band="1" '
        f'type="paletted"><colorPalette>{entries}</colorPalette></rasterrenderer></pipe></qgis>'
    )


def categories(names) -> str:
    listed = "".join(f"<Category>{names.get(i, '')}</Category>" for i in range(max(names) + 1))
    return f'<PAMDataset><PAMRasterBand band="1"><CategoryNames>{listed}</CategoryNames></PAMRasterBand></PAMDataset>'


def rat(names) -> str:
    rows = "".join(
        f'<Row index="{i}"><F>{c}</F><F>77</F><F>{n}</F></Row>'
        for i, (c, n) in enumerate(names.items())
    )
    return (
        '<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable>'
        '<FieldDefn index="0"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>'
        '<FieldDefn index="1"><Name>Count</Name><Type>0</Type><Usage>1</Usage></FieldDefn>'
        '<FieldDefn index="2"><Name>Class_Name</Name><Type>2</Type><Usage>0</Usage></FieldDefn>'
        f"{rows}</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"
    )


def sld(names, colors=None) -> str:
    entries = "".join(
        f'<sld:ColorMapEntry quantity="{c}" label="{n}" color="{(colors or {}).get(c, "#102030")}"/>'
        for c, n in names.items()
    )
    return f'<sld:StyledLayerDescriptor xmlns:sld="http://www.opengis.net/sld">{entries}</sld:StyledLayerDescriptor>'


def clr(names) -> str:
    return "\n".join(f"{c} 10 20 {30 + c} {n}" for c, n in names.items())


def color_map(names) -> str:
    lines = [f"{c},10,20,{30 + c},255,{n}" for c, n in names.items()]
    return "\n".join(["# QGIS Generated Color Map Export File", "INTERPOLATION:EXACT", *lines])


BESIDE = {
    "lcz.qml": qml, "lcz.tif.aux.xml": categories, "rat": rat, "lcz.sld": sld, "lcz.clr": clr,
    "lcz.txt": color_map, "lcz.tif.vat.dbf": None, "tags": None,
}  # fmt: skip


def attach(path, kind: str, names) -> None:
    """Write names beside a map, or into it."""
    if kind == "tags":
        with rasterio.open(path, "r+") as dst:
            dst.update_tags(
                flag_values=", ".join(map(str, names)),
                flag_meanings=" ".join(
                    n.replace(" ", "_").replace("-", "_") for n in names.values()
                ),
            )
    elif kind.endswith(".dbf"):
        frame = pd.DataFrame({"Value": list(names), "Count": 1, "LCZ_NAME": list(names.values())})
        shape = path.with_name("table.shp")
        pyogrio.write_dataframe(
            gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy([0] * len(frame), [0] * len(frame)), crs=4326),
            shape,
        )  # fmt: skip
        shape.with_suffix(".dbf").replace(path.with_name(kind))
        for rest in path.parent.glob("table.*"):
            rest.unlink()
    else:
        target = path.with_name("lcz.tif.aux.xml" if kind == "rat" else kind)
        target.write_text(BESIDE[kind](names))


@pytest.mark.parametrize("kind", BESIDE)
def test_an_own_legend_is_found_wherever_it_stands(write_tif, run_lcz, kind):
    path = write_tif(patches([*OWN]).astype(np.uint8), "lcz.tif", pixel=100)
    attach(path, kind, {c: name_of(n) for c, n in OWN.items()})
    code, _, err = run_lcz("morphology", path, "--out", path.parent / "m")
    assert code == 1
    assert ADVICE in err
    lcz = open_lcz_map(path, legend=ADVICE.split()[1])
    assert {
        int(a): int(b) for a, b in zip(patches([*OWN]).ravel(), lcz.values.ravel(), strict=True)
    } == OWN


@pytest.mark.parametrize("kind", BESIDE)
def test_a_legend_of_the_usual_numbers_agrees(write_tif, kind):
    codes = patches([1, 2, 3, 6, 11, 14, 17]).astype(np.uint8)
    path = write_tif(codes, "lcz.tif", pixel=100)
    attach(path, kind, {c.number: c.label for c in CLASSES})
    with readings() as heard:
        np.testing.assert_array_equal(open_lcz_map(path), codes)
    assert "agree" in heard[0].facts["legend_found"]
    assert not heard[0].cautions


@pytest.mark.parametrize("kind", [k for k in BESIDE if k != "tags"])
def test_a_legend_beside_a_map_is_an_input_of_the_result(write_tif, run_lcz, tmp_path, kind):
    path = write_tif(patches([1, 6, 14, 17]).astype(np.uint8), "lcz.tif", pixel=100)
    path.with_name("lcz.tif.txt").write_text("where the map is from")
    attach(path, kind, {c.number: c.label for c in CLASSES})
    out = tmp_path / "out" / "m"
    line = ("morphology", path, "--parameter", "height")
    assert run_lcz(*line, "--out", out)[0] == 0
    name = "lcz.tif.aux.xml" if kind == "rat" else kind
    inputs = [i["path"] for i in json.loads((out / "manifest.json").read_text())["inputs"]]
    assert sorted(inputs) == sorted(["../../lcz.tif", f"../../{name}"])
    with path.with_name(name).open("ab") as style:
        style.write(b" ")
    code, _, err = run_lcz("rerun", out, "--out", tmp_path / "again")
    assert code == 1
    assert f"{name} has changed since" in err


def test_names_settle_what_codes_leave_open(write_tif):
    codes = patches([0, 5, 10, 13, 16]).astype(np.uint8)
    path = write_tif(codes, "lcz.tif", pixel=100)
    with pytest.raises(ClassSchemeError, match="ambiguous"):
        open_lcz_map(path)
    attach(path, "lcz.qml", {c.number - 1: c.label for c in CLASSES})
    with readings() as heard:
        np.testing.assert_array_equal(open_lcz_map(path), codes + 1)
    assert heard[0].facts["numbering"] == "0-16"
    assert heard[0].facts["known_by"] == "by the names in lcz.qml"


def test_names_give_codes_of_no_numbering_their_classes(write_tif):
    path = write_tif(patches([20, 30, 40]).astype(np.uint8), "lcz.tif", pixel=100)
    with pytest.raises(ClassSchemeError, match="--legend 20=CLASS"):
        open_lcz_map(path)
    attach(path, "rat", {20: "LCZ 6", 30: "Dense trees", 40: "LCZ G (water)"})
    assert set(np.unique(open_lcz_map(path))) == {6, 11, 17}


@pytest.mark.parametrize("name", ["{n} - {code}", "{n}: {code}", "{n} - {n}", "{n} - {name}"])
def test_a_legend_may_repeat_the_code_before_the_class(write_tif, name):
    codes = patches([2, 5, 11, 17]).astype(np.uint8)
    path = write_tif(codes, "lcz.tif", pixel=100)
    names = {c.number: name.format(n=c.number, code=c.code, name=c.name) for c in CLASSES}
    attach(path, "lcz.qml", names)
    with readings() as heard:
        np.testing.assert_array_equal(open_lcz_map(path), codes)
    assert "agree" in heard[0].facts["legend_found"]
    assert not heard[0].cautions


@pytest.mark.parametrize(
    "name", ["LCZ 6 compact low-rise", "LCZ 8, LCZ 10", "LCZ 8/10", "6 - LCZ 8 or 9", "A and B"]
)
def test_a_name_of_two_classes_is_never_the_first(write_tif, name):
    path = write_tif(patches([20, 30, 40]).astype(np.uint8), "lcz.tif", pixel=100)
    attach(path, "rat", {20: name, 30: "Dense trees", 40: "LCZ G (water)"})
    with pytest.raises(ClassSchemeError, match="20=CLASS"):
        open_lcz_map(path)


CORINE = {
    1: "Continuous urban fabric", 2: "Discontinuous urban fabric", 12: "Non-irrigated arable land",
    15: "Vineyards",
}  # fmt: skip
CORINE_COLORS = {1: (230, 0, 77), 2: (255, 0, 0), 12: (255, 255, 168), 15: (230, 128, 0)}


@pytest.mark.parametrize("kind", BESIDE)
def test_land_cover_is_refused_by_its_names(write_tif, kind):
    path = write_tif(patches([*CORINE]).astype(np.uint8), "lcz.tif", nodata=0, pixel=100)
    attach(path, kind, CORINE)
    with pytest.raises(ClassSchemeError, match=r"no Local Climate Zones"):
        open_lcz_map(path)
    with readings() as heard:
        open_lcz_map(path, scheme="1-17")
    assert "as stated, against the" in heard[0].cautions[0]


def colored(write_tif, codes, colors):
    path = write_tif(codes.astype(np.uint8), "lcz.tif", nodata=0, pixel=100)
    with rasterio.open(path, "r+") as dst:
        dst.write_colormap(1, colors)
    return path


def test_land_cover_is_refused_by_its_colours(write_tif):
    path = colored(write_tif, patches([*CORINE]), CORINE_COLORS)
    with pytest.raises(ClassSchemeError, match=r"colour table is none of Local Climate Zones"):
        open_lcz_map(path)
    assert set(np.unique(open_lcz_map(path, scheme="1-17"))) == {1, 2, 12, 15}


def test_colours_of_other_classes_are_another_legend(write_tif):
    path = colored(write_tif, patches([*OWN]), {c: CLASSES[n - 1].rgb for c, n in OWN.items()})
    with pytest.raises(ClassSchemeError, match=ADVICE):
        open_lcz_map(path)


@pytest.mark.parametrize("palette", ["standard", "generator", "grey", "rainbow"])
def test_colours_of_lcz_and_ramps_are_no_reason_to_refuse(write_tif, palette):
    import colorsys

    from lczlib.legends import _PALETTES

    def color(n: int):
        if palette == "grey":
            return (15 * n,) * 3
        if palette == "rainbow":
            return tuple(int(255 * v) for v in colorsys.hsv_to_rgb(0.7 - 0.7 * n / 17, 1, 1))
        return _PALETTES[palette == "generator"][n - 1]

    codes = patches(np.arange(1, 18))
    path = colored(write_tif, codes, {n: color(n) for n in range(1, 18)})
    np.testing.assert_array_equal(open_lcz_map(path), codes)


def test_a_map_of_an_own_legend_without_any_names_is_warned_of(write_tif):
    path = write_tif(patches([*OWN]).astype(np.uint8), "lcz.tif", pixel=100)
    with readings() as heard:
        open_lcz_map(path)
    assert "--legend" in worded(heard[0].cautions[0])


@pytest.mark.parametrize(
    "description", ["building height", "Land Cover", "valid fraction", "classProbability"]
)
def test_a_band_that_says_that_it_is_something_else_is_refused(write_tif, description):
    path = write_tif(patches([1, 2, 14, 17]).astype(np.uint8), descriptions=(description,))
    with pytest.raises(ClassSchemeError, match="described as"):
        open_lcz_map(path)


def test_heights_and_counts_are_warned_of(write_tif):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:120, :120]
    heights = np.clip(np.round(9 + 5 * np.sin(x / 15) + 4 * np.cos(y / 11)), 1, 17).astype(np.uint8)
    counts = np.clip(rng.poisson(4, (120, 120)), 1, 17).astype(np.uint8)
    counts[0, 0] = 17
    for values in (heights, counts):
        with readings() as heard:
            open_lcz_map(write_tif(values, nodata=0))
        assert any("counts or heights" in c for c in heard[0].cautions)


def test_a_mask_of_ones_is_refused(write_tif):
    path = write_tif(np.ones((20, 20), np.float32))
    with pytest.raises(ClassSchemeError, match="mask or a share"):
        open_lcz_map(path)
    assert (open_lcz_map(path, scheme="1-17") == 1).all()


def test_scale_and_offset_belong_to_the_codes(write_tif):
    codes = patches([1, 6, 14, 17])
    path = write_tif((codes - 1).astype(np.uint8), pixel=100)
    with rasterio.open(path, "r+") as dst:
        dst.offsets = (1.0,)
    np.testing.assert_array_equal(open_lcz_map(path), codes)


def test_wrfs_land_use_beside_its_urban_types_is_left_out_on_request(write_tif):
    path = write_tif(patches([1, 5, 13, 51, 52, 56, 61]).astype(np.float32), pixel=100)
    with pytest.raises(ClassSchemeError, match="--scheme wrf"):
        open_lcz_map(path)
    with readings() as heard:
        assert set(np.unique(open_lcz_map(path, scheme="wrf"))) == {0, 1, 2, 6, 15}
    assert set(heard[0].facts["cells_left_out"]) == {"1", "5", "13"}


@pytest.mark.parametrize("text", ["1", "1=Q", "1=2,1=3", "", "a=3", "1=2=3"])
def test_a_legend_that_is_none_is_refused(text):
    with pytest.raises(InputError):
        parse_legend(text)


def test_options_are_for_the_map_they_name(write_tif, run_lcz, tmp_path):
    truth = patches([1, 6, 14, 17])
    ours = write_tif(truth.astype(np.uint8), "ours.tif", pixel=100)
    theirs = write_tif((truth - 1).astype(np.uint8), "theirs.tif", pixel=100)
    order = {1: 1, 6: 2, 14: 3, 17: 4}
    own = write_tif(np.vectorize(order.get)(truth).astype(np.uint8), "own.tif", pixel=100)
    line = ("compare", ours, theirs, own, "--no-figures", "--out", tmp_path / "c")
    code, _, err = run_lcz(*line)
    assert code == 1
    assert "ambiguous" in err
    told = ("--scheme", "theirs=0-16", "--legend", "own=1=1,2=6,3=D,4=G")
    code, out, err = run_lcz(*line, *told)
    assert code == 0, err
    assert out.count("agreement 1.0000") == 3
    code, out, _ = run_lcz("rerun", tmp_path / "c", "--out", tmp_path / "again")
    assert code == 0
    assert out.count("agreement 1.0000") == 3
    code, _, err = run_lcz(
        "assess", ours, "--reference", own, *told[2:], "--no-figures", "--out", tmp_path / "a"
    )
    assert code == 0, err
    code, _, err = run_lcz(*line, "--nodata", "others=255")
    assert code == 2
    assert "no map of these: ours, theirs, own" in err


def test_what_a_message_advises_is_for_the_map_it_is_about(write_tif, run_lcz, tmp_path):
    good = patches([1, 6, 14, 17]).astype(np.uint8)
    ours = write_tif(good, "ours.tif", pixel=100)
    fill = write_tif(np.where(good == 1, 200, good).astype(np.uint8), "fill.tif", pixel=100)
    code, _, err = run_lcz("compare", ours, fill, "--no-figures", "--out", tmp_path / "c")
    assert code == 1
    assert "--nodata fill=200" in err
    assert (
        run_lcz(
            "compare", ours, fill, "--nodata", "fill=200", "--no-figures", "--out", tmp_path / "c"
        )[0]
        == 0
    )
    code, _, err = run_lcz("uhi", fill, "--stations", ours)
    assert code == 1
    lst = write_tif(np.full((24, 24), 300, np.float32), "lst.tif", pixel=100)
    code, _, err = run_lcz("uhi", fill, "--lst", lst, "--unit", "K", "--out", tmp_path / "u")
    assert code == 1
    assert "--map-nodata 200" in err


def test_beside_the_folder_that_one_is_in_lies_no_legend(tmp_path, monkeypatch):
    (tmp_path / ".qml").write_text("<qgis/>")
    monkeypatch.chdir(tmp_path)
    assert files_beside(Path()) == []
