"""What `lcz prepare-s1` makes of what: products, orbit, elevation model and grid, checked before work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lczlib.errors import GridError, InputError
from lczlib.jobs.request import name_of
from lczlib.reading import Reading, tell
from lczlib.sentinel1.chain import POLARISATIONS
from lczlib.sentinel1.deburst import Deburst
from lczlib.sentinel1.detected import SPACING, Detected, GroundRange
from lczlib.sentinel1.geocode import Geocoder, grid_of, outline
from lczlib.sentinel1.orbit import Orbit, annotated, from_file
from lczlib.sentinel1.product import Product
from lczlib.sentinel1.radiometry import Noise
from lczlib.sentinel1.recipes import RECIPES, Recipe
from lczlib.sentinel1.terrain import height_of, open_dem, open_geoid
from lczlib.terms import option

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from lczlib.jobs.prepare_s1 import PrepareS1Request

_SWATHS = ("IW1", "IW2", "IW3")
_PRODUCT = {"GRD": "GRDH", "SLC": "SLC_"}
_ANNOTATION = "annotation"
_COARSE = 32  # pixels of the map between those by which its coverage is judged


@dataclass(frozen=True, eq=False)
class Plan:
    """All that a run needs, and what can be said of it beforehand.

    Attributes
    ----------
    request : PrepareS1Request
    recipe : Recipe
    products : tuple of Product
    orbit : Orbit
    geocoders : tuple of Geocoder
        One for all bursts; of detected products one for each slice.
    heights : str
        What the elevation model's heights count from.
    covered : float
        Share of the region that the products hold.
    """

    request: PrepareS1Request
    recipe: Recipe
    products: tuple[Product, ...]
    orbit: Orbit
    geocoders: tuple[Geocoder, ...]
    heights: str
    covered: float

    @property
    def grid(self) -> GeoBox:
        """Of the map."""
        return self.geocoders[0].grid

    @property
    def date(self) -> str:
        """The day of the pass, ``yyyy-mm-dd``."""
        image = self.geocoders[0].image
        return str((image.epoch + np.timedelta64(round(image.time), "s")).astype("datetime64[D]"))

    def bursts(self) -> dict[str, int]:
        """How many bursts of each swath the region takes something of."""
        counts: dict[str, int] = {}
        for geocoder in self.geocoders:
            window = _radar_window(geocoder)
            if window and isinstance(geocoder.image, Deburst):
                for piece in geocoder.image.within(window):
                    counts[piece.swath] = counts.get(piece.swath, 0) + 1
        return counts

    def border_noise(self) -> str:
        """What was done about it."""
        noisy = {
            g.image.products[0] for g in self.geocoders
            if isinstance(g.image, Detected) and g.image.border is not None
        }  # fmt: skip
        ipf = " and ".join(sorted({version_of(p) for p in noisy}))
        return f"removed (IPF {ipf})" if noisy else "none"

    def without_noise(self) -> tuple[str, ...]:
        """The products whose annotation says that there is no thermal noise, which is not so."""
        if not self.recipe.denoised or self.recipe.kinds[0] != "GRD":
            return ()
        return tuple(
            p.name for p in self.products
            if not all(Noise(p, s, n).annotated for s, n in p.swaths if n in POLARISATIONS)
        )  # fmt: skip

    def megabytes(self) -> int:
        """About how much the images take on the disk."""
        bands = sum(len(i.bands) for i in self.recipe.images)
        return round(np.prod(self.grid.shape) * 4 * (bands + 1) / 1e6)

    def described(self) -> dict[str, Any]:
        """What the tiles depend on."""
        request = self.request
        files = [
            str(request.dem),
            *map(str, orbit_files(self)),
            *(f for p in self.products for f in p.files()),
        ]
        stamps = {str(f): [Path(f).stat().st_size, Path(f).stat().st_mtime_ns] for f in files}
        return {
            "files": stamps, "orbit": self.orbit.source, "heights": self.heights,
            "recipe": self.recipe.tags(), "speckle": request.speckle, "crs": str(self.grid.crs),
            "transform": list(self.grid.affine)[:6], "shape": list(self.grid.shape),
        }  # fmt: skip

    def said(self) -> dict[str, str]:
        """In words, by what it is about."""
        one, rows = self.products[0].any_swath, self.grid.shape
        bursts = ", ".join(f"{n} of {s}" for s, n in self.bursts().items())
        pieces = {"bursts": bursts or "none"}
        if self.recipe.kinds[0] == "GRD":
            pieces = {"border noise": self.border_noise()}
        orbit = f"{self.orbit.source} {self.orbit.file.name if self.orbit.file else ''}".strip()
        track = self.products[0].relative_orbit
        return {
            "products": ", ".join(p.name for p in self.products),
            "pass": f"{self.date}, {one.direction}, relative orbit {track or 'unknown'}",
            **pieces,
            "orbit": f"{orbit}, vectors within {1000 * self.orbit.misfit:.1f} mm of a smooth orbit",
            "elevation model": f"{name_of(self.request.dem, 'dem')}, heights: {self.heights}; covers the region",
            "region covered": f"{self.covered:.1%}",
            "grid": f"{self.grid.crs}, {rows[1]} x {rows[0]} pixels of {abs(self.grid.affine.a):g} m",
            "size": f"about {self.megabytes()} MB",
        }

    def tell(self) -> None:
        """Say what was read, and what may be wrong with it."""
        cautions = []
        if self.orbit.source == _ANNOTATION:
            cautions.append(
                "The orbit is the product's own, which can be off by metres: the precise orbit file (POEORB) comes "
                "three weeks after the pass."
            )
        if self.covered < 1:
            cautions.append(
                f"The products hold {self.covered:.1%} of the region: the rest is no data."
            )
        if silent := self.without_noise():
            cautions.append(
                f"{', '.join(silent)}: the annotated thermal noise is 0, as of early processors, so none is subtracted "
                "and dark areas come out too bright; a later processing of the same scene has it."
            )
        said = self.said()
        facts = {"covered": self.covered, "orbit": self.orbit.source, "bursts": self.bursts()}
        clauses = tuple(
            f"{k} {said[k]}" for k in ("bursts", "border noise", "orbit", "grid") if k in said
        )
        tell(Reading("Sentinel-1 pass", said["products"], clauses, tuple(cautions), facts))


def plan_of(request: PrepareS1Request) -> Plan:
    """Open and check all that a run needs.

    Raises
    ------
    InputError
        If something is missing, of the wrong kind, or does not go together.
    """
    products = _opened(request)
    for product in products:
        _check(product, RECIPES[request.recipe])
    _check_one_pass(products)
    kind = products[0].any_swath.kind
    recipe = RECIPES[request.recipe].of(kind, request.looks)
    if kind != "GRD" and request.looks > 1:
        msg = (
            f"{option('looks', request.looks)} averages the pixels of detected products (GRD), and "
            f"{products[0].name} is none: leave it out."
        )
        raise InputError(msg, parameter="looks")
    swaths = [s for s in _SWATHS if all(s in p.names for p in products)]
    images: list[Deburst | Detected] = (
        [Detected(p, POLARISATIONS) for p in products] if kind == "GRD"
        else [Deburst(products, POLARISATIONS, swaths)]
    )  # fmt: skip
    every = [s for p in products for s in p.swaths.values()]
    orbit = annotated(every) if request.orbit == _ANNOTATION else from_file(request.orbit, every)
    grid = _grid(request, recipe)
    _check_near(grid, products)
    heights = height_of(request.dem, request.dem_height)
    dem, geoid = open_dem(request.dem, *outline(grid), heights), open_geoid(heights)
    geocoders = tuple(Geocoder(grid, image, orbit, dem, geoid) for image in images)
    covered = _covered(geocoders)
    lacking = [s for s in _SWATHS if s not in swaths and kind != "GRD"]
    if covered < 1 and lacking:
        msg = (
            f"{products[0].path} lacks {', '.join(lacking)}, and the region needs more than {', '.join(swaths)} "
            f"({covered:.0%} of it): fetch the whole product."
        )
        raise InputError(msg, parameter="inputs")
    if not covered:
        raise _outside(products)
    return Plan(request, recipe, products, orbit, geocoders, heights, covered)


def _check_near(grid: GeoBox, products: tuple[Product, ...]) -> None:
    """Refuse what is far away, before an elevation model of it is asked for."""
    from lczlib.acquire.boxes import overlap
    from lczlib.longitudes import box_of

    if not overlap(box_of(*outline(grid)), _place_of(products)):
        raise _outside(products)


def _outside(products: tuple[Product, ...]) -> InputError:
    west, south, east, north = _place_of(products)
    msg = (
        f"The region lies outside {', '.join(p.name for p in products)}, which reaches from {west:.2f} to "
        f"{east:.2f} degrees east and from {south:.2f} to {north:.2f} north: find another product of it."
    )
    return InputError(msg, parameter="roi")


def _opened(request: PrepareS1Request) -> tuple[Product, ...]:
    first = Product(request.inputs[0])
    rest = [Product(p, epoch=first.any_swath.epoch) for p in request.inputs[1:]]
    return tuple(sorted((first, *rest), key=lambda p: p.any_swath.time))


def _check(product: Product, recipe: Recipe) -> None:
    one = product.any_swath
    why = ""
    if one.mode != "IW":
        why = f"is of mode {one.mode}; this recipe takes Interferometric Wide swath (IW)"
    elif one.kind not in recipe.kinds:
        why = (
            f"is detected ({one.kind}) and holds no phase, which the covariance of VH and VV needs"
        )
    elif one.kind == "GRD" and abs(_spacing(product) - SPACING) > 0.1:
        why = f"has pixels of {_spacing(product):g} m; this recipe takes those of {SPACING:g} m (GRDH)"
    elif set(product.polarisations) <= {"HH", "HV"}:
        why = f"holds {' and '.join(product.polarisations)}; the network reads VV and VH"
    elif not set(POLARISATIONS) <= set(product.polarisations):
        why = f"holds {' and '.join(product.polarisations)} alone; the network reads VV and VH"
    if why:
        wanted = " or ".join(f"S1*_IW_{_PRODUCT[k]}_1SDV_*" for k in recipe.kinds)
        msg = f"{product.path} {why}: give an IW {' or '.join(recipe.kinds)} product of both, {wanted}."
        raise InputError(msg, parameter="inputs")


def _spacing(product: Product) -> float:
    swath, polarisation = next(iter(product.swaths))
    return GroundRange.of(product, swath, polarisation).spacing


def version_of(product: Product) -> str:
    """Of its processor, ``3.61``."""
    return "{}.{:02d}".format(*product.ipf) if product.ipf else "unknown"


def _check_one_pass(products: tuple[Product, ...]) -> None:
    one = products[0].any_swath
    for product in products[1:]:
        other = product.any_swath
        if other.kind != one.kind:
            msg = f"{products[0].name} is {one.kind} and {product.name} {other.kind}: give slices of one kind."
            raise InputError(msg, parameter="inputs")
        if (other.mission, other.datatake) != (one.mission, one.datatake):
            msg = (
                f"{products[0].name} and {product.name} are of different passes: their speckle and their view differ "
                "along a seam through the city; make each by itself."
            )
            raise InputError(msg, parameter="inputs")


def _grid(request: PrepareS1Request, recipe: Recipe) -> GeoBox:
    from lczlib.grid import check_projected, geobox_of
    from lczlib.rasters import open_raster
    from lczlib.scenes.crop import box_of

    if request.like is None:
        return grid_of(box_of(",".join(map(repr, request.roi))), recipe.pixel)
    grid = check_projected(geobox_of(open_raster(request.like, "raster"), "raster"), "raster")
    if abs(grid.affine.a - recipe.pixel) > 1e-6 or grid.affine.e > 0 or grid.affine.b:
        msg = (
            f"{request.like} has pixels of {grid.affine.a:g} m: {option('like')} takes a raster of {recipe.pixel:g} m "
            "here, north up, such as a Sentinel-2 scene."
        )
        raise GridError(msg, parameter="like")
    return grid


def _coarse(geocoder: Geocoder) -> Geocoder:
    grid = geocoder.grid.zoom_out(_COARSE)
    return Geocoder(grid, geocoder.image, geocoder.orbit, geocoder.dem, geocoder.geoid)


def _covered(geocoders: Sequence[Geocoder]) -> float:
    held = False
    for geocoder in geocoders:
        coarse = _coarse(geocoder)
        found = coarse.locate(0, 0, *coarse.grid.shape)
        line, sample, inside = found.nearest(geocoder.image.whole)
        there = inside.copy()
        there[inside] = geocoder.image.holds(line[inside], sample[inside])
        held = held | there
    return float(np.mean(held))


def _radar_window(geocoder: Geocoder) -> Any:
    coarse = _coarse(geocoder)
    return coarse.radar_window(coarse.locate(0, 0, *coarse.grid.shape), 0)


def _place_of(products: tuple[Product, ...]) -> tuple[float, float, float, float]:
    from lczlib.longitudes import box_of

    ties = [s.ties for p in products for s in p.swaths.values()]
    return box_of(
        np.concatenate([t.longitude for t in ties]), np.concatenate([t.latitude for t in ties])
    )


def orbit_files(planned: Plan) -> list[Path]:
    """The orbit file, where there is one."""
    return [planned.orbit.file] if planned.orbit.file else []
