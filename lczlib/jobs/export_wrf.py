"""An LCZ map for WRF: what will fail there, and the domain with the map's urban form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import lczlib
from lczlib.classes import CLASSES
from lczlib.errors import InputError
from lczlib.export.files import staged
from lczlib.export.geotiff import write_lcz_map
from lczlib.export.targets.findings import Finding, caution, fails, note
from lczlib.export.targets.kmz import in_degrees
from lczlib.export.targets.urban_canopy import write_canopy_table
from lczlib.export.targets.wrf import (
    LEAST_FRACTION,
    Domain,
    UrbanForm,
    expanded,
    first_code,
    off_the_map,
    open_domain,
    with_urban_form,
    write_domain,
)
from lczlib.grid import geobox_of
from lczlib.jobs.export_material import Material
from lczlib.jobs.export_request import parse_version
from lczlib.reading import counted, share
from lczlib.terms import option

_NLCD = 40
"""Land use categories of NLCD, whose last ten are the numbers of LCZ before WRF 4.4.2."""
_OLD_TYPES = 3
"""Urban types before LCZ: WRF takes a domain without a higher one for one of these, and stops."""


def _both(material: Material) -> tuple[Domain, UrbanForm]:
    if material.domain is None or material.form is None:
        msg = "wrf has no domain"
        raise ValueError(msg)
    return material.domain, material.form


def check_wrf(material: Material) -> Iterator[Finding]:
    """What will fail in WRF."""
    domain, form = _both(material)
    base = first_code(parse_version(material.request.wrf_version))
    yield from _check_coverage(material, domain, form)
    if domain.categories in (base + 11, 41, 61):
        yield fails(
            f"{domain.path.name} has {domain.categories} land use categories: it holds LCZ already; give the file as "
            "geogrid wrote it."
        )
    elif domain.categories > base:
        yield fails(
            f"{domain.path.name} has {domain.categories} land use categories (NLCD's {_NLCD}), which are LCZ's "
            f"{base + 1}-{base + 11} before WRF 4.4.2: use that version or a later one."
        )
    zones = [int(n) for n in np.unique(form.zones) if n]
    named = ", ".join(CLASSES[n - 1].code for n in zones)
    if not zones:
        yield fails(
            f"No cell of the domain has an urban fraction above {LEAST_FRACTION:g}: nothing of the map would be left."
        )
    elif max(zones) <= _OLD_TYPES:
        yield fails(
            f"The domain has only LCZ {named}: with no urban zone above LCZ 3 WRF takes them for its three old urban "
            "types and stops (USING URBPARM_LCZ.TBL WITH OLD 3 URBAN CLASSES); take a domain with more zones."
        )
    elif len(zones) < _OLD_TYPES:
        yield caution(
            f"The domain has only LCZ {named}: at least three urban zones are advised, as some versions of WRF "
            "stop with fewer in a part of the domain (https://github.com/wrf-model/WRF/issues/1878)."
        )
    yield from _check_cells(material, domain, form, base)


def _check_coverage(material: Material, domain: Domain, form: UrbanForm) -> Iterator[Finding]:
    off = off_the_map(material.lcz, domain)
    if off.any():
        yield fails(
            f"The map does not cover the domain: {int(off.sum()):,} of {off.size:,} cells "
            f"({share(off.sum(), off.size)}) reach beyond it; give a map that is larger than the domain on all sides."
        )
    empty = np.nan_to_num(form.shares[0])[~off]
    if (empty > 0).any():
        yield caution(
            f"Cells without a class lie in {counted(int((empty > 0).sum()), 'cell')} of the domain, on "
            f"{share(empty.sum(), off.size)} of its area: they count as not urban; fill them "
            f"({option('fill', 'nearest')})."
        )
    box = geobox_of(material.lcz, "LCZ map")
    if not box.crs.geographic and abs(box.affine.a) > float(domain.content.attrs["DX"]) / 2:
        yield caution(
            f"The map's cells of {abs(box.affine.a):g} m are nearly as large as the domain's: shares of classes "
            "cannot be told."
        )


def _check_cells(
    material: Material, domain: Domain, form: UrbanForm, base: int
) -> Iterator[Finding]:
    content = domain.content
    if "LANDMASK" in content:
        wet = int(((content["LANDMASK"].values[0] == 0) & (form.zones > 0)).sum())
        if wet:
            yield caution(
                f"{counted(wet, 'cell')} of the domain are water for WRF and urban by the map: real.exe changes one of "
                "the two; see that LANDMASK and LU_INDEX agree."
            )
    if not (content["LU_INDEX"].values[0] == int(content.attrs["ISURBAN"])).any():
        yield note(
            "The domain has no urban cell of its own: urban cells keep the green fraction of the land they replace."
        )
    built = np.nan_to_num(form.shares[1:11]).sum(0)
    lost = float(built[form.zones == 0].sum())
    if lost > 0:
        yield note(
            f"{share(lost, built.sum())} of the map's built area lies in cells of the domain whose urban fraction is "
            f"not above {LEAST_FRACTION:g}: WRF has them as natural land."
        )
    version = material.request.wrf_version
    yield note(
        f"LCZ 1-10 are the categories {base + 1}-{base + 10} of {base + 11}, as WRF {version} counts them "
        f"({'since 4.4.2' if base == 50 else 'before 4.4.2'}; {option('wrf_version')} for another)."
    )
    yield note(
        "WRF takes what the domain does not hold of each zone (roads, roofs, air conditioning) from its own "
        "URBPARM_LCZ.TBL, which must lie in the folder of the run: namelist_lines.txt has what to set; what the domain "
        "holds is by LCZ_UCP_lookup.csv, written beside it."
    )
    for name in _parents(domain.path):
        yield note(
            f"{name.name} beside it is written with {base + 11} categories too, as nests must agree."
        )


def _parents(path: Path) -> list[Path]:
    """The files of the domains around this one that lie beside it."""
    found = re.fullmatch(r"(.*\.d)(\d\d)(\.nc)", path.name)
    if not found:
        return []
    names = (f"{found[1]}{n:02d}{found[3]}" for n in range(1, int(found[2])))
    return [path.with_name(n) for n in names if path.with_name(n).is_file()]


def namelist_lines(base: int, form: UrbanForm) -> str:
    """The lines of WRF's ``namelist.input`` that go with a domain."""
    return (
        "&physics\n"
        " sf_urban_physics = 3,  ! 1: single layer, 2: BEP, 3: BEP and BEM; the same for all domains\n"
        " use_wudapt_lcz   = 1,  ! reads URBPARM_LCZ.TBL, which must lie in the folder of the run\n"
        f" num_land_cat     = {base + 11},  ! as NUM_LAND_CAT of geo_em, met_em and wrfinput\n"
        "/\n"
        f"! {form.intervals} intervals of building heights at most in a cell (NBUI_MAX): num_urban_hi is not less.\n"
    )


def write_wrf(material: Material, folder: Path) -> None:
    """Write the domain with the map's urban form, its parents, the map as w2w reads it, and the namelist's lines."""
    domain, form = _both(material)
    base = first_code(parse_version(material.request.wrf_version))
    facts = {
        "DESCRIPTION": f"Local Climate Zones by lczlib {lczlib.__version__}, after w2w (doi 10.21105/joss.04432)"
    }
    write_domain(folder / domain.path.name, with_urban_form(domain, form, base), facts)
    for path in _parents(domain.path):
        parent = open_domain(path)
        if parent.categories > base:
            msg = f"{path} has {parent.categories} land use categories already: give the files as geogrid wrote them."
            raise InputError(msg)
        write_domain(folder / path.name, expanded(parent.content, base + 11), {})
    write_lcz_map(folder / "lcz.tif", in_degrees(material.lcz))
    write_canopy_table(folder / "LCZ_UCP_lookup.csv")
    with staged(folder / "namelist_lines.txt") as path:
        path.write_text(namelist_lines(base, form))
