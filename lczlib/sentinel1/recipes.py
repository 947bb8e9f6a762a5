"""What is made of a product for each network: one table, for the code, the files and the documentation.

The networks were trained on images that were made in one way; an image made in another way is another
input, even where it is a better one. Sources: the graphs of So2Sat GUL
(github.com/zhu-xlab/So2Sat-LCZ-Classification-Demo, Modules/2_preprocessing; Zhu et al. 2022,
doi 10.14459/2021mp1633461); Zhou et al. 2022, doi 10.1080/10095020.2022.2030654, section 2.2.1; the
steps that BigEarthNet-S1 states (gitlab.tubit.tu-berlin.de/rsim/BigEarthNet-S1_tools; Sumbul et al. 2021,
doi 10.1109/MGRS.2021.3089174); for GMNet the usual steps of detected products, sigma nought in dB: on what
radiometry it was trained is stated nowhere (Luo et al. 2022). These two are of detected products (GRD).
Products that are not (SLC) become their like by averaging cells about 14 m square.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["GRD", "SLC"]
_LOOKS_OF_GRD = 4.4
"""Equivalent looks of IW GRDH, of 5 x 1 that overlap (Sentinel-1 Product Definition, S1-RS-MDA-52-7440)."""

RecipeName = Literal["so2sat", "rsnnet", "bigearthnet", "water"]
HeightOf = Literal["ellipsoid", "geoid-egm96", "geoid-egm2008"]
"""What the heights of an elevation model count from."""


@dataclass(frozen=True)
class Image:
    """One raster that a recipe makes.

    Attributes
    ----------
    folder : str
        Below the result's, with the month in it; of dB the file's name, with the day.
    bands : tuple of str
        Their names, in the order of the network.
    nodata : float
    kind : str
        ``amplitudes``, ``covariance``, ``channels`` or ``decibels``; see `lczlib.sentinel1.chain`.
    """

    folder: str
    bands: tuple[str, ...]
    nodata: float
    kind: str

    def file(self, date: str) -> str:
        """Its name below the result's folder; `date` is ``yyyy-mm-dd``."""
        if self.kind == "decibels":
            return f"{self.folder}_{date.replace('-', '')}.tif"
        return f"{self.folder}/{date[:7].replace('-', '')}/mosaic.tif"


@dataclass(frozen=True)
class Recipe:
    """How a product becomes what a network reads.

    Attributes
    ----------
    name, title, source : str
    images : tuple of Image
    quantity : str
        Backscatter: sigma nought on the ellipsoid, linear.
    denoised, flattened : bool
        Whether thermal noise is subtracted, and slopes are evened out.
    speckle : str
        Filter, `lczlib.sentinel1.speckle`: of the covariance, or of each power where there is none.
    looks : float
        Of what is filtered.
    kinds : tuple of str
        Of products that it is made of, the sources' own first.
    cell : tuple of int
        Lines and samples that are averaged to one cell before anything else is made of powers; of SLC.
    most_looks : int
        How many pixels of a detected product may be averaged along each side.
    floor : float
        Of powers from which noise is subtracted: they may be negative, and dB has none of that.
    decomposed : int
        Edge of the window, in pixels of the radar image, over which the unfiltered covariance is averaged
        before it is decomposed; 0 for no decomposition.
    pixel : float
        m.
    resampling, dem_resampling : str
    """

    name: str
    title: str
    source: str
    images: tuple[Image, ...]
    quantity: str = "sigma"
    denoised: bool = False
    flattened: bool = False
    speckle: str = "refined-lee"
    looks: float = 1.0
    kinds: tuple[Kind, ...] = ("SLC",)
    cell: tuple[int, int] = (1, 1)
    most_looks: int = 1
    floor: float = 0.0
    decomposed: int = 0
    pixel: float = 10.0
    resampling: str = "nearest"
    dem_resampling: str = "bilinear"

    @property
    def powers(self) -> bool:
        """Whether it is made of powers alone, in dB."""
        return all(i.kind == "decibels" for i in self.images)

    def of(self, kind: Kind, looks: int = 1) -> Recipe:
        """As it is of products of one kind; of detected ones with `looks` pixels averaged along each side."""
        if kind != "GRD":
            return replace(self, kinds=(kind,))
        return replace(
            self, kinds=(kind,), cell=(looks, looks), looks=_LOOKS_OF_GRD * looks**2, pixel=looks * self.pixel
        )  # fmt: skip

    @property
    def averaged(self) -> str:
        """What a cell is, in words."""
        lines, samples = self.cell
        if lines == samples == 1:
            return "no"
        return f"{samples} x {lines} {'samples' if lines == 1 else 'pixels'}"

    @property
    def scale(self) -> str:
        """``linear`` or ``dB``."""
        return "dB" if self.powers else "linear"

    def tags(self) -> dict[str, str]:
        """Every setting as text, for the files."""
        return {
            "recipe": self.name, "recipe_source": self.source, "radiometry": f"{self.quantity} nought, {self.scale}",
            "thermal_noise": "subtracted" if self.denoised else "not subtracted",
            "terrain_flattening": "yes" if self.flattened else "no", "looks": f"{self.looks:g}",
            "product_kind": self.kinds[0], "averaged": self.averaged,
            "floor": f"{self.floor:g}" if self.floor else "none",
            "decomposition_window": str(self.decomposed or "none"), "resampling": self.resampling,
            "dem_resampling": self.dem_resampling,
        }  # fmt: skip


RECIPES: dict[str, Recipe] = {
    "so2sat": Recipe(
        "so2sat", "the Sentinel-1 network of So2Sat: amplitudes, and filtered covariance",
        "So2Sat GUL, doi 10.14459/2021mp1633461",
        (
            Image("mosaic_unfilt_dat", ("i_VH", "q_VH", "i_VV", "q_VV"), 0.0, "amplitudes"),
            Image("mosaic_dat", ("C11", "C12_real", "C12_imag", "C22"), 0.0, "covariance"),
        ),
    ),
    "rsnnet": Recipe(
        "rsnnet", "the nine Sentinel-1 channels of RSNNet",
        "Zhou et al. 2022, doi 10.1080/10095020.2022.2030654",
        (
            Image(
                "channels",
                (
                    "Alpha", "Anisotropy", "Entropy", "C11", "C12_imag", "C12_real", "C22", "Intensity_VH",
                    "Intensity_VV",
                ),
                float("nan"), "channels",
            ),
        ),
        decomposed=5,
    ),
    "bigearthnet": Recipe(
        "bigearthnet", "networks of BigEarthNet-S1: VV and VH in dB, filtered",
        "BigEarthNet-S1, doi 10.1109/MGRS.2021.3089174",
        (Image("bigearthnet", ("VV", "VH"), float("nan"), "decibels"),),
        denoised=True, looks=4.0, kinds=("GRD", "SLC"), cell=(1, 4), most_looks=2, floor=1e-5,
    ),
    "water": Recipe(
        "water", "GMNet, of lcz water: VV and VH in dB, unfiltered",
        "Luo et al. 2022, doi 10.5281/zenodo.7768932, which states no radiometry: the usual one of GRD",
        (Image("water", ("VV", "VH"), float("nan"), "decibels"),),
        denoised=True, speckle="none", looks=4.0, kinds=("GRD", "SLC"), cell=(1, 4), floor=1e-4,
    ),
}  # fmt: skip
