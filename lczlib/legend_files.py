"""What a raster's codes are called and how they are coloured, in the file or in the files beside it.

In the file, or in GDAL's ``.aux.xml``: category names, attribute table, colour table, the CF attributes
``flag_values`` and ``flag_meanings``. Beside it: QGIS styles (``.qml``, colour maps as ``.txt``), SLD,
ESRI's ``.clr`` and ``.vat.dbf``.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pyogrio
import rasterio
import rasterio.shutil

from lczlib.classes import NUMBERING
from lczlib.temporary import TemporaryFolder

RGB = tuple[int, int, int]

_MOST_BYTES = 5_000_000
"""A style larger than this is none of 17 classes."""

_NAME_COLUMNS = re.compile(r"lcz|name|class|label|categ|descr|legend|type|zone", re.IGNORECASE)
_LEGEND_MARKS = (
    b"<CategoryNames>", b"<GDALRasterAttributeTable", b"<ColorTable>", b"flag_meanings",
)  # fmt: skip
_CODE_COLUMNS = ("value", "code", "gridcode", "pixel", "dn")


@dataclass(frozen=True)
class FoundLegend:
    """Names and colours of codes, from one place.

    Attributes
    ----------
    source : str
        Where they stand: ``lcz.qml``, ``category names``.
    names : mapping of int to str
        What codes are called.
    colors : mapping of int to (int, int, int)
        Red, green and blue, 0-255.
    embedded : bool
        Whether they are part of the data, and not of a style that may have been drawn at random.
    numbering : str
        Of the codes, as the file states it (``numbering=0-16``, as this library writes it); else empty.
    """

    source: str
    names: Mapping[int, str] = field(default_factory=dict)
    colors: Mapping[int, RGB] = field(default_factory=dict)
    embedded: bool = True
    numbering: str = ""


def find_legends(gdal_name: str, path: str | Path, band: int) -> list[FoundLegend]:
    """All legends of a band: those in the file first, then those beside it.

    Parameters
    ----------
    gdal_name : str
        As GDAL opens the raster.
    path : path
        The file, beside which styles are looked for.
    band : int
        Number of the band, from 1.
    """
    found = [*_in_file(gdal_name, band), *_beside(Path(path), band)]
    return [f for f in found if f.names or f.colors]


def files_beside(path: str | Path) -> list[Path]:
    """The files beside a raster in which its legend stands, as far as there are any.

    GDAL's ``.aux.xml`` counts where it holds more than statistics, a ``.txt`` where it is a colour map.
    """
    path = Path(path)
    if not path.name:  # the folder that one is in
        return []
    found = [style for style, _ in _styles(path) if not _is_other_text(style)]
    described = path.with_name(f"{path.name}.aux.xml")
    if described.is_file() and any(mark in described.read_bytes() for mark in _LEGEND_MARKS):
        found.append(described)
    return found


def _in_file(gdal_name: str, band: int) -> Iterator[FoundLegend]:
    # GDAL's own description of the file is the one place where category names and attribute tables
    # of all formats can be read: rasterio has no call for either
    with TemporaryFolder() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        description = folder / "described.vrt"
        try:
            with rasterio.open(gdal_name) as src:
                rasterio.shutil.copy(src, description, driver="VRT")
            root = ElementTree.fromstring(description.read_bytes())
        except (rasterio.errors.RasterioError, ElementTree.ParseError, OSError):
            return
    described = root.find(f"VRTRasterBand[@band='{band}']")
    if described is None:
        return
    categories = [c.text or "" for c in described.findall("CategoryNames/Category")]
    yield FoundLegend("category names", dict(enumerate(categories)))
    table = described.find("GDALRasterAttributeTable")
    if table is not None:
        yield _attribute_table(table)
    tags = {m.get("key", ""): m.text or "" for m in root.findall("Metadata/MDI")}
    tags |= {m.get("key", ""): m.text or "" for m in described.findall("Metadata/MDI")}
    yield FoundLegend("metadata", _of_tags(tags), numbering=_item(tags, NUMBERING))
    entries = described.findall("ColorTable/Entry")
    yield FoundLegend(
        "colour table",
        colors={i: _rgb(e.get(f"c{k}") for k in (1, 2, 3)) for i, e in enumerate(entries)},
    )


def _of_tags(tags: Mapping[str, str]) -> dict[int, str]:
    """Names in metadata items: CF's flags, or an item a class (``class_3 = open low-rise``)."""
    values = re.findall(r"-?\d+", _item(tags, "flag_values"))
    meanings = _item(tags, "flag_meanings").strip("{}").replace(",", " ").split()
    if values and len(values) == len(meanings):
        return {int(v): m for v, m in zip(values, meanings, strict=True)}
    found = {}
    for key, text in tags.items():
        number = re.fullmatch(r"(?:class|value|category|legend|code)?[_ ]?(\d{1,3})", key.lower())
        if number and text.strip():
            found[int(number.group(1))] = text
    return found


