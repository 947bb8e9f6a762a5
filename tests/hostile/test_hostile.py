"""Whatever a file holds, each command ends by itself: a result, one sentence, or a usage error."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from odc.geo.geobox import GeoBox

from lczlib.export import write_lcz_map
from lczlib.grid import on_grid

BOX = GeoBox.from_bbox((500_000, 5_000_000, 500_400, 5_000_400), crs="EPSG:32633", resolution=100)
RUN = Path(__file__).with_name("run.py")


@pytest.mark.slow
def test_mutated_inputs_end_every_command_in_words_in_time_and_in_little_memory():
    done = subprocess.run([sys.executable, RUN, "--n", "50"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "50 cases, 0 faults" in done.stdout


@pytest.mark.slow
def test_the_files_that_are_mutated_are_taken_as_they_are():
    done = subprocess.run([sys.executable, RUN, "--honest"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_what_gdal_quotes_of_a_file_may_be_no_text(tmp_path):
    areas = tmp_path / "areas.kml"
    areas.write_bytes(
        b'<kml xmlns="http://www.opengis.net/kml/2.2"><Document></Document></kml><\xf5\xcd>'
    )
    lcz_map = tmp_path / "lcz.tif"
    codes = on_grid(np.full((4, 4), 6, np.uint8), BOX)
    write_lcz_map(lcz_map, codes)
    done = subprocess.run(
        [sys.executable, "-m", "lczlib", "assess", lcz_map, "--reference", areas, "--out", tmp_path / "out"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "areas.kml" in done.stderr
