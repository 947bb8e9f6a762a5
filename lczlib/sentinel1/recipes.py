"""What is made of a product for each network: one table, for the code, the files and the documentation.

The networks were trained on images that were made in one way; an image made in another way is another
input, even where it is a better one. Sources: the graphs of So2Sat GUL
(github.com/zhu-xlab/So2Sat-LCZ-Classification-Demo, Modules/2_preprocessing; Zhu et al. 2022,
doi 10.14459/2021mp1633461); Zhou et al. 2022, doi 10.1080/10095020.2022.2030654, section 2.2.1; the
steps that BigEarthNet-S1 states (gitlab.tubit.tu-berlin.de/rsim/BigEarthNet-S1_tools; Sumbul et al. 2021,
doi 10.1109/MGRS.2021.3089174); Earth Engine's steps of COPERNICUS/S1_GRD, on which GMNet was trained (Luo et
al. 2022). These two are of detected products, which are averages of looks: here cells of SLC pixels about
14 m square are averaged instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    cell : int
        Samples that are averaged to one cell before anything else is made of powers.
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
    cell: int = 1
    floor: float = 0.0
    decomposed: int = 0
    pixel: float = 10.0
    resampling: str = "nearest"
    dem_resampling: str = "bilinear"

    @property
    def powers(self) -> bool:
        """Whether it is made of powers alone, in dB."""
        return all(i.kind == "decibels" for i in self.images)

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
            "averaged": f"{self.cell} x 1 samples" if self.cell > 1 else "no",
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
        denoised=True, looks=4.0, cell=4, floor=1e-5,
    ),
    "water": Recipe(
        "water", "GMNet, of lcz water: VV and VH in dB, unfiltered",
        "Earth Engine COPERNICUS/S1_GRD, as of Luo et al. 2022, doi 10.5281/zenodo.7768932",
        (Image("water", ("VV", "VH"), float("nan"), "decibels"),),
        denoised=True, speckle="none", looks=4.0, cell=4, floor=1e-4,
    ),
}  # fmt: skip
