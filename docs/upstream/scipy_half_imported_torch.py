"""SciPy: a statistic fails while another thread imports PyTorch.

Prints what the last call that failed said, with SciPy as installed.
"""

import sys
import threading

import numpy as np
from scipy import stats

values, said = np.arange(10.0), "no call failed"
thread = threading.Thread(target=__import__, args=("torch",))
thread.start()
while "torch" not in sys.modules:  # an answer from before it is there is kept, and no call fails
    pass
while thread.is_alive():
    try:
        stats.zscore(values)
    except AttributeError as error:
        said = str(error)
print(f"while torch is imported: {said}")  # noqa: T201
