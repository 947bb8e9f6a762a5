"""One job through its three faces: the command line, the library and the dashboard's study."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import rasterio

from lczlib.classes import lookup
from lczlib.cli import main
from lczlib.errors import LczError
from lczlib.export import write_json
from lczlib.jobs.request import Request
from lczlib.study import Study

CORNER = (500_000.0, 5_300_000.0)
"""West and north of drawn maps, in EPSG:32630; their cells are 100 m."""


def by_command(request: Request, folder: Path, *, figures: bool = True) -> int:
    """Run a request's command, without its figures where it has any; its exit status."""
    words: list[str] = []
    arguments: list[str] = []
    for name, value in request.given().items():
        told = request.settings()[name]
        values = value if isinstance(value, tuple) else (value,)
        if told.setting.argument:
            arguments += [str(v) for v in values]
        elif told.kind is bool:
            words += [told.option]
        else:
            words += [w for v in values for w in (told.option, str(v))]
    if figures:
        words.append("--no-figures")
    line = ["lcz", request.command, *arguments, *words, "--out", str(folder)]
    silent = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(silent),
        contextlib.redirect_stderr(silent),
    ):
        patch.setattr(sys, "argv", line)
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def by_library(run: Callable[[Any], Any], request: Request) -> Any:
    """What the library finds; the error where it finds nothing."""
    try:
        return run(request)
    except LczError as error:
        return error


def by_study(step: str, folder: Path, **values: Any) -> Any:
    """The output of a study's step on own files; the error where it cannot be had."""
    study = Study(folder / "work", folder / "store")
    study.param.update(city="own", **values)
    try:
        for earlier in ("scene", "reference", "own_map"):
            study.compute(earlier)
        return study.compute(step)
    except LczError as error:
        return error


def plain(content: dict[str, Any]) -> dict[str, Any]:
    """Values as a JSON file holds them."""
    with TemporaryDirectory() as folder:
        return json.loads(write_json(Path(folder) / "x.json", content).read_text())


def patches(rng: np.random.Generator, shape: tuple[int, int], classes: list[int]) -> np.ndarray:
    """A map of square patches of these classes."""
    coarse = rng.choice(classes, [-(-n // 3) for n in shape])
    return np.kron(coarse, np.ones((3, 3), int))[: shape[0], : shape[1]].astype(np.uint8)


def write_codes(
    path: Path, codes: np.ndarray, scheme: str = "1-17", *, cell: float = 100.0, shift: float = 0.0
) -> Path:
    """Write classes 1..17, 0 = no data, as a raster of that numbering, with 255 for no data."""
    table = np.full(256, 255, np.uint8)
    for code, number in lookup(scheme).items():
        if number:
            table[number] = code
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=codes.shape[0], width=codes.shape[1], dtype="uint8",
        crs="EPSG:32630", nodata=255,
        transform=rasterio.transform.from_origin(CORNER[0] + shift, CORNER[1], cell, cell),
    ) as dst:  # fmt: skip
        dst.write(table[codes], 1)
    return path
