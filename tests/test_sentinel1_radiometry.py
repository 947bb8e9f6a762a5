"""Digital numbers become backscatter as other programs and the annotation have it."""

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from lczlib.errors import InputError
from lczlib.sentinel1.deburst import Deburst
from lczlib.sentinel1.product import Product
from lczlib.sentinel1.radiometry import Calibration, Noise
from lczlib.sentinel1.simulated import LINES, Layout, View, speckle, write_safe

LAYOUT = Layout(View(3.1, 52.1), bursts=3, samples=400)


def slope(pixels):
    return 300 + 0.05 * pixels


@pytest.fixture(scope="module")
def constant(tmp_path_factory):
    """A product of sigma nought 0.25 everywhere, with phases that turn."""

    def values(swath, burst, polarisation, time, distance):
        pixel = np.arange(len(distance))
        amplitude = 0.5 * slope(40 * np.floor(pixel / 40) + pixel % 40)
        return amplitude * np.exp(1j * np.arange(len(time))[:, None] * 0.3) * np.ones(len(distance))

    return Product(write_safe(tmp_path_factory.mktemp("safe"), LAYOUT, values, gain=slope))


def test_a_constant_sigma_nought_is_recovered(constant):
    image = Deburst([constant], ("VH", "VV"))
    table = {s: Calibration(constant, s, "VV") for s in constant.names}
    values, valid = image.read(
        image.whole, "VV", lambda p, s, dn, lines, samples: dn / table[s].amplitude(lines, samples)
    )
    sigma = np.abs(values[valid]) ** 2
    rounding = 2 * np.sqrt(0.5) / (0.5 * 300)  # of the stored parts, half a unit each
    assert np.abs(sigma / 0.25 - 1).max() < 1e-4 + rounding
    assert sigma.mean() == pytest.approx(0.25, rel=1e-4)


