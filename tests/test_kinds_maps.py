"""Maps of any numbering, fill, type, layout and legend: the truth, or a refusal whose advice gives it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from test_map_legends import attach, name_of, patches

from lczlib.classes import CLASSES
from lczlib.errors import ClassSchemeError
from lczlib.legends import legend_text
from lczlib.maps import open_lcz_map
from lczlib.reading import readings
from lczlib.terms import worded

CARRIERS = ("none", "lcz.qml", "lcz.tif.aux.xml", "rat", "lcz.sld", "lcz.clr", "tags", "colours")
FILLS = (
    0,
    255,
    254,
    200,
    99,
    -1,
    -128,
    -9999,
    127,
    65535,
    float("nan"),
    -3.4028234663852886e38,
    250,
)


def codes_of(numbering: str, classes: list[int], order: list[int]) -> dict[int, int]:
    """Code of each class that a map holds."""
    if numbering == "0-16":
        return {n: n - 1 for n in classes}
    if numbering == "101-107":
        return {n: n if n <= 10 else n + 90 for n in classes}
    if numbering == "own":  # 1, 2, 3, ... in an order of the user's
        return {n: i for i, n in enumerate([n for n in order if n in classes], start=1)}
    return {n: n for n in classes}


def fitting_type(values: list[float], wanted: str) -> str | None:
    """The wanted type where it holds the values, else none."""
    if wanted.startswith("float"):
        return wanted
    info = np.iinfo(wanted)
    return wanted if all(np.isfinite(v) and info.min <= v <= info.max for v in values) else None


@st.composite
def written(draw):
    """What is drawn of a map: the truth and how it is written."""
    numbering = draw(st.sampled_from(["1-17", "1-17", "0-16", "101-107", "own"]))
    most = 10 if numbering == "own" else 17
    classes = draw(st.lists(st.integers(1, 17), min_size=2, max_size=most, unique=True))
    order = draw(st.permutations(range(1, 18)))
    codes = codes_of(numbering, sorted(classes), order)
    fill = draw(st.sampled_from([None, *FILLS]))
    if fill in codes.values():
        fill = None
    values = [*codes.values()] + ([] if fill is None else [fill])
    kinds = ("uint8", "int8", "int16", "uint16", "int32", "float32", "float64")
    dtype = draw(st.sampled_from([k for k in kinds if fitting_type(values, k)]))
    declared = fill is not None and draw(st.booleans())
    carrier = draw(st.sampled_from(CARRIERS))
    bands = draw(st.sampled_from(["one", "one", "generator"]))
    if numbering == "0-16" and fill == 0 and not declared and carrier in ("none", "colours"):
        fill = None  # such a 0 would be LCZ 1
    if carrier == "colours" and (dtype != "uint8" or bands != "one"):
        carrier = "none"
    chunks = draw(st.sampled_from([None, {"y": 10, "x": 10}]))
    seed = draw(st.integers(0, 99))
    return numbering, codes, fill, declared, dtype, carrier, bands, chunks, seed


def write(folder: Path, drawn) -> tuple[Path, np.ndarray]:
    """The map, and the truth."""
    _, codes, fill, declared, dtype, carrier, bands, _, seed = drawn
    truth = patches([*codes], 36, seed)
    if fill is not None:
        truth[:, :5] = 0
    stored = np.vectorize(lambda n: codes.get(n, fill if fill is not None else 0))(truth).astype(
        dtype
    )
    layers, names = [stored], [""]
    if bands == "generator":
        raw = np.roll(stored, 3, axis=1)
        layers = [raw, stored, np.full_like(stored, 80)]
        names = ["lcz", "lczFilter", "classProbability"]
    path = folder / "lcz.tif"
    for old in folder.iterdir():
        old.unlink()
    with rasterio.open(
        path, "w", driver="GTiff", width=36, height=36, count=len(layers), dtype=dtype, crs="EPSG:32633",
        transform=rasterio.transform.from_origin(400_000, 5_800_000, 100, 100),
        nodata=fill if declared else None,
    ) as dst:  # fmt: skip
        dst.write(np.stack(layers))
        for i, name in enumerate(names, start=1):
            dst.set_band_description(i, name)
        if carrier == "colours":
            dst.write_colormap(1, {code: CLASSES[n - 1].rgb for n, code in codes.items()})
    if carrier not in ("none", "colours"):
        text = {code: name_of(n) for n, code in codes.items()}
        if bands == "generator" and carrier in ("lcz.tif.aux.xml", "rat"):
            attach(path, carrier, text)
            side = path.with_name("lcz.tif.aux.xml")
            side.write_text(side.read_text().replace('band="1"', 'band="2"'))
        elif bands == "generator" and carrier == "lcz.qml":
            attach(path, carrier, text)
            side = path.with_name("lcz.qml")
            side.write_text(side.read_text().replace('band="1"', 'band="2"'))
        else:
            attach(path, carrier, text)
    return path, truth


def advised(message: str, drawn, given: dict) -> dict:
    """The option that a refusal names, with the value that is true of this map."""
    numbering, codes, fill, *_ = drawn
    legend = {code: n for n, code in codes.items()}
    if (
        "--nodata" in message
        and fill is not None
        and f"{fill:g}" in message
        and "nodata" not in given
    ):
        return {"nodata": fill}
    found = re.search(r"--legend ((?:-?\d+=\w+,?)+\b)", message)
    if found and "CLASS" not in found[1]:
        if numbering != "1-17":  # what is advised is the truth, and not only its form
            assert found[1] == legend_text({c: n for c, n in legend.items() if c or n})
        return {"legend": legend}
    if "--scheme" in message and numbering != "own":
        return {"scheme": numbering}
    assert "--legend" in message, message
    return {"legend": legend}


@settings(max_examples=150, deadline=None)
@given(drawn=written())
@pytest.mark.slow
def test_a_map_is_read_right_or_refused_with_the_option_that_reads_it_right(
    tmp_path_factory, drawn
):
    folder = tmp_path_factory.getbasetemp() / "kinds"
    folder.mkdir(exist_ok=True)
    path, truth = write(folder, drawn)
    carrier, chunks = drawn[5], drawn[7]
    given: dict = {}
    for _ in range(4):
        try:
            with readings() as heard:
                lcz = open_lcz_map(path, chunks=chunks, **given)
        except ClassSchemeError as err:
            advice = advised(str(err), drawn, given)
            if advice.keys() <= given.keys():
                pytest.fail(f"{given} gives {err}")
            given |= advice
            continue
        break
    else:
        pytest.fail(f"no advice helped: {given}")
    if np.array_equal(lcz.values, truth):
        assert drawn[6] == "one" or "lczFilter" in heard[0].said[0]
        return
    # nothing but the codes speaks, and they fit another reading: then that is said
    assert carrier in ("none", "colours")
    assert any("--legend" in worded(c) for c in heard[0].cautions)


@settings(max_examples=40, deadline=None)
@given(
    codes=st.lists(st.integers(18, 100), min_size=2, max_size=9, unique=True),
    kind=st.sampled_from(["lcz.qml", "rat", "tags", "lcz.clr"]),
    order=st.permutations(range(1, 18)),
)
@pytest.mark.slow
def test_names_are_the_legend_of_codes_that_are_of_no_numbering(
    tmp_path_factory, codes, kind, order
):
    folder = tmp_path_factory.getbasetemp() / "named"
    folder.mkdir(exist_ok=True)
    classes = dict(zip(codes, order, strict=False))
    drawn = ("own", {n: c for c, n in classes.items()}, None, False, "uint8", kind, "one", None, 0)
    path, truth = write(folder, drawn)
    np.testing.assert_array_equal(open_lcz_map(path), truth)
