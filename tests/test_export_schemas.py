"""What is written for other software, held against the schemas of its formats, and opened by QGIS."""

from __future__ import annotations

import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

import jsonschema
import pyogrio
import pystac
import pytest
import shapely
from export_maps import BOX, needed_tool
from sld_structure import faults
from stac_extensions import EXTENSIONS

from lczlib.classes import CLASSES
from lczlib.export.targets.names import LANGUAGES, label_of
from lczlib.export.targets.styles import polygon_sld, raster_sld
from lczlib.jobs.export import ExportRequest, run
from lczlib.longitudes import outline_of

_KML = """
import sys
from pathlib import Path
import fastkml
from lxml import etree
schema = etree.XMLSchema(etree.parse(str(Path(fastkml.__file__).parent / "schema/ogckml22.xsd")))
document = etree.fromstring(sys.stdin.buffer.read())
print("valid" if schema.validate(document) else schema.error_log)
"""


def kml_schema(text: str) -> str:
    """What OGC's XML schema of KML 2.2, as fastkml brings it, says of a document: ``valid``, or its faults."""
    python = Path(needed_tool("w2w")).with_name("python")
    there = subprocess.run([python, "-c", "import fastkml, lxml"], capture_output=True)
    if there.returncode:
        pytest.skip("needs fastkml and lxml (make export-tools)")
    done = subprocess.run(
        [python, "-c", _KML], input=text.encode(), capture_output=True, check=True
    )
    return done.stdout.decode().strip()


@pytest.fixture
def kmz(all_classes_file, tmp_path) -> Path:
    request = ExportRequest(map_path=all_classes_file, to="kmz", language="fr")
    return run(request).write(tmp_path / "out") / "lcz.kmz"


def test_kml_follows_the_schema_of_ogc(kmz):
    with zipfile.ZipFile(kmz) as archive:
        text = archive.read("doc.kml").decode()
    assert kml_schema(text) == "valid"
    wrong = text.replace("<north>", "<top>").replace("</north>", "</top>")
    assert "top" in kml_schema(wrong)


def test_a_kmz_opens_in_gdal_where_the_map_lies(kmz, all_classes_file):
    if "LIBKML" not in pyogrio.list_drivers(read=True):
        pytest.skip("needs GDAL's driver LIBKML")
    found = pyogrio.read_dataframe(kmz)
    (overlay,) = found.geometry[found.geom_type.isin(["Polygon", "MultiPolygon"])]
    longitude, latitude = outline_of(BOX)
    sides = (longitude.min(), latitude.min(), longitude.max(), latitude.max())
    assert overlay.bounds == pytest.approx(
        sides, abs=0.003
    )  # the picture ends up to two cells beyond
    assert overlay.buffer(1e-9).contains(shapely.box(*sides))


@pytest.mark.parametrize("language", LANGUAGES)
def test_styles_keep_the_structure_of_sld(language):
    for scheme in ("1-17", "101-107", "0-16"):
        assert [*faults(raster_sld(language, scheme))] == []
    assert [*faults(polygon_sld(language))] == []


@pytest.mark.parametrize(
    ("written", "instead", "fault"),
    [
        ('quantity="14" ', 'quantity="D" ', "quantity='D'"),
        ('color="#8c0000"', 'color="8c0000"', "color='8c0000'"),
        ("<Opacity>1</Opacity>", "", ""),
        ("<Opacity>1</Opacity>", "<Opacity>100</Opacity>", "Opacity reads"),
        ("<Name>lcz</Name>", "", "NamedLayer holds UserStyle"),
        ("<ColorMap ", "<Colours/><ColorMap ", "Colours is none"),
    ],
)
def test_what_breaks_the_structure_of_sld_is_found(written, instead, fault):
    text = raster_sld("en").replace(written, instead, 1)
    found = [*faults(text)]
    assert any(fault in f for f in found) if fault else found == []


