"""Detected products (GRD): places, noise and border as annotated, by processors of all ages."""

import zipfile

import numpy as np
import pytest
import rasterio

from lczlib.sentinel1.deburst import Window
from lczlib.sentinel1.detected import Detected
from lczlib.sentinel1.geocode import LIGHT, to_space
from lczlib.sentinel1.orbit import annotated
from lczlib.sentinel1.product import Product
from lczlib.sentinel1.radiometry import Noise

OLD = {"6D00": (2, 70), "FEC3": (2, 36), "CEAB": (2, 36), "3768": (2, 36), "8255": (3, 31)}


def old(shared, name):
    (path,) = (shared / "data/sentinel1/ipf_old_grd").glob(f"*{name}.zip")
    return Product(path)


def placed(image, ties):
    """Lines and samples in the image of tie points, by their times and ranges."""
    late, slope = image.azimuth_shift
    line = (ties.time + late + slope * ties.slant_range_time - image.time) / image.line_interval
    sample = (ties.slant_range_time - image.slant_range_time) * image.sample_rate
    line, sample = line[None].copy(), sample[None].copy()
    image.placed(line, sample)
    return line[0], sample[0]


@pytest.mark.parametrize("name", OLD)
def test_the_annotated_tie_points_lie_where_the_annotation_says(name, shared):
    """All 210 of each product; ground range by the record that is nearest in time."""
    product = old(shared, name)
    assert product.ipf == OLD[name]
    image = Detected(product, ("VH", "VV"))
    ties = product.any_swath.ties
    line, sample = placed(image, ties)
    assert np.abs(line - ties.line).max() < 0.01
    # of the earliest processors the list ends half a second and more before the image
    known = ties.time < image.ground.time[-1] + 0.5
    assert known.sum() >= 189
    assert np.abs(sample - ties.sample)[known].max() < 1e-6
    assert np.abs(sample - ties.sample)[~known].max(initial=0) < 2.5


@pytest.mark.parametrize("name", ["6D00", "8255"])
def test_their_places_on_the_ground_are_found_by_the_orbit(name, shared):
    """By bisection in time, no Newton; the annotated orbit of the older one is 0.05 line off its ties."""
    product = old(shared, name)
    image, ties = Detected(product, ("VH", "VV")), product.any_swath.ties
    orbit = annotated([product.any_swath])
    places = to_space(ties.longitude, ties.latitude, ties.height)[0].T
    low, high = np.full(len(places), image.time - 10), np.full(len(places), image.time + 40)
    for _ in range(60):
        middle = (low + high) / 2
        ahead = ((places - orbit.position(middle)) * orbit.velocity(middle)).sum(1) > 0
        low, high = np.where(ahead, middle, low), np.where(ahead, high, middle)
    distance = np.linalg.norm(places - orbit.position(low), axis=1)
    late, slope = image.azimuth_shift
    tau = 2 * distance / LIGHT
    line = ((low + late + slope * tau - image.time) / image.line_interval)[None].copy()
    sample = ((tau - image.slant_range_time) * image.sample_rate)[None].copy()
    image.placed(line, sample)
    assert np.abs(line[0] - ties.line).max() < {"6D00": 0.06, "8255": 0.01}[name]
    assert np.abs(sample[0] - ties.sample).max() < 0.01


def test_beyond_the_image_ground_range_goes_on_straight(shared):
    image = Detected(old(shared, "8255"), ("VH", "VV"))
    near, far = (
        image.ground.slant[0, 0],
        np.polynomial.polynomial.polyval(image.samples * 10.0, image.ground.slant[0]),
    )
    away = np.array([near - 5e4, near - 10, far + 10, far + 5e5])
    sample = ((away * 2 / LIGHT) - image.slant_range_time)[None] * image.sample_rate
    image.placed(np.zeros((1, 4)), sample)
    assert (np.diff(sample[0]) > 0).all()
    assert (sample[0, :2] < 0).all()
    assert (sample[0, 2:] > image.samples).all()


def test_slices_of_a_pass_leave_no_line_between_them(shared):
    first, second = (Detected(old(shared, n), ("VH", "VV")) for n in ("CEAB", "3768"))
    sample = np.full((1, 4001), 4000.0)
    lines = first.lines - 0.5 + np.linspace(-0.002, 0.002, 4001)[None]
    time = first.time + lines * first.line_interval
    held = []
    for image in (first, second):
        line = (time - image.time) / image.line_interval
        image.placed(line, sample.copy())
        held.append((np.floor(line + 0.5) >= 0) & (np.floor(line + 0.5) < image.lines))
    assert (held[0] | held[1]).all()


