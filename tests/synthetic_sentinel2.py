"""Synthetic Sentinel-2 products in the structure that ESA delivers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio

from lczlib.scenes.bands import ALL_BANDS, BANDS

NAME = "S2A_MSI{level}_20240712T101031_N0510_R022_T33UUU_20240712T141501"
_FINE = ("B02", "B03", "B04", "B08")
_LIST = {
    "L1C": ("Radiometric_Offset_List", "RADIO_ADD_OFFSET"),
    "L2A": ("BOA_ADD_OFFSET_VALUES_LIST", "BOA_ADD_OFFSET"),
}


_SPECTRA = np.array(
    [
        [0.03, 0.06, 0.04, 0.10, 0.30, 0.38, 0.40, 0.42, 0.20, 0.10],  # trees
        [0.12, 0.14, 0.16, 0.17, 0.18, 0.19, 0.20, 0.20, 0.24, 0.22],  # roofs
        [0.06, 0.09, 0.14, 0.17, 0.20, 0.22, 0.24, 0.26, 0.36, 0.32],  # soil
    ]
)


def land(size: int, seed: int = 0) -> np.ndarray:
    """Ten bands (10, size, size) of surface reflectance of a mixture of trees, roofs and soil."""
    rng = np.random.default_rng(seed)
    blocks = rng.dirichlet([0.5, 0.5, 0.5], (size // 8 + 2, size // 8 + 2))
    shares = 0.8 * np.kron(blocks, np.ones((8, 8, 1)))[:size, :size]
    shares += 0.2 * rng.dirichlet([1, 1, 1], (size, size))
    mixed = np.einsum("yxm,mb->byx", shares, _SPECTRA)
    return mixed + 0.004 * rng.random((10, size, size))


def write_product(
    folder: Path,
    reflectance: np.ndarray,
    *,
    level: str = "L2A",
    offset: float | None = -1000,
    quantification: float = 10000,
    classes: np.ndarray | None = None,
    baseline: str = "05.10",
    name: str = "",
) -> Path:
    """Write a product; bands of 20 m hold every second pixel of those given.

    Parameters
    ----------
    reflectance : array (10, n, n)
        NaN where missing; n even.
    offset : float, optional
        Of DN, in file and metadata; none in either where None.
    classes : array (n / 2, n / 2), optional
        Scene classification, of L2A.

    Returns
    -------
    Path
        The ``.SAFE`` folder.
    """
    root = folder / f"{name or NAME.format(level=level)}.SAFE"
    images = root / "GRANULE" / f"{level}_T33UUU_A047300_20240712T101031" / "IMG_DATA"
    stem = "T33UUU_20240712T101031"
    for i, band in enumerate(BANDS):
        pixel = 10 if band in _FINE else 20
        values = reflectance[i] if pixel == 10 else reflectance[i, ::2, ::2]
        stored = np.round(values * quantification - (offset or 0))
        stored = np.where(np.isnan(values), 0, np.clip(stored, 1, 65535)).astype(np.uint16)
        inner = images / f"R{pixel}m" / f"{stem}_{band}_{pixel}m.jp2"
        _write(inner if level == "L2A" else images / f"{stem}_{band}.jp2", stored, pixel)
    if classes is not None:
        _write(images / "R20m" / f"{stem}_SCL_20m.jp2", classes.astype(np.uint8), 20)
    of_list, of_band = _LIST[level]
    offsets = "".join(
        f'<{of_band} band_id="{i}">{offset:g}</{of_band}>' for i in range(len(ALL_BANDS))
    ) if offset is not None else ""  # fmt: skip
    offsets = f"<{of_list}>{offsets}</{of_list}>" if offsets else ""
    units = (
        f'<QUANTIFICATION_VALUE unit="none">{quantification:g}</QUANTIFICATION_VALUE>'
        if level == "L1C"
        else "<QUANTIFICATION_VALUES_LIST>"
        f'<BOA_QUANTIFICATION_VALUE unit="none">{quantification:g}</BOA_QUANTIFICATION_VALUE>'
        '<AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE>'
        "</QUANTIFICATION_VALUES_LIST>"
    )
    kind = f"Level-{level[1:]}_User_Product"
    (root / f"MTD_MSI{level}.xml").write_text(
        f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:{kind} xmlns:n1="https://psd-15.sentinel2.eo.esa.int/PSD/User_Product_Level-{level[1:]}.xsd">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>2024-07-12T10:10:31.024Z</PRODUCT_START_TIME>
      <PRODUCT_URI>{root.name}</PRODUCT_URI>
      <PROCESSING_LEVEL>Level-{level[1:]}</PROCESSING_LEVEL>
      <PRODUCT_TYPE>S2MSI{level[1:]}</PRODUCT_TYPE>
      <PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
    </Product_Info>
    <Product_Image_Characteristics>
      <Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
      <Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX></Special_Values>
      {units}
      {offsets}
    </Product_Image_Characteristics>
  </n1:General_Info>
  <n1:Quality_Indicators_Info>
    <Cloud_Coverage_Assessment>3.25</Cloud_Coverage_Assessment>
  </n1:Quality_Indicators_Info>
</n1:{kind}>
"""
    )
    return root


def _write(path: Path, values: np.ndarray, pixel: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="JP2OpenJPEG", count=1, height=values.shape[0], width=values.shape[1],
        dtype=values.dtype, crs="EPSG:32633", QUALITY=100, REVERSIBLE="YES",
        transform=rasterio.transform.from_origin(384000, 5824000, pixel, pixel),
    ) as dst:  # fmt: skip
        dst.write(values, 1)