def _item(tags: Mapping[str, str], name: str) -> str:
    """A metadata item, also under the variable's name, as GDAL gives NetCDF's: ``lcz#flag_values``."""
    return next((v for k, v in tags.items() if k.rpartition("#")[2] == name), "")


def _attribute_table(table: ElementTree.Element) -> FoundLegend:
    columns = [
        (d.findtext("Name", ""), d.findtext("Usage", "0")) for d in table.findall("FieldDefn")
    ]
    rows = [[f.text or "" for f in row.findall("F")] for row in table.findall("Row")]
    rows = [r for r in rows if len(r) == len(columns)]
    frame = pd.DataFrame(rows, columns=[f"{i} {name}" for i, (name, _) in enumerate(columns)])
    by_usage = {usage: frame.columns[i] for i, (_, usage) in reversed([*enumerate(columns)])}
    code = by_usage.get("5") or by_usage.get("3")  # GFU_MinMax, GFU_Min
    if code is None and table.get("Row0Min") is not None:
        first, step = float(table.get("Row0Min", 0)), float(table.get("BinSize", 1))
        frame["code"] = [first + i * step for i in range(len(frame))]
        code = "code"
    return _of_table("attribute table", frame, code, by_usage.get("2"))  # GFU_Name


def _of_table(
    source: str, frame: pd.DataFrame, code: str | None = None, name: str | None = None
) -> FoundLegend:
    """The legend of a table with a row a code, whose columns go by many names."""
    plain = {c: re.sub(r"^\d+ ", "", str(c)).casefold() for c in frame.columns}
    code = code or next((c for w in _CODE_COLUMNS for c in plain if plain[c] == w), None)
    if code is None:
        return FoundLegend(source)
    codes = pd.to_numeric(frame[code], errors="coerce")
    whole = codes.notna() & (codes == codes.round())
    keys = codes[whole].astype(int)

    def column(c: str) -> dict[int, str]:
        return {k: _text(v) for k, v in zip(keys, frame.loc[whole, c], strict=True)}

    named = [c for c in plain if c != code and _NAME_COLUMNS.search(plain[c])]
    if name is not None and name not in named:
        named.insert(0, name)
    texts = [c for c in named if pd.to_numeric(frame[c], errors="coerce").isna().any()]
    # a column of numbers names classes only where it says that they are LCZ
    numbers = [c for c in named if c not in texts and "lcz" in plain[c]]
    # of several columns of text, the one that tells the zones
    chosen = next((c for c in (*texts, *numbers) if "lcz" in plain[c]), (texts or [None])[0])
    parts = [
        next((c for c in plain if plain[c] in (w, w[0])), None) for w in ("red", "green", "blue")
    ]
    colors = {}
    if None not in parts:
        colors = {
            k: _rgb(values)
            for k, values in zip(keys, frame.loc[whole, parts].itertuples(index=False), strict=True)
        }
    return FoundLegend(source, column(chosen) if chosen else {}, colors)


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value).strip()


def _beside(path: Path, band: int) -> Iterator[FoundLegend]:
    for style, read in _styles(path):
        try:
            if style.stat().st_size <= _MOST_BYTES:
                yield read(style, band)
        except (OSError, ValueError, ElementTree.ParseError, pyogrio.errors.DataSourceError):
            continue  # what is no style speaks for nothing