def test_an_origin_of_ground_range_is_moved_into_the_polynomial():
    from lczlib.sentinel1.detected import _moved

    moved = _moved(np.array([8e5, 0.5, 1e-7]), 1000.0)
    x = np.array([0.0, 1000.0, 5000.0])
    assert np.polynomial.polynomial.polyval(x, moved) == pytest.approx(
        8e5 + 0.5 * (x - 1000) + 1e-7 * (x - 1000) ** 2, abs=1e-6
    )


def independent_noise(product, polarisation, line, sample):
    """Range vectors, linear in sample and line, times the block's azimuth vector: from the XML alone."""
    root = product.noise("IW", polarisation)
    vectors = root.findall("noiseRangeVectorList/noiseRangeVector")
    lines = [int(v.findtext("line")) for v in vectors]
    k = max(i for i, at in enumerate(lines[:-1]) if at <= line)

    def value(v):
        at = [float(x) for x in v.findtext("pixel").split()]
        noise = [float(x) for x in v.findtext("noiseRangeLut").split()]
        i = max(i for i, p in enumerate(at[:-1]) if p <= sample)
        return noise[i] + (noise[i + 1] - noise[i]) * (sample - at[i]) / (at[i + 1] - at[i])

    share = (line - lines[k]) / (lines[k + 1] - lines[k])
    of_range = value(vectors[k]) + share * (value(vectors[k + 1]) - value(vectors[k]))
    for block in root.findall("noiseAzimuthVectorList/noiseAzimuthVector"):
        if (
            int(block.findtext("firstRangeSample"))
            <= sample
            <= int(block.findtext("lastRangeSample"))
        ):
            at = [float(x) for x in block.findtext("line").split()]
            scale = [float(x) for x in block.findtext("noiseAzimuthLut").split()]
            i = max(i for i, p in enumerate(at[:-1]) if p <= line)
            along = scale[i] + (scale[i + 1] - scale[i]) * (line - at[i]) / (at[i + 1] - at[i])
            return of_range * along
    raise AssertionError


def test_noise_across_the_seam_of_its_blocks(shared):
    """On both sides of IW1/IW2 (sample 8742/8743) and IW2/IW3: to a millionth of independent values."""
    product = old(shared, "8255")
    noise = Noise(product, "IW", "VV")
    step = []
    for seam in (8743, 17562):
        samples = np.arange(seam - 3, seam + 3)
        for line in (4, 8421, 16000):
            made = noise.power(np.array([line]), samples)[0]
            independent = [independent_noise(product, "VV", line, s) for s in samples]
            assert made == pytest.approx(independent, rel=1e-6)
            step.append(abs(made[3] / made[2] - 1))
    assert max(step) > 0.01  # the blocks do differ


def with_corner(shared, name, folder, dn):
    """A real product's annotation with a measurement of which the upper left corner is filled."""
    (path,) = (shared / "data/sentinel1/ipf_old_grd").glob(f"*{name}.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    (root,) = folder.glob("*.SAFE")
    (root / "measurement").mkdir(exist_ok=True)
    told = Product(root).any_swath
    for annotation in (root / "annotation").glob("*.xml"):
        with rasterio.open(
            root / f"measurement/{annotation.stem}.tiff", "w", driver="GTiff", width=told.samples, sparse_ok=True,
            height=told.lines, count=1, dtype="uint16", tiled=True, compress="deflate",
        ) as target:  # fmt: skip
            target.write(dn, 1, window=rasterio.windows.Window(0, 0, dn.shape[1], dn.shape[0]))
    return Detected(Product(root), ("VH", "VV"))


@pytest.mark.parametrize(("name", "clean"), [("FEC3", False), ("6D00", False), ("8255", True)])
def test_border_noise_of_real_products_is_removed_by_their_processor(name, clean, shared, tmp_path):
    """117 samples and 40 lines of nothing; land and calm water beside them stay."""
    rng = np.random.default_rng(2)
    dn = np.sqrt(rng.gamma(4.4, 150.0**2 / 4.4, (768, 768)))
    dn[100:300, 117:300] = np.sqrt(rng.gamma(4.4, 60.0**2 / 4.4, (200, 183)))
    edge = np.zeros(dn.shape, bool)
    edge[:40], edge[:, :117] = True, True
    dn[edge] = rng.integers(1, 28, edge.sum())
    image = with_corner(shared, name, tmp_path, dn.astype(np.uint16))
    assert (image.border is None) == clean
    _, valid = image.read(Window(0, 0, 600, 700), "VH")
    edge = edge[:600, :700]
    if clean:
        assert valid.all()
    else:
        assert not valid[edge].any()
        assert valid[~edge].mean() > 0.999
