"""Writing a simulated city in the folder layout of the So2Sat mapping scripts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter

from lczlib.errors import InputError
from lczlib.export import staged, write_json, write_lcz_map, write_raster
from lczlib.export.files import write_features
from lczlib.scenes.simulation.city import DemoCity
from lczlib.scenes.simulation.materials import BANDS

SIMULATED_TAG = {"LCZLIB_SIMULATED": "yes", "source": "simulated by lczlib"}
"""GeoTIFF metadata of every file, by which a reader tells a simulated scene from a real one."""

THIRTEEN_BANDS = ("B01", *BANDS[:8], "B09", "B10", *BANDS[8:])
_UNFILTERED = ("VH_re", "VH_im", "VV_re", "VV_im")
_FILTERED = ("C11", "C12_re", "C12_im", "C22")


def write_so2sat(
    city: DemoCity,
    folder: str | Path,
    name: str = "00000_00000_Simulated",
    *,
    orbit: str = "ascending",
) -> Path:
    """Write a city as a So2Sat folder, with its references beside.

    ::

        Sentinel-1/<name>/mosaic_unfilt_dat/<year month>/mosaic.tif   VH re, im, VV re, im
        Sentinel-1/<name>/mosaic_dat/<year month>/mosaic.tif          Lee-filtered covariance
        Sentinel-2/<name>/<season>/<id>_<season>.tif                  13 bands, DN = 1e4 reflectance
        Reference/<name>/lcz.tif, lst.tif, elevation.tif, polygons.gpkg, stations.gpkg,
                         air_temperature.csv, truth.json

    Parameters
    ----------
    city : DemoCity
        What to write.
    folder : path
        Made where it does not exist.
    name : str
        ``<number>_<id>_<City>`` and must say that it is simulated.
    orbit : str
        Which of the two radar images; the layout has room for one at a time.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the name does not hold "simulated" or an id, or the orbit is unknown.
    """
    parts = name.split("_")
    if "simulated" not in name.lower() or len(parts) < 3:
        msg = f"The name {name!r} must read <number>_<id>_<City> and hold 'Simulated', as 00000_00000_Simulated does."
        raise InputError(msg)
    if orbit not in city.sentinel1:
        msg = f"The orbit {orbit!r} is unknown: choose one of {', '.join(city.sentinel1)}."
        raise InputError(msg)
    folder = Path(folder)
    radar = city.sentinel1[orbit]
    month = str(radar.attrs["date"])[:7].replace("-", "")
    jobs = [
        partial(
            _write,
            folder / "Sentinel-1" / name / kind / month / "mosaic.tif",
            radar[list(bands)].to_array("band"),
            bands,
            orbit=orbit,
        )
        for kind, bands in (("mosaic_unfilt_dat", _UNFILTERED), ("mosaic_dat", _FILTERED))
    ]
    jobs += [
        partial(
            _write_optical,
            folder / "Sentinel-2" / name / season / f"{parts[1]}_{season}.tif",
            scene,
        )
        for season, scene in city.sentinel2.items()
    ]
    jobs.append(partial(_write_references, city, folder / "Reference" / name))
    with ThreadPoolExecutor(2) as pool:  # compression takes the time, and frees the interpreter
        for done in [pool.submit(job) for job in jobs]:
            done.result()
    return folder


def digital_numbers(scene: xr.Dataset) -> xr.DataArray:
    """Sentinel-2 as ``(band, y, x)`` uint16 of all 13 bands: 1e4 times reflectance, 0 = missing.

    The three 60 m atmospheric bands, which no network here reads, follow from their neighbours:
    B01 from B02 with the stronger scattering at 443 nm, B09 from B8A through the water vapour
    that absorbs there, B10 is the faint cirrus of a clear day.
    """
    coarse = {b: uniform_filter(scene[b].fillna(0).values, 6) for b in ("B02", "B8A")}
    filled = {
        "B01": scene["B02"].copy(data=0.025 + 0.95 * coarse["B02"]),
        "B09": scene["B8A"].copy(data=0.35 * coarse["B8A"]),
        "B10": scene["B02"].copy(data=np.full_like(coarse["B02"], 0.0015)),
    }
    bands = xr.concat(
        [filled[b] if b in filled else scene[b] for b in THIRTEEN_BANDS],
        "band",
        coords="minimal",
        compat="override",
    ).transpose("band", "y", "x")
    numbers = (bands * 1e4).round().clip(1, 65535)
    return numbers.where(scene["B02"].notnull(), 0).astype(np.uint16)


def _write(
    path: Path,
    data: xr.DataArray,
    bands: tuple[str, ...],
    nodata: float | None = None,
    **tags: str,
) -> None:
    write_raster(path, data, nodata=nodata, descriptions=bands, tags={**SIMULATED_TAG, **tags})


def _write_optical(path: Path, scene: xr.Dataset) -> None:
    _write(path, digital_numbers(scene), THIRTEEN_BANDS, nodata=0, date=str(scene.attrs["date"]))


def _write_references(city: DemoCity, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_lcz_map(folder / "lcz.tif", city.lcz, tags=SIMULATED_TAG)
    _write(folder / "lst.tif", city.lst.to_array("band"), ("day", "night"), units="degC")
    _write(folder / "elevation.tif", city.elevation, ("elevation",), units="m")
    for name, layer in (("polygons", city.polygons), ("stations", city.stations)):
        write_features(folder / f"{name}.gpkg", layer, layer=f"simulated_{name}")
    with staged(folder / "air_temperature.csv") as temporary:
        city.air_temperature.to_csv(temporary, index=False, date_format="%Y-%m-%dT%H:%MZ")
    write_json(
        folder / "truth.json",
        {
            "simulated": True,
            "name": city.name,
            "seed": city.seed,
            "units": "K, each zone minus D",
            "surface": {
                n: dict(zip(range(1, 18), v.values, strict=True))
                for n, v in city.lst_difference.items()
            },
            "air_by_hour_utc": dict(zip(range(1, 18), city.air_difference.values, strict=True)),
        },
    )
