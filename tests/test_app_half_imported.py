"""Statistics of SciPy in one thread while another imports PyTorch."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("panel")

SCRIPT = """
import sys
import threading
import numpy as np
from app.panel_patches.half_imported import look_past_half_imported
look_past_half_imported()
from scipy import stats
values, calls = np.arange(10.0), 0
thread = threading.Thread(target=__import__, args=("torch",))
thread.start()
while "torch" not in sys.modules:
    pass
while thread.is_alive():
    stats.zscore(values)
    calls += 1
import torch
print(calls > 0, round(float(stats.zscore(torch.arange(10.0).numpy())[0]), 3))
"""


def test_statistics_do_not_fail_meanwhile():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "-1.567"], done.stderr
