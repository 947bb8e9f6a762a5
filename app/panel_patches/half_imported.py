"""What SciPy looks up in PyTorch while a thread is importing it."""

from __future__ import annotations

import sys
from functools import lru_cache

from scipy._lib.array_api_compat.common import _helpers


def look_past_half_imported() -> None:
    """Have SciPy take an array for none of PyTorch's as long as PyTorch is being imported.

    A visitor's first run imports it in a thread of its own, which takes a second or two. SciPy finds the module, asks
    for its arrays' class before that is there, and fails: the pages of all others with it.
    """

    @lru_cache(100)
    def is_subclass(cls: type, module: str, name: str) -> bool:
        parent = getattr(sys.modules.get(module), name, None)
        return parent is not None and issubclass(cls, parent)

    if hasattr(_helpers, "_issubclass_fast"):
        _helpers._issubclass_fast = is_subclass
