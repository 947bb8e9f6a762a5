"""Whatever a file holds, each command ends by itself: a result, one sentence, or a usage error."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")


@pytest.mark.slow
def test_mutated_inputs_end_every_command_in_words_in_time_and_in_little_memory():
    done = subprocess.run([sys.executable, RUN, "--n", "150"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "150 cases, 0 faults" in done.stdout


@pytest.mark.slow
def test_the_files_that_are_mutated_are_taken_as_they_are():
    done = subprocess.run([sys.executable, RUN, "--honest"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
