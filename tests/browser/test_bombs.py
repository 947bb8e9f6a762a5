"""Files and runs that would take the server's memory: refused or ended, while others are answered."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from helpers import answered, go, upload

pytestmark = pytest.mark.browser

_GIGABYTES = 0.06
"""A city's scenes are within it by their headers, and mapping them is not."""
STUCK = 30
"""Seconds; a server that takes such a file in is busy for minutes."""


def declaring(path: Path, edge: int = 100_000, count: int = 1, dtype: str = "uint8") -> Path:
    """A sparse GeoTIFF of some kilobytes."""
    with rasterio.open(
        path, "w", driver="GTiff", width=edge, height=edge, count=count, dtype=dtype, crs="EPSG:32631",
        transform=rasterio.transform.from_origin(5e5, 5.78e6, 10, 10), tiled=True, blockxsize=4096,
        blockysize=4096, sparse_ok=True, bigtiff="YES", compress="deflate",
    ) as dst:  # fmt: skip
        dst.descriptions = ("VV", "VH")[:count]
    assert path.stat().st_size < 20_000
    return path


def many_rows(path: Path, n: int = 60_000_000) -> Path:
    """A Parquet table of a few kilobytes."""
    schema = pa.schema(
        [("time", pa.timestamp("s")), ("station", pa.string()), ("temp", pa.float32())]
    )
    with pq.ParquetWriter(path, schema) as writer:
        part = pa.table({f.name: pa.nulls(n // 6, f.type) for f in schema}, schema=schema)
        for _ in range(6):
            writer.write_table(part)
    assert path.stat().st_size < 2_000_000
    return path


@pytest.fixture
def small(start: Callable[..., Any], server: Any) -> Any:
    """A server whose visitors' jobs may take little."""
    own = start(cache=Path(server.log.name).parent, LCZLIB_MEMORY=str(_GIGABYTES)).wait()
    yield own
    own.stop()


def answered_in(page: Any) -> float:
    """Seconds until a visitor who asks for another page, seen before, sees it."""
    begun = time.monotonic()
    go(page, "Accuracy")
    page.get_by_text("8.0 × 8.0 km").wait_for(state="hidden")
    took = time.monotonic() - begun
    go(page, "City")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    return took


def test_files_that_declare_more_than_the_memory_are_refused_on_the_page(
    small: Any, visit: Callable[..., Any], tmp_path: Path
) -> None:
    page, other = visit(f"{small.url}?page=city"), visit(f"{small.url}?page=city")
    for one in (page, other):
        one.get_by_text("8.0 × 8.0 km").wait_for()
    answered_in(other)  # the page is built now
    upload(page, "Another LCZ map", declaring(tmp_path / "map.tif"))
    answered(page, "map.tif is in use, and cannot be read as it is")
    go(page, "Compare")
    page.get_by_text("declares 100,000 x 100,000 pixels").first.wait_for()
    assert answered_in(other) < STUCK
    page = visit(f"{small.url}?page=city&heat_kind=canopy&heat_map=reference")
    page.get_by_text("8.0 × 8.0 km").wait_for()
    upload(page, "Air temperatures", many_rows(tmp_path / "air.parquet"))
    answered(page, "air.parquet is in use, and cannot be read as it is")
    go(page, "Heat island")
    page.get_by_text("declares 60,000,000 rows x 3 columns").first.wait_for()
    assert answered_in(other) < STUCK
    resident = psutil.Process(small.process.pid).memory_info().rss
    assert resident < 1.5e9
    assert small.errors() == []


def test_a_run_that_takes_too_much_is_ended_and_the_server_goes_on(
    small: Any, visit: Callable[..., Any]
) -> None:
    # a map that nobody has made: one that lies ready would be shown
    page, other = visit(f"{small.url}?page=map&fusion=product"), visit(f"{small.url}?page=city")
    other.get_by_text("8.0 × 8.0 km").wait_for()
    answered_in(other)  # the page is built now
    page.get_by_role("button", name="Run", exact=True).click()
    assert answered_in(other) < STUCK
    said = re.compile(
        r"took more than the 0\.1 GB of memory that a job may take and was stopped: choose"
    )
    page.get_by_text(said).first.wait_for()
    assert answered_in(other) < STUCK
    page.reload()
    page.get_by_role("button", name="Run", exact=True).wait_for()
    assert small.process.poll() is None
    assert small.errors() == []
