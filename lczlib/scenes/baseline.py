"""The offset of processing baseline 04.00, as a file's metadata and name tell of it.

Since 25 January 2022 (baseline 04.00) the digital numbers of products carry an offset of -1000
(``RADIO_ADD_OFFSET``, ``BOA_ADD_OFFSET``). It is removed once: not where the file says that somebody
has done so, and not where its dark pixels show it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BASELINE_OFFSET = -1000.0
"""What baseline 04.00 adds to DNs; reflectance = (DN - 1000) / 10000."""

_PRODUCT = re.compile(r"S2[A-D]_MSI(L1C|L2A)_(\d{4})(\d\d)(\d\d)T\d{6}_N(\d\d)(\d\d)_R\d{3}", re.I)
_HARMONISED = re.compile(r"harmoni[sz]ed", re.I)


@dataclass(frozen=True)
class ProductName:
    """What a product's name says (S2A_MSIL2A_20240101T101031_N0510_R022_...)."""

    level: str
    date: str
    baseline: float


@dataclass(frozen=True)
class Offset:
    """An offset of DN that is still in, and what says so.

    Attributes
    ----------
    value : float
        To be added to DN: -1000, or 0.
    by : str
        Why, as a clause; empty where nothing is said of an offset.
    conflict : str
        What else is said, as a sentence; empty where all agree.
    """

    value: float
    by: str = ""
    conflict: str = ""


def named_product(path: str | Path, tags: Mapping[str, str]) -> ProductName | None:
    """The product that a file comes from, by its name, its folders' (or archive's), or its metadata."""
    absolute = str(path) if "://" in str(path) else str(Path(path).absolute())
    for text in (*reversed(re.split(r"[/\\!]", absolute)), *tags.values()):
        found = _PRODUCT.search(text)
        if found:
            level, year, month, day, major, minor = found.groups()
            return ProductName(level.upper(), f"{year}-{month}-{day}", float(f"{major}.{minor}"))
    return None


def stated_offset(path: str | Path, tags: Mapping[str, str], product: ProductName | None) -> Offset:
    """The offset that metadata and name speak of.

    Parameters
    ----------
    path : path
        The file.
    tags : mapping
        Its metadata, keys in lower case.
    product : ProductName or None
        From `named_product`.
    """
    text = " ".join([Path(path).name, *tags.keys(), *tags.values()])
    applied = any(
        "offset_applied" in k and v.lower() in ("true", "1", "yes") for k, v in tags.items()
    )
    if applied or _HARMONISED.search(text):
        return Offset(
            0.0,
            "by its metadata (removed already)"
            if applied
            else "by its name or metadata (harmonised)",
        )
    signals: list[tuple[float, str]] = []
    for key, value in tags.items():
        if re.search(r"(boa|radio)_add_offset", key) and _number(value) is not None:
            signals.append((_number(value), f"by its metadata ({key.upper()}={value})"))
            break
    for key, value in tags.items():
        found = re.fullmatch(r"N?(\d\d)\.?(\d\d)", value.strip(), re.I)
        if found and (key.endswith("processing_baseline") or key == "processing:version"):
            baseline = float(".".join(found.groups()))
            signals.append((offset_of(baseline), f"by its baseline {baseline:05.2f}"))
            break
    if product:
        told = f"by the baseline N{product.baseline:05.2f}".replace(".", "") + " in its name"
        signals.append((offset_of(product.baseline), told))
    if not signals:
        return Offset(0.0)
    value, by = signals[0]
    other = next((f"{o:g} {b}" for o, b in signals[1:] if o != value), "")
    conflict = f"the offset of DN is {value:g} {by}, but {other}" if other else ""
    return Offset(value, by, conflict)


def offset_of(baseline: float) -> float:
    """The offset that products of a baseline carry."""
    return BASELINE_OFFSET if baseline >= 4.0 else 0.0


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
