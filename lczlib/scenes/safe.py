"""Sentinel-2 products as ESA delivers them: ``S2A_MSIL2A_....SAFE``, as a folder or a zip archive.

Bands of 20 m are laid on the grid of 10 m by doubling their pixels, which changes no value. Scale,
offset of each band, day and level come from ``MTD_MSIL1C.xml`` or ``MTD_MSIL2A.xml`` (Sentinel-2
Products Specification Document, sections 4.6 and 4.9). Of surface reflectance, what the scene
classification calls cloud, cloud shadow, cirrus, snow or defective is missing.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import dask.array as da
import numpy as np
import xarray as xr

from lczlib.errors import GridError, InputError
from lczlib.grid import geobox_of
from lczlib.limits import check_size
from lczlib.rasters import open_raster
from lczlib.reading import Reading, share, tell
from lczlib.scenes.bands import ALL_BANDS, BANDS
from lczlib.scenes.classification import UNCLEAR, hides_land
from lczlib.scenes.fills import Fills
from lczlib.scenes.optical import scene_of
from lczlib.scenes.scaling import QUANTIFICATION, Scaling

_METADATA = re.compile(r"(?:MTD_MSI(L1C|L2A)|S2[A-D]_\w+_MTD_SAF(L1C|L2A)_\w+)\.xml")
_TILE = re.compile(r"GRANULE/[^/]+/(?:MTD_TL|S2[A-D]_\w+_MTD_L1C_TL_\w+)\.xml")
_IMAGE = re.compile(r"GRANULE/([^/]+)/IMG_DATA/(?:.*/)?\w+_(B\d\d|B8A|SCL)(?:_(\d\d)m)?\.jp2")
_NAME = re.compile(r"S2[A-D]_MSI(L1C|L2A)_\d{8}T\d{6}_N\d{4}_R\d{3}_\w+", re.IGNORECASE)
_CHUNK = 1024  # the tiles of the products' JPEG 2000 files


@dataclass(frozen=True)
class SafeProduct:
    """What a product holds and says of itself.

    Attributes
    ----------
    root : str
        Its folder, or ``archive.zip/folder``.
    level, date, baseline : str
        ``L1C`` or ``L2A``; ``yyyy-mm-dd``; ``05.10``.
    images : dict of str to str
        File of each of the ten bands and of ``SCL``, below `root`, at its finest.
    quantification : float
        DN for a reflectance of 1.
    offsets : dict of str to float
        DN to add, by band.
    cloud : float or None
        Cloud cover in per cent, as the metadata say.
    files : tuple of str
        What a result depends on: the archive, or metadata and images.
    """

    root: str
    level: str
    date: str
    baseline: str
    images: dict[str, str]
    quantification: float
    offsets: dict[str, float]
    cloud: float | None
    files: tuple[str, ...]


def find_product(path: str | Path) -> str:
    """The root of the product that a path names; empty where it names none.

    Parameters
    ----------
    path : path
        A product's folder, the folder that holds it alone, its zip archive, or its ``MTD_MSI*.xml``.

    Raises
    ------
    InputError
        If a folder or archive holds several.
    """
    if str(path).startswith(("zip://", "/vsi")):
        return ""
    path = Path(path)
    if path.is_dir():
        if (path / "GRANULE").is_dir() or any(_METADATA.fullmatch(p.name) for p in path.iterdir()):
            return str(path)
        inner = [p.name for p in path.iterdir() if p.is_dir() and p.name.upper().endswith(".SAFE")]
        inner = [n for n in inner if "_MSI" in n.upper()]
        if path.suffix.upper() == ".SAFE" and _NAME.match(path.name):
            return str(path)
    elif path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        tops = {n.split("/")[0] for n in zipfile.ZipFile(path).namelist() if "/GRANULE/" in n}
        inner = [t for t in tops if "_MSI" in t.upper()]
    elif path.is_file() and _METADATA.fullmatch(path.name):
        return str(path.parent)
    else:
        return ""
    if len(inner) > 1:
        msg = (
            f"{path} holds {len(inner)} Sentinel-2 products ({', '.join(sorted(inner))}): give one."
        )
        raise InputError(msg)
    return str(path / inner[0]) if inner else ""


def read_product(path: str | Path) -> SafeProduct:
    """What a product holds and says of itself, without its images.

    Raises
    ------
    InputError
        If it is incomplete or damaged, or in the format of before December 2016 with several tiles.
    """
    root = find_product(path)
    if not root:
        msg = f"{path} is no Sentinel-2 product: it holds no GRANULE folder and no MTD_MSI*.xml."
        raise InputError(msg)
    again = "it is incomplete or damaged; fetch it again"
    archive = _archive_of(root)
    names = _members(root, archive)
    metadata = [n for n in names if _METADATA.fullmatch(n)]
    if not metadata:
        msg = f"The product {path} lacks its metadata (MTD_MSIL1C.xml or MTD_MSIL2A.xml): {again}."
        raise InputError(msg)
    level = next(g for g in _METADATA.fullmatch(metadata[0]).groups() if g)
    images = [(n, m) for n in names if (m := _IMAGE.fullmatch(n))]
    granules = sorted({m.group(1) for _, m in images})
    if len(granules) > 1:
        msg = (
            f"The product {path} holds {len(granules)} tiles ({', '.join(granules[:3])}, ...), as before "
            "December 2016: fetch the tile as a product of its own (reprocessed, Collection 1)."
        )
        raise InputError(msg)
    finest: dict[str, tuple[int, str]] = {}
    for name, found in images:
        key, pixel = found.group(2), int(found.group(3) or 0)
        finest[key] = min(finest.get(key, (pixel, name)), (pixel, name))
    missing = [b for b in BANDS if b not in finest]
    if missing:
        msg = f"The product {path} lacks the image(s) of {', '.join(missing)}: {again}."
        raise InputError(msg)
    try:
        tree = ElementTree.fromstring(_bytes(root, archive, metadata[0]))
        values = _values(tree)
        quantification = float(
            values.get("BOA_QUANTIFICATION_VALUE")
            or values.get("L2A_BOA_QUANTIFICATION_VALUE")
            or values["QUANTIFICATION_VALUE"]
        )
        offsets = {
            ALL_BANDS[int(e.get("band_id", ""))]: float(e.text or "")
            for e in tree.iter()
            if e.tag.rsplit("}", 1)[-1] in ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET")
        }
    except (  # RuntimeError: of a member that is encrypted
        ElementTree.ParseError, KeyError, ValueError, IndexError, RuntimeError, zipfile.BadZipFile,
        zlib.error, OSError,
    ) as err:  # fmt: skip
        msg = f"The metadata {metadata[0]} of the product {path} cannot be read ({err}): {again}."
        raise InputError(msg) from err
    kept = {b: n for b, (_, n) in finest.items() if b in (*BANDS, "SCL")}
    files = (
        [str(archive)] if archive else [str(Path(root) / n) for n in (metadata[0], *kept.values())]
    )
    cloud = values.get("Cloud_Coverage_Assessment") or values.get("CLOUDY_PIXEL_PERCENTAGE")
    return SafeProduct(
        root, level, values.get("PRODUCT_START_TIME", "")[:10], values.get("PROCESSING_BASELINE", ""),
        kept, quantification, offsets, float(cloud) if cloud else None, tuple(files),
    )  # fmt: skip


def read_metadata(path: str | Path) -> dict[str, bytes]:
    """The metadata of a product and of its tile, by the last part of their names; images need not be there.

    Raises
    ------
    InputError
        If it is no Sentinel-2 product, or damaged.
    """
    root = find_product(path)
    if not root:
        msg = f"{path} is no Sentinel-2 product: it holds no GRANULE folder and no MTD_MSI*.xml."
        raise InputError(msg)
    archive = _archive_of(root)
    kept = [n for n in _members(root, archive) if _METADATA.fullmatch(n) or _TILE.fullmatch(n)]
    try:
        return {n.rsplit("/", 1)[-1]: _bytes(root, archive, n) for n in kept}
    except (RuntimeError, zipfile.BadZipFile, zlib.error, OSError) as err:
        msg = f"The metadata of the product {path} cannot be read ({err}): fetch it again."
        raise InputError(msg) from err


def open_product(path: str | Path, *, keep_clouds: bool = False) -> xr.Dataset:
    """Open a product as reflectance at 10 m, lazily.

    Parameters
    ----------
    path : path
        Its folder, its zip archive, or its ``MTD_MSI*.xml``.
    keep_clouds : bool
        Keep the pixels of `lczlib.scenes.classification.UNCLEAR`, which are missing otherwise.

    Returns
    -------
    Dataset
        As `lczlib.scenes.open_sentinel2`.

    Raises
    ------
    InputError, GridError
        If it is incomplete or damaged, or its images do not share a grid.
    """
    product = read_product(path)
    layers = {b: _layer(product, b) for b in BANDS}
    fine = min(layers.values(), key=lambda a: abs(float(a.rio.resolution()[0])))
    stack = da.stack([_on_grid(a, fine, f"{product.root}, {b}") for b, a in layers.items()])
    stack = stack.rechunk({0: -1})
    gain = 1 / product.quantification
    added = np.array([product.offsets.get(b, 0.0) for b in BANDS])
    scaling = Scaling(np.full(len(BANDS), gain), added * gain)
    fills = Fills((0.0,))
    unclear: dict[str, int] = {}
    size = valid = 0
    if "SCL" in product.images:
        classes = _layer(product, "SCL")
        counts = _count(classes)
        size, empty = int(counts.sum()), int(counts[0])
        unclear = {name: int(counts[i]) for i, name in UNCLEAR.items() if counts[i]}
        valid = size - empty - (0 if keep_clouds else sum(unclear.values()))
        below = _on_grid(classes, fine, f"{product.root}, SCL").rechunk(stack.chunks[1:])
        codes = () if keep_clouds else tuple(UNCLEAR)
        values = da.map_blocks(
            _clear_reflectance, stack, below[None], fills, scaling, codes, dtype=np.float32,
            chunks=stack.chunks,
        )  # fmt: skip
    else:
        values = stack.map_blocks(fills.reflectance, scaling, dtype=np.float32, chunks=stack.chunks)
    out = scene_of(values, fine)
    out.attrs |= {
        "level": product.level, "date": product.date, "source": str(path), "files": list(product.files),
        "offset_removed": bool((added < 0).any()), "product": True,
    }  # fmt: skip
    _tell(path, product, added, size, valid, unclear, keep_clouds=keep_clouds)
    return out


def _tell(
    path: str | Path,
    product: SafeProduct,
    added: np.ndarray,
    size: int,
    valid: int,
    unclear: Mapping[str, int],
    *,
    keep_clouds: bool,
) -> None:
    offsets = sorted(set(added))
    offset = ", ".join(f"{v:g}" for v in offsets)
    said = [
        "10 bands at 10 m, those of 20 m by doubling pixels",
        f"scale 1/{product.quantification:g}, by its metadata",
        f"offset {offset} removed, by its metadata"
        if any(offsets)
        else "no offset, by its metadata",
        f"level {product.level}",
        f"date {product.date or 'not stated'}",
        f"baseline {product.baseline or 'not stated'}",
    ]
    cautions = []
    if size:
        said.append(f"{share(valid, size)} of the tile valid")
        kept = "kept" if keep_clouds else "missing"
        said += [f"{share(n, size)} {kept}: {name} (SCL)" for name, n in unclear.items()]
    else:
        cover = f" ({product.cloud:.1f} % by its metadata)" if product.cloud is not None else ""
        said.append(f"clouds not removed{cover}: it has no scene classification")
    if (
        not any(offsets)
        and product.baseline >= "04.00"
        and product.quantification * QUANTIFICATION == 1
    ):
        cautions.append(
            f"The product {path} is of baseline {product.baseline}, but its metadata list no offset: none "
            "is removed. Fetch it again if its metadata were cut."
        )
    facts = {
        "bands_by": "metadata", "scale": 1 / product.quantification, "offset": offsets,
        "level": product.level, "date": product.date, "baseline": product.baseline,
        "pixels": {"looked_at": size, "valid": valid, "missing": {} if keep_clouds else dict(unclear)},
    }  # fmt: skip
    tell(Reading("Sentinel-2 product", str(path), tuple(said), tuple(cautions), facts))


def _archive_of(root: str) -> Path | None:
    """The zip archive that a root lies in."""
    parent = Path(root).parent
    return parent if parent.suffix.lower() == ".zip" and parent.is_file() else None


def _members(root: str, archive: Path | None) -> list[str]:
    """Files of a product as paths below its root, without those that systems hide in it."""
    if archive:
        inside = Path(root).name + "/"
        with zipfile.ZipFile(archive) as opened:
            names = [n[len(inside) :] for n in opened.namelist() if n.startswith(inside)]
    else:
        names = [p.relative_to(root).as_posix() for p in Path(root).rglob("*") if p.is_file()]
    return sorted(n for n in names if not any(p.startswith((".", "@", "__")) for p in n.split("/")))


def _bytes(root: str, archive: Path | None, name: str) -> bytes:
    if archive is None:
        return (Path(root) / name).read_bytes()
    with zipfile.ZipFile(archive) as opened:
        member = opened.getinfo(f"{Path(root).name}/{name}")
        check_size(
            member.file_size, archive, "product", f"metadata of {member.file_size / 1e6:,.0f} MB"
        )
        return opened.read(member)


def _values(tree: ElementTree.Element) -> dict[str, str]:
    """Text of each element by its name, the first of each."""
    out: dict[str, str] = {}
    for element in tree.iter():
        text = (element.text or "").strip()
        if text:
            out.setdefault(element.tag.rsplit("}", 1)[-1], text)
    return out


def _layer(product: SafeProduct, band: str) -> xr.DataArray:
    path = f"{product.root}/{product.images[band]}"
    raster = open_raster(path, f"Sentinel-2 band {band}", chunks={"y": _CHUNK, "x": _CHUNK})
    return raster.isel(band=0, drop=True)


def _on_grid(layer: xr.DataArray, fine: xr.DataArray, what: str) -> da.Array:
    """A layer on the finer grid: each pixel as often as it takes.

    Raises
    ------
    GridError
        If the pixels of one do not fill those of the other.
    """
    times = round(fine.sizes["y"] / layer.sizes["y"])
    box, finer = geobox_of(layer, what), geobox_of(fine, what)
    if (
        box.crs != finer.crs
        or tuple(n * times for n in layer.shape) != fine.shape
        or not np.allclose(box.boundingbox.bbox, finer.boundingbox.bbox, atol=0.01)
    ):
        msg = f"{what} does not lie on the grid of the product's other bands: fetch the product again."
        raise GridError(msg)
    if times == 1:
        return layer.data
    doubled = layer.data.rechunk(tuple(_CHUNK // times for _ in layer.shape)).map_blocks(
        _repeat, times, dtype=layer.dtype,
        chunks=tuple(_cut(n, times) for n in layer.shape),
    )  # fmt: skip
    return doubled.rechunk(fine.chunks)


def _cut(size: int, times: int) -> tuple[int, ...]:
    """Sizes of the repeated blocks of an axis."""
    part = _CHUNK // times
    return tuple(times * min(part, size - start) for start in range(0, size, part))


def _repeat(block: np.ndarray, times: int) -> np.ndarray:
    return block.repeat(times, 0).repeat(times, 1)


def _clear_reflectance(
    block: np.ndarray, classes: np.ndarray, fills: Fills, scaling: Scaling, codes: tuple[int, ...]
) -> np.ndarray:
    """Reflectance (10, y, x) of a block of DN, NaN where its class (1, y, x) hides the land."""
    out = fills.reflectance(block, scaling)
    out[:, hides_land(classes[0], codes)] = np.nan
    return out


def _count(classes: xr.DataArray) -> np.ndarray:
    """Pixels of each class, a strip of the file at a time."""
    out = np.zeros(256, np.int64)
    for top in range(0, classes.sizes["y"], _CHUNK):
        out += np.bincount(classes[top : top + _CHUNK].values.ravel(), minlength=256)[:256]
    return out
