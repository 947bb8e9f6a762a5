"""The graph of ESA's SNAP that is nearest to a recipe, for those who have it.

Only its operators and their parameters are written; `gpt GRAPH -Pinput=... -Poutput=...` runs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from odc.geo.geobox import GeoBox

from lczlib.sentinel1.border import EMPTY, LIMIT
from lczlib.sentinel1.recipes import Recipe

_SPECKLE_WINDOW = "7x7"


def graph_of(recipe: Recipe, grid: GeoBox) -> str:
    """A graph as XML: orbit, calibration, deburst, then each image with its own filter, onto the map.

    Parameters
    ----------
    recipe : Recipe
        Of which it is the graph.
    grid : GeoBox
        Of the map, for its projection and pixel; SNAP makes all of the product, to be cut afterwards.
    """
    root = ET.Element("graph", id=recipe.name)
    ET.SubElement(root, "version").text = "1.0"
    _node(root, "Read", "Read", None, {"file": "${input}"})
    _node(
        root, "Orbit", "Apply-Orbit-File", "Read",
        {"orbitType": "Sentinel Precise (Auto Download)", "polyDegree": "3", "continueOnFail": "false"},
    )  # fmt: skip
    if recipe.powers:
        _powers(root, recipe, grid)
        ET.indent(root)
        return ET.tostring(root, encoding="unicode") + "\n"
    _node(
        root, "Calibration", "Calibration", "Orbit",
        {"outputImageInComplex": "true", "outputSigmaBand": "true", "selectedPolarisations": "VH,VV"},
    )  # fmt: skip
    _node(root, "Deburst", "TOPSAR-Deburst", "Calibration", {"selectedPolarisations": "VH,VV"})
    for image in recipe.images:
        before = "Deburst"
        if image.kind != "amplitudes" and recipe.speckle != "none":
            before = f"Speckle-{image.folder}"
            _node(
                root, before, "Polarimetric-Speckle-Filter", "Deburst",
                {
                    "filter": "Refined Lee Filter", "windowSize": _SPECKLE_WINDOW,
                    "numLooksStr": f"{recipe.looks:g}",
                },
            )  # fmt: skip
        if recipe.decomposed:
            _node(
                root, f"Decomposition-{image.folder}", "Polarimetric-Decomposition", "Deburst",
                {"decomposition": "H-Alpha Dual Pol Decomposition", "windowSize": str(recipe.decomposed)},
            )  # fmt: skip
            _onto_map(root, f"Decomposition-{image.folder}", f"{image.folder}-decomposition", grid)
        _onto_map(root, before, image.folder, grid)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _powers(root: ET.Element, recipe: Recipe, grid: GeoBox) -> None:
    (image,) = recipe.images
    both = {"selectedPolarisations": "VH,VV"}
    before, detected = "Orbit", recipe.kinds[0] == "GRD"
    if detected:
        before = "Border"
        _node(
            root, before, "Remove-GRD-Border-Noise", "Orbit",
            {**both, "borderLimit": str(LIMIT), "trimThreshold": f"{EMPTY:g}"},
        )  # fmt: skip
    if recipe.denoised:
        _node(root, "Noise", "ThermalNoiseRemoval", before, {**both, "removeThermalNoise": "true"})
        before = "Noise"
    _node(
        root, "Calibration", "Calibration", before,
        {**both, "outputImageInComplex": "false", "outputSigmaBand": "true"},
    )  # fmt: skip
    before = "Calibration"
    if not detected:
        before = "Deburst"
        _node(root, before, "TOPSAR-Deburst", "Calibration", both)
    lines, samples = recipe.cell
    if recipe.cell != (1, 1):
        looks = {"nRgLooks": str(samples), "nAzLooks": str(lines), "outputIntensity": "true"}
        _node(root, "Multilook", "Multilook", before, looks)
        before = "Multilook"
    if recipe.speckle != "none":
        _node(root, "Speckle", "Speckle-Filter", before, {"filter": "Refined Lee"})
        before = "Speckle"
    _onto_map(root, before, image.folder, grid, decibels=True)


def _onto_map(
    root: ET.Element, before: str, name: str, grid: GeoBox, *, decibels: bool = False
) -> None:
    _node(
        root, f"Terrain-{name}", "Terrain-Correction", before,
        {
            "demName": "SRTM 1Sec HGT", "externalDEMApplyEGM": "true",
            "demResamplingMethod": "NEAREST_NEIGHBOUR", "imgResamplingMethod": "NEAREST_NEIGHBOUR",
            "pixelSpacingInMeter": f"{abs(grid.affine.a):g}", "mapProjection": str(grid.crs),
            "nodataValueAtSea": "false", "outputComplex": str(not decibels).lower(),
            "applyRadiometricNormalization": "false",
        },
    )  # fmt: skip
    last = f"Terrain-{name}"
    if decibels:
        _node(root, f"Decibels-{name}", "LinearToFromdB", last, {})
        last = f"Decibels-{name}"
    _node(
        root, f"Write-{name}", "Write", last,
        {"file": "${output}" + f"-{name}.tif", "formatName": "GeoTIFF-BigTIFF"},
    )  # fmt: skip


def _node(
    root: ET.Element, name: str, operator: str, source: str | None, parameters: Mapping[str, str]
) -> None:
    node = ET.SubElement(root, "node", id=name)
    ET.SubElement(node, "operator").text = operator
    sources = ET.SubElement(node, "sources")
    if source:
        ET.SubElement(sources, "sourceProduct", refid=source)
    told = ET.SubElement(node, "parameters")
    for key, value in parameters.items():
        ET.SubElement(told, key).text = value
