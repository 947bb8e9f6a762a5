"""What networks compute on, and what is peculiar to graphics cards.

Everything that depends on a card's ways is here: whether there is one and this PyTorch can use it, that
float32 is float32 there, what its errors mean, and whose turn it is where several processes share it.
"""

from __future__ import annotations

import getpass
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from threading import Lock

from lczlib.errors import DeviceError
from lczlib.machine import processor
from lczlib.reading import Reading, tell
from lczlib.terms import option

_DRIVER = Path("/proc/driver/nvidia/version")
"""There on Linux where the driver of an NVIDIA card is loaded."""

_NO_MEMORY = re.compile(
    r"out of memory|(CUDNN|CUBLAS|CUFFT)_STATUS_(INTERNAL_ERROR_DEVICE_)?ALLOC(ATION)?_FAILED",
    re.IGNORECASE,
)


def choose_device(device: str = "auto") -> str:
    """The torch device to compute on.

    Parameters
    ----------
    device : str
        ``auto``: cuda, mps or cpu, the first there is. Where there is a card that this PyTorch was not
        built for, that is told (`lczlib.reading`) rather than passed over.

    Raises
    ------
    DeviceError
        If the one asked for is not there.
    """
    import torch

    there = ["cpu"]
    if torch.cuda.is_available():
        there += ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        there.append("mps")
    if device == "auto":
        chosen = next(d for d in ("cuda", "mps", "cpu") if d in there)
        if chosen == "cpu" and (why := idle_card()):
            tell(Reading("device", "cpu", ("the processor computes",), (why,)))
        return chosen
    if device not in there:
        msg = f"There is no device {device!r} here: use one of {', '.join(there)}, or auto."
        if device.startswith("cuda") and (why := idle_card()):
            msg = f"{msg} {why}"
        raise DeviceError(msg)
    return device


@lru_cache(1)
def idle_card() -> str:
    """Why a card that this machine has is not used, and what to do; empty where there is none, or it is."""
    import torch

    if torch.cuda.is_available() or not (_DRIVER.exists() or shutil.which("nvidia-smi")):
        return ""
    if torch.version.cuda is None and torch.version.hip is None:
        return (
            f"There is an NVIDIA card, and this PyTorch ({torch.__version__}) is built for processors alone: "
            "install the CUDA build to map many times faster (README, Devices)."
        )
    return (
        f"There is an NVIDIA card, and PyTorch {torch.__version__} cannot use it: its driver is too old or none "
        f"is free; `nvidia-smi` tells, and {option('device')} cpu goes on without it."
    )


def device_name(device: str) -> str:
    """A device in words, for people and manifests: the card's name, or the processor's."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return f"{processor()} ({device})"


class _Exactly:
    """Counts who needs float32 to be float32; the first sets PyTorch's flags, the last puts them back.

    The flags are the process's, not a thread's: without the count a thread that ends would give them
    back while another still computes.
    """

    def __init__(self) -> None:
        self._lock, self._users, self._flags = Lock(), 0, None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        import torch

        with self._lock:
            if not self._users:
                # `enabled` is False unless said: cuDNN would be off, and everything slow
                flags = torch.backends.cudnn.flags(
                    enabled=True, benchmark=torch.backends.cudnn.benchmark, allow_tf32=False,
                    fp32_precision="ieee",
                )  # fmt: skip
                flags.__enter__()
                self._flags = flags
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._flags.__exit__(None, None, None)


exact_float32 = _Exactly()
"""Context in which float32 is computed in float32, convolutions and products of matrices.

On NVIDIA cards PyTorch rounds them to TF32 (10 bits of mantissa) unless told otherwise, which moves
probabilities by some hundredths while the result says float32. Nests, and may be entered by several threads.
"""


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of PyTorch means that the device's memory is full.

    Beside `torch.OutOfMemoryError` the libraries below it say so in words: cuDNN and cuBLAS that cannot
    allocate their work space, `torch.AcceleratorError`, and Apple's MPS.
    """
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(_NO_MEMORY.search(str(error)))


def halved(error: RuntimeError, batch: int, device: str, what: str) -> int:
    """Half of a batch that a device's memory did not hold, the rest of that memory given back.

    Parameters
    ----------
    error : RuntimeError
        What PyTorch raised.
    batch : int
        How many there were.
    device : str
        The device.
    what : str
        One of the batch, in words: ``a single patch``.

    Raises
    ------
    DeviceError
        If there was one only.
    RuntimeError
        The error itself, if it is of something else.
    """
    if not out_of_memory(error):
        raise error
    if batch == 1:
        msg = f"{device} has no memory left for {what}: use {option('device')} cpu."
        raise DeviceError(msg) from error
    free_memory(device)
    return batch // 2


def free_memory(device: str) -> None:
    """Give back what PyTorch keeps of a device's memory without using it."""
    import torch

    if device.startswith("cuda") and torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


def turn(device: str) -> AbstractContextManager[object]:
    """One user of a device at a time, over all processes of this user; the processor is for all at once.

    Held around the computing alone, a tile at a time, so that others read, hash and write meanwhile, and
    a run that waits can still be stopped between its tiles.
    """
    if device == "cpu":
        return nullcontext()
    from filelock import FileLock

    name = device if ":" in device or device == "mps" else f"{device}:0"
    file = f"lczlib-{getpass.getuser()}-{name.replace(':', '-')}.lock"
    return FileLock(Path(tempfile.gettempdir()) / file, thread_local=True)