def _styles(path: Path) -> Iterator[tuple[Path, Callable[[Path, int], FoundLegend]]]:
    """The files beside a raster that may be styles of it, each with what reads it."""
    readers = {
        ".qml": _qml, ".sld": _sld, ".clr": _clr, ".txt": _color_map, ".vat.dbf": _dbf,
    }  # fmt: skip
    for ending, read in readers.items():
        for name in dict.fromkeys((path.name, path.stem)):
            for suffix in (ending, ending.upper()):
                style = path.with_name(name + suffix)
                if style != path and style.is_file():
                    yield style, read
                    break


def _root(path: Path) -> ElementTree.Element:
    content = path.read_bytes()
    if b"<!ENTITY" in content:
        msg = f"{path.name} declares entities."
        raise ValueError(msg)
    return ElementTree.fromstring(content)


def _qml(path: Path, band: int) -> FoundLegend:
    names, colors = {}, {}
    for renderer in _root(path).iter("rasterrenderer"):
        if int(renderer.get("band") or band) not in (band, -1):
            continue
        for entry in [*renderer.iter("paletteEntry"), *renderer.iter("item")]:
            _add(entry.get("value"), entry.get("label"), entry.get("color"), names, colors)
    return FoundLegend(path.name, names, colors, embedded=False)


def _sld(path: Path, band: int) -> FoundLegend:  # noqa: ARG001 - all readers are called alike
    names, colors = {}, {}
    for entry in _root(path).iter():
        if entry.tag.rpartition("}")[2] == "ColorMapEntry":
            quantity, label = entry.get("quantity"), entry.get("label")
            _add(quantity, label, entry.get("color"), names, colors)
    return FoundLegend(path.name, names, colors, embedded=False)


def _add(
    value: str | None, label: str | None, color: str | None, names: dict[int, str], colors: dict[int, RGB]
) -> None:  # fmt: skip
    try:
        number = float(value or "nan")
    except ValueError:
        return
    if not number.is_integer():
        return
    names[int(number)] = (label or "").strip()
    if re.fullmatch(r"#[0-9a-fA-F]{6}", color or ""):
        colors[int(number)] = _rgb(bytes.fromhex(color[1:]))


def _clr(path: Path, band: int) -> FoundLegend:  # noqa: ARG001
    """ESRI's ``CODE RED GREEN BLUE [NAME]``, blanks or commas between."""
    names, colors = {}, {}
    for line in path.read_text("utf-8", errors="replace").splitlines():
        parts = re.match(r"\s*(-?\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\d+)(.*)", line)
        if parts:
            code = int(parts[1])
            colors[code] = _rgb(parts.group(2, 3, 4))
            names[code] = re.sub(r"^[\s,]*\d*[\s,]+", "", parts[5]).strip()
    return FoundLegend(path.name, names, colors, embedded=False)


def _color_map(path: Path, band: int) -> FoundLegend:
    """QGIS's colour map, ``CODE,RED,GREEN,BLUE,ALPHA,NAME``: any other text is none."""
    return FoundLegend(path.name) if _is_other_text(path) else _clr(path, band)


def _is_other_text(path: Path) -> bool:
    """Whether a file is a text that is no colour map of QGIS."""
    if path.suffix.lower() != ".txt":
        return False
    with path.open("rb") as file:
        return b"INTERPOLATION:" not in file.read(400)


def _dbf(path: Path, band: int) -> FoundLegend:  # noqa: ARG001
    frame = pyogrio.read_dataframe(path, read_geometry=False, use_arrow=False)
    return _of_table(path.name, pd.DataFrame(frame))


def _rgb(values: Iterable[object]) -> RGB:
    """Three numbers as red, green, blue, also from fractions of one as ESRI writes them."""
    numbers = [float(v or 0) for v in values]
    if any(0 < v < 1 for v in numbers) and max(numbers) <= 1:
        numbers = [255 * v for v in numbers]
    return tuple(int(min(max(v, 0), 255)) for v in numbers)  # type: ignore[return-value]