def test_calibration_and_noise_are_those_of_the_orfeo_toolbox(shared):
    """Its values (8.1.1, SARCalibration) at some pixels of the simulated products.

    On the lines of a burst after a calibration vector in it, it jumps by 2e-4; none of these is there.
    """
    folder = shared / "data/sentinel1/simulated"
    products = {p.name[:3]: Product(p) for p in folder.glob("*.SAFE")}
    with (Path(__file__).parent / "sentinel1_otb.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 72
    for row in rows:
        product, (swath, polarisation) = (
            products[row["mission"]],
            (row["swath"], row["polarisation"]),
        )
        line, sample = int(row["line"]), int(row["sample"])
        with product.measurement(swath, polarisation) as measurement:
            power = np.abs(measurement.read(line, sample, 1, 1)[0, 0].astype(complex)) ** 2
        at = np.array([line]), np.array([sample])
        a = Calibration(product, swath, polarisation).amplitude(*at)[0, 0]
        noise = Noise(product, swath, polarisation).power(*at)[0, 0]
        assert power / a**2 == pytest.approx(float(row["sigma"]), rel=1e-5)
        assert (power - noise) / a**2 == pytest.approx(
            float(row["denoised"]), rel=5e-4 if swath != "IW" else 1e-5
        )


def test_a_burst_has_the_noise_of_its_own_time_and_what_is_below_it_is_kept(constant):
    lines, samples = np.array([10, LINES + 10, 3 * LINES - 1]), np.array([0, 100])
    noise = Noise(constant, "IW2", "VH").power(lines, samples)
    along = 1 + lines / (3 * LINES - 1)
    across = 1000 * np.array([1, 2, 3])[:, None] + samples
    assert noise == pytest.approx(across * along[:, None], rel=1e-12)
    weak = 20.0**2  # below the noise: negative, which is no missing pixel
    assert ((weak - noise) < 0).all()


def test_vectors_of_noise_bear_the_times_of_bursts_and_their_lines_do_not(shared):
    """Why a burst's noise is found by time: of real products of both satellites."""
    found, off = 0, set()
    for folder in ("slc_annotations_S1A_20230904", "slc_ipf_s1reader", "xarray_sentinel"):
        (path,) = (shared / "data/sentinel1" / folder).glob("S1*_SLC_*")
        product = Product(path)
        for (name, polarisation), swath in product.swaths.items():
            vectors = product.noise(name, polarisation).findall(
                "noiseRangeVectorList/noiseRangeVector"
            )
            times = np.array([v.findtext("azimuthTime") for v in vectors], "datetime64[us]")
            lines = np.array([int(v.findtext("line")) for v in vectors])
            begun = [swath.epoch + np.timedelta64(round(b.time * 1e6), "us") for b in swath.bursts]
            n = len(begun)
            assert np.abs(times[:n] - begun).max() <= np.timedelta64(2, "us")
            off.add(int(lines[0]) // len(swath.bursts[0].first))
            found += 1
    assert found >= 12
    assert off == {0, -1, -2}


def test_noise_lies_on_speckle_as_the_processor_adds_it(constant):
    """Mean power of noise alone, denoised, is zero within its own spread."""
    lines, samples = np.arange(LINES), np.arange(200)
    noise = Noise(constant, "IW1", "VV").power(lines, samples)
    seen = np.abs(speckle(np.array([5.0]), noise.shape, "noise")) ** 2 * noise
    left = (seen - noise) / noise
    assert abs(left.mean()) < 4 / np.sqrt(left.size)


def test_gamma_and_beta_have_their_own_factors(constant):
    lines, samples = np.array([5]), np.array([100])
    assert Calibration(constant, "IW1", "VV", "beta").amplitude(lines, samples)[0, 0] == 237


@pytest.fixture
def early(constant, tmp_path):
    """A copy of a product with the noise annotation of early processors, and their version."""

    def make(version, kind="SLC"):
        copy = tmp_path / version / constant.path.name
        shutil.copytree(constant.path, copy)
        manifest = copy / "manifest.safe"
        manifest.write_text(manifest.read_text().replace("003.61", version))
        for file in (copy / "annotation/calibration").glob("noise-*"):
            text = re.sub(
                r"<noiseAzimuthVectorList>.*</noiseAzimuthVectorList>", "", file.read_text()
            )
            text = re.sub(r"noiseRange(Vector|Lut)", r"noise\1", text)
            file.write_text(text)
        for file in (copy / "annotation").glob("*.xml"):
            file.write_text(file.read_text().replace(">SLC<", f">{kind}<"))
        for file in (copy / "annotation/calibration").glob("calibration-*"):
            text = file.read_text()
            count = len(re.search(r"<gamma>(.*?)</gamma>", text)[1].split())
            text = text.replace("<gamma>", f"<dn>{'474 ' * count}</dn><gamma>")
            file.write_text(text)
        return Product(copy)

    return make


@pytest.mark.parametrize("version", ["002.36", "002.50"])
def test_noise_in_another_unit_is_refused_of_products_that_are_not_detected(early, version):
    with pytest.raises(InputError, match=rf"IPF 2\.{version[-2:]}.*another unit"):
        Noise(early(version), "IW1", "VV")


@pytest.mark.parametrize(
    ("version", "unit"),
    [("002.33", 75088.7 * 474), ("002.36", 75088.7 * 474**2), ("002.50", 75088.7 * 474**2), ("002.70", 1)],
)  # fmt: skip
def test_noise_of_early_detected_products_is_scaled_by_their_version(early, version, unit):
    made, plain = Noise(early(version, "GRD"), "IW1", "VV"), Noise(early("002.84"), "IW1", "VV")
    at = np.array([5]), np.array([100])
    assert made.power(*at) == pytest.approx(unit * plain.power(*at), rel=1e-12)
    assert made.annotated


def test_some_early_products_annotate_no_noise_at_all(shared):
    (path,) = (shared / "data/sentinel1/ipf_old_grd").glob("*3768.zip")
    noise = Noise(Product(path), "IW", "VV")
    assert not noise.annotated
    assert not noise.power(np.array([5]), np.array([100])).any()


def test_a_damaged_calibration_is_refused(constant, tmp_path):
    copy = tmp_path / constant.path.name
    shutil.copytree(constant.path, copy)
    for file in (copy / "annotation/calibration").glob("calibration-*iw1*vv*"):
        file.write_text(file.read_text().replace("<sigmaNought>3", "<sigmaNought>x"))
    for file in (copy / "annotation/calibration").glob("calibration-*iw2*vv*"):
        file.unlink()
    with pytest.raises(InputError, match=r"lacks sigmaNought"):
        Calibration(Product(copy), "IW1", "VV")
    with pytest.raises(InputError, match=r"lacks annotation/calibration/calibration-s1a-iw2"):
        Calibration(Product(copy), "IW2", "VV")