@pytest.mark.parametrize("scheme", ["1-17", "101-107", "0-16"])
def test_a_stac_item_keeps_the_rules_of_its_extensions(all_classes_file, tmp_path, scheme):
    request = ExportRequest(
        map_path=all_classes_file, to="stac", date="2023-07-01", out_scheme=scheme
    )
    content = json.loads((run(request).write(tmp_path / "out") / "item.json").read_text())
    assert set(content["stac_extensions"]) == set(EXTENSIONS)
    for schema in EXTENSIONS.values():
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.validate(content, schema)
    pystac.Item.from_dict({**content, "stac_extensions": []}).validate()
    asset = content["assets"]["lcz"]
    for change, of in (
        (
            lambda: asset["classification:classes"][0].update(name="compact high rise"),
            "classification",
        ),
        (lambda: asset.update({"file:checksum": "sha256:ab"}), "file"),
        (lambda: content["properties"].update({"proj:shape": [20]}), "projection"),
    ):
        change()
        (schema,) = (s for url, s in EXTENSIONS.items() if f"/{of}/" in url)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(content, schema)


_QGIS = """
import json, sys
from qgis.core import QgsApplication, QgsRasterLayer, QgsVectorLayer
app = QgsApplication([], False)
app.initQgis()
folder = sys.argv[1]
raster = QgsRasterLayer(folder + "/qgis/lcz.tif", "lcz")
patches = QgsVectorLayer(folder + "/gpkg/lcz.gpkg|layername=lcz", "lcz", "ogr")
told = {"valid": [raster.isValid(), patches.isValid()]}
told["raster"] = [(int(c.value), c.label, c.color.name()) for c in raster.renderer().classes()]
told["patches"] = [(int(c.value()), c.label(), c.symbol().color().name()) for c in patches.renderer().categories()]
told["column"] = patches.renderer().classAttribute()
told["sld"] = patches.loadSldStyle(folder + "/polygons.sld")
told["rules"] = [
    (r.filterExpression(), r.label(), r.symbol().color().name()) for r in patches.renderer().rootRule().children()
]
print("TOLD" + json.dumps(told))
"""


def test_qgis_opens_map_and_patches_in_their_styles(all_classes_file, tmp_path):
    """Of Debian's python3-qgis, or the Python that LCZLIB_QGIS_PYTHON names."""
    python = os.environ.get("LCZLIB_QGIS_PYTHON", "/usr/bin/python3")
    there = subprocess.run([python, "-c", "import qgis.core"], capture_output=True)
    if there.returncode:
        pytest.skip("needs QGIS (Debian's python3-qgis)")
    for target, more in (("qgis", {"out_scheme": "101-107"}), ("gpkg", {})):
        request = ExportRequest(map_path=all_classes_file, to=target, language="de", **more)
        run(request).write(tmp_path / target)
    (tmp_path / "polygons.sld").write_text(polygon_sld("de"), encoding="utf-8")
    done = subprocess.run(
        [python, "-c", _QGIS, str(tmp_path)], capture_output=True, text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    line = next((t for t in done.stdout.splitlines() if t.startswith("TOLD")), None)
    assert line is not None, done.stderr[-2000:]
    told = json.loads(line.removeprefix("TOLD"))
    labels = [(label_of(c, "de"), c.color) for c in CLASSES]
    codes = [*range(1, 11), *range(101, 108)]
    assert told["valid"] == [True, True]
    assert told["raster"] == [[n, *told_] for n, told_ in zip(codes, labels, strict=True)]
    assert told["column"] == "lcz"
    assert told["patches"] == [[n, *told_] for n, told_ in enumerate(labels, start=1)]
    assert told["sld"][1] is True or told["sld"][0] is True
    rules = [(int(re.search(r"(\d+)\D*$", f)[1]), *rest) for f, *rest in told["rules"]]
    assert rules == [(n, *told_) for n, told_ in enumerate(labels, start=1)]
