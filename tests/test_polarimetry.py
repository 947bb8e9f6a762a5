"""H/alpha decomposition of dual-polarised Sentinel-1, and the input combinations D1-D7."""

import shutil

import dask
import h5py
import numpy as np
import pytest
import xarray as xr
from synthetic_so2sat import write_hdf5
from typer.testing import CliRunner

from lczlib.cli import app
from lczlib.errors import InputError
from lczlib.mapping import MapRequest, map_city
from lczlib.models import load_model
from lczlib.polygons import open_polygons
from lczlib.scene_options import SceneOptions
from lczlib.scenes import COMBINATIONS, combination, dual_pol_decomposition, open_so2sat
from lczlib.scenes.combinations import name_of, sensor_of
from lczlib.scenes.polarimetry import (
    DECOMPOSITION,
    SENTINEL1_CHANNELS,
    h_alpha,
    multilook,
    patch_channels,
    sentinel1_channels,
)
from lczlib.scenes.simulation import simulate_city, write_so2sat
from lczlib.training.inputs import SceneFiles, patches_of
from lczlib.training.so2sat import So2SatPatches

ELEMENTS = ("C11", "C12_real", "C12_imag", "C22")


@pytest.fixture(scope="module")
def city_folder(tmp_path_factory):
    """A small simulated city as a So2Sat folder."""
    return write_so2sat(simulate_city(4, seed=5), tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def areas(city_folder):
    (path,) = city_folder.glob("Reference/*/polygons.gpkg")
    return path


def scene_of(elements, **coords):
    return xr.Dataset(
        {n: (("y", "x"), np.asarray(v, float)) for n, v in zip(ELEMENTS, elements, strict=True)},
        coords=coords,
    )


def speckled(shape=(40, 50), seed=0, looks=1):
    """Covariance of synthetic circular Gaussian scatterers."""
    rng = np.random.default_rng(seed)
    vh, vv = rng.normal(size=(2, looks, *shape)) + 1j * rng.normal(size=(2, looks, *shape))
    vh = 0.5 * vh + 0.3 * vv
    cross = (vh * vv.conj()).mean(0)
    return np.stack([(abs(vh) ** 2).mean(0), cross.real, cross.imag, (abs(vv) ** 2).mean(0)])


@pytest.mark.parametrize(
    ("matrix", "entropy", "alpha", "anisotropy"),
    [
        ((0, 0, 0, 2), 0, 0, 1),  # a purely co-polarised scatterer
        ((3, 0, 0, 0), 0, 90, 1),  # a purely cross-polarised one
        ((1, 1, 0, 1), 0, 45, 1),  # equal powers, fully correlated
        ((1, 0, -1, 1), 0, 45, 1),  # whatever the phase
        ((1, 0.3 * 3**0.5, 0.3, 3), None, None, None),  # partly correlated: by eigh below
        ((0.7, 0, 0, 0.7), 1, 45, 0),  # equal eigenvalues: noise
        ((1 / 8, 0, 0, 3 / 8), 0.811278, 22.5, 0.5),  # random volume of dipoles, see below
        ((1, 5, 0, 1), 0, 45, 1),  # not positive: the one scatterer that it can still be
    ],
)
def test_matrices_with_known_answers(matrix, entropy, alpha, anisotropy):
    found = h_alpha(*(np.array(v, float) for v in matrix))
    if entropy is None:
        c11, re, im, c22 = matrix
        value, vector = np.linalg.eigh([[c11, re + 1j * im], [re - 1j * im, c22]])
        share = value / value.sum()
        entropy = -(share * np.log2(share)).sum()
        alpha = (share * np.degrees(np.arccos(abs(vector[1])))).sum()
        anisotropy = (share[1] - share[0]) / share.sum()
    np.testing.assert_allclose(found, (entropy, alpha, anisotropy), atol=1e-6)


def test_the_closed_form_is_the_eigen_decomposition():
    elements = speckled(looks=3).reshape(4, -1)
    c11, re, im, c22 = elements
    matrices = np.array([[c11, re + 1j * im], [re - 1j * im, c22]]).transpose(2, 0, 1)
    value, vector = np.linalg.eigh(matrices)
    share = value / value.sum(1, keepdims=True)
    expected = (
        -(share * np.log2(share)).sum(1),
        (share * np.degrees(np.arccos(abs(vector[:, 1, :])))).sum(1),
        share[:, 1] - share[:, 0],
    )
    np.testing.assert_allclose(h_alpha(*elements), expected, atol=1e-9)


def test_a_cloud_of_dipoles_in_all_directions_is_a_random_volume():
    angle = np.linspace(0, np.pi, 49 * 49, endpoint=False).reshape(49, 49)
    vv, vh = np.cos(angle) ** 2, np.sin(angle) * np.cos(angle)
    scene = scene_of([vh**2, vh * vv, 0 * vv, vv**2])
    found = dual_pol_decomposition(scene, window=49).isel(y=24, x=24)
    assert float(found["Entropy"]) == pytest.approx(0.811278, abs=1e-5)
    assert float(found["Alpha"]) == pytest.approx(22.5, abs=1e-3)
    assert float(found["Anisotropy"]) == pytest.approx(0.5, abs=1e-5)


def test_nothing_comes_from_no_power_and_missing_pixels_stay_missing():
    elements = speckled((12, 12))
    elements[:, :5, :5] = 0
    elements[1, 8, 8] = np.nan  # missing in one element only
    found = dual_pol_decomposition(scene_of(elements), window=3)
    for layer in found.data_vars.values():
        assert np.isnan(layer[0:4, 0:4]).all()
        assert np.isfinite(layer[4, 4])  # its window reaches scatterers
        assert np.isnan(layer[8, 8])
        assert int(layer.isnull().sum()) == 17
    all_missing = dual_pol_decomposition(scene_of(np.full((4, 6, 6), np.nan)))
    assert all(v.isnull().all() for v in all_missing.data_vars.values())


def test_multilooking_averages_the_pixels_that_are_there():
    values = np.random.default_rng(1).normal(size=(9, 11))
    values[3, 4] = np.nan
    found = multilook(values, 5)
    for row, col in ((4, 5), (0, 0), (8, 10), (3, 4)):
        part = values[max(0, row - 2) : row + 3, max(0, col - 2) : col + 3]
        assert found[row, col] == pytest.approx(np.nanmean(part), abs=1e-12)
    assert np.isnan(multilook(np.full((7, 7), np.nan), 3)).all()


def test_a_single_look_is_one_scatterer_and_more_looks_show_the_noise():
    scene = scene_of(speckled())
    means = [float(dual_pol_decomposition(scene, window=w)["Entropy"].mean()) for w in (1, 3, 5, 9)]
    assert means[0] < 1e-3
    assert means == sorted(means)


def test_lazy_scenes_stay_lazy_and_chunks_leave_no_seams():
    scene = scene_of(speckled())
    lazy = dual_pol_decomposition(scene.chunk({"y": 13, "x": 17}), window=7)
    assert all(dask.is_dask_collection(v.data) for v in lazy.data_vars.values())
    xr.testing.assert_allclose(lazy.compute(), dual_pol_decomposition(scene, window=7), atol=1e-5)


def test_the_place_of_the_copolarised_channel_does_not_matter():
    c11, re, im, c22 = speckled(looks=4)
    one = dual_pol_decomposition(scene_of([c11, re, im, c22]))
    other = dual_pol_decomposition(scene_of([c22, re, -im, c11]), copolar="C11")
    xr.testing.assert_allclose(one, other)
    wrong = dual_pol_decomposition(scene_of([c22, re, -im, c11]))
    np.testing.assert_allclose(wrong["Alpha"], 90 - one["Alpha"], atol=1e-3)
    np.testing.assert_allclose(wrong["Entropy"], one["Entropy"], atol=1e-5)


def test_bad_windows_and_missing_elements_are_named():
    scene = scene_of(speckled((8, 8)))
    for window in (4, 0, -1):
        with pytest.raises(InputError, match=f"odd number of pixels.*not {window}"):
            dual_pol_decomposition(scene, window=window)
    with pytest.raises(InputError, match="lacks C12_imag, C22"):
        dual_pol_decomposition(scene.drop_vars(["C12_imag", "C22"]))


def test_a_real_town_scatters_with_less_entropy_than_the_fields_around(shared):
    with np.load(shared / "data/c2_town/c2_aug_2021.npz") as held:
        scene = scene_of([held[n] for n in ELEMENTS])
    assert float(scene["C11"].median()) > 3 * float(scene["C22"].median())  # VV comes first here
    found = dual_pol_decomposition(scene, copolar="C11")
    for name, top in (("Entropy", 1), ("Alpha", 90), ("Anisotropy", 1)):
        layer = found[name]
        assert not layer.isnull().any()
        assert 0 <= float(layer.min()) < float(layer.max()) <= top
    town, fields = (
        found.isel(y=slice(*y), x=slice(*x)).mean()
        for y, x in (((180, 340), (240, 480)), ((500, 700), (500, 800)))
    )
    assert float(town["Entropy"]) < float(fields["Entropy"]) - 0.1
    assert float(town["Anisotropy"]) > float(fields["Anisotropy"]) + 0.1
    # co-polarised double bounce against volume
    assert float(town["Alpha"]) < float(fields["Alpha"]) - 3


def test_polsartools_finds_the_same_on_the_real_town(shared):
    other = pytest.importorskip(
        "polsartools.polsar.dxp.h_alpha_dp",
        reason="polsartools is not installed",
        exc_type=ImportError,
    )
    with np.load(shared / "data/c2_town/c2_aug_2021.npz") as held:
        elements = [held[n] for n in ELEMENTS]
    entropy, alpha, _, _ = other.process_chunk_halphadp(elements, 5)
    found = dual_pol_decomposition(scene_of(elements), copolar="C11")
    inner = np.s_[3:-3, 3:-3]  # polsartools leaves the edges empty
    np.testing.assert_allclose(entropy[inner], found["Entropy"].values[inner], atol=1e-5)
    np.testing.assert_allclose(alpha[inner], found["Alpha"].values[inner], atol=0.05)


# --- Input combinations


def test_combinations_are_those_of_the_paper():
    assert {n: len(c) for n, c in COMBINATIONS.items()} == {
        "D1": 9, "D2": 10, "D3": 13, "D4": 14, "D5": 12, "D6": 19, "D7": 15,
    }  # fmt: skip
    assert combination("d3") == (*DECOMPOSITION, *COMBINATIONS["D2"])
    assert set(COMBINATIONS["D7"]) < set(COMBINATIONS["D6"])
    sensors = {n: sensor_of(c) for n, c in COMBINATIONS.items()}
    assert sensors == {"D1": "s1", "D2": "s2"} | dict.fromkeys(
        ("D3", "D4", "D5", "D6", "D7"), "both"
    )
    assert all(name_of(c) == n for n, c in COMBINATIONS.items())
    assert name_of(("B02",)) == ""
    with pytest.raises(InputError, match=r"'D8' is no combination.*D1, D2"):
        combination("D8")


def test_the_nine_channels_of_a_scene(city_folder):
    scene = open_so2sat(city_folder).sentinel1
    found = sentinel1_channels(scene)
    assert tuple(found.data_vars) == SENTINEL1_CHANNELS
    assert all(dask.is_dask_collection(v.data) for v in found.data_vars.values())
    part = found.isel(y=slice(40, 60), x=slice(10, 30)).compute()
    raw = scene.isel(y=slice(40, 60), x=slice(10, 30)).compute()
    np.testing.assert_allclose(part["Intensity_VV"], raw["VV_re"] ** 2 + raw["VV_im"] ** 2)
    np.testing.assert_allclose(part["C12_imag"], raw["C12_im"])
    # Lee-filtered covariance: less speckle than the intensity
    assert float(part["C22"].std()) < float(part["Intensity_VV"].std())
    only = sentinel1_channels(scene[["C11", "C12_re", "C12_im", "C22"]])
    assert set(SENTINEL1_CHANNELS) - set(only) == {"Intensity_VH", "Intensity_VV"}


def test_so2sat_patches_give_the_same_channels_as_a_scene_of_them(tmp_path):
    path = write_hdf5(tmp_path / "training.h5", 12)
    patches = So2SatPatches(path, inputs="D6")
    assert patches.kind.bands == COMBINATIONS["D6"]
    index = np.array([7, 0, 7])
    found = patches.read(index)
    with h5py.File(path) as file:
        stored = file["sen1"][7].astype(np.float32).transpose(2, 0, 1)
        optical = file["sen2"][7].astype(np.float32).transpose(2, 0, 1)
    vh_re, vh_im, vv_re, vv_im, c11, c22, c12_re, c12_im = stored
    scene = scene_of([c11, c12_re, c12_im, c22])
    expected = dual_pol_decomposition(scene)
    own = dict(zip(patches.kind.bands, found[0], strict=True))
    for name in DECOMPOSITION:
        np.testing.assert_allclose(own[name], expected[name], atol=1e-5)
    np.testing.assert_allclose(own["Intensity_VH"], vh_re**2 + vh_im**2, rtol=1e-5)
    np.testing.assert_allclose(own["Intensity_VV"], vv_re**2 + vv_im**2, rtol=1e-5)
    np.testing.assert_array_equal(own["C12_imag"], c12_im)
    np.testing.assert_array_equal(found[0, 9:], optical)
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(So2SatPatches(path, inputs="D2").read(index), found[:, 9:])
    np.testing.assert_array_equal(So2SatPatches(path, inputs="D5").subset(index).read([1]),
                                  patches.read([0])[:, [7, 8, *range(9, 19)]])  # fmt: skip


def test_patches_decompose_each_by_itself():
    rng = np.random.default_rng(2)
    amplitudes, covariance = rng.normal(size=(2, 3, 4, 16, 16))
    covariance = np.abs(covariance)
    together = patch_channels(amplitudes, covariance)
    for i in range(3):
        alone = patch_channels(amplitudes[i : i + 1], covariance[i : i + 1])
        np.testing.assert_array_equal(alone[0], together[i])


def test_d3_of_a_scene_without_covariance_is_refused_in_one_sentence(city_folder, areas, tmp_path):
    shutil.copytree(city_folder / "Sentinel-2", tmp_path / "scene/Sentinel-2")
    message = (
        r"D3 reads Alpha, Anisotropy, Entropy, and .*scene.* does not have the Sentinel-1 covariance "
        r"\(C11, C12, C22\): give a So2Sat folder with Sentinel-1, or use D2 \(Sentinel-2 alone\)\.$"
    )
    (raster,) = tmp_path.glob("scene/Sentinel-2/*/summer/*.tif")
    for given in (tmp_path / "scene", raster):
        arguments = ["train", str(given), "--polygons", str(areas), "--inputs", "D3"]
        result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out")])
        assert isinstance(result.exception, InputError), result.output
        with pytest.raises(InputError, match=message):
            raise result.exception


@pytest.mark.parametrize(("inputs", "kind"), [("D1", "s1"), ("D3", "both")])
def test_a_network_trained_on_a_combination_maps_a_scene(
    city_folder, areas, tmp_path, inputs, kind
):
    arguments = [
        "train", str(city_folder), "--polygons", str(areas), "--inputs", inputs, "--spacing", "80",
        "--split", "random", "--option", "width=4", "--option", "depth=1", "--epochs", "1",
        "--batch-size", "64", "--device", "cpu", "--no-figures", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    path = tmp_path / "run/model.safetensors"
    weights = load_model(path).weights
    assert weights.bands == COMBINATIONS[inputs]
    assert weights.sensor == kind
    request = MapRequest(inputs=(str(city_folder),), weights=(str(path),), device="cpu")
    mapped = map_city(request, tmp_path / "map").kinds
    assert list(mapped) == [kind]
    assert (mapped[kind] > 0).mean() > 0.99


def test_the_map_reads_the_values_that_the_patches_had(city_folder, areas):
    from lczlib.mapping import prepare
    from lczlib.models import Weights

    files = SceneFiles(
        (str(city_folder),),
        "both",
        COMBINATIONS["D6"],
        options=SceneOptions(only_seasons=("summer",)),
    )
    patches = patches_of(files, open_polygons(areas), patch_size=32, spacing=160)
    assert set(patches.table["scene"].str.split().str[-1]) == {"summer"}
    (scene,) = files.open().values()
    weights = Weights("net", "sen2lcz", "both", COMBINATIONS["D6"], simulated=True)
    bands = prepare(scene, weights).bands.compute()
    centre = patches.table.iloc[0]
    here = bands.sel(x=centre["x"] + 5, y=centre["y"] - 5, method="nearest")
    expected = np.array([float(v) for v in here.data_vars.values()])
    np.testing.assert_allclose(patches.read([0])[0, :, 16, 16], expected, rtol=1e-4, atol=1e-6)


def test_inputs_and_bands_are_not_both_named(city_folder, areas, tmp_path):
    arguments = ["train", str(city_folder), "--polygons", str(areas), "--inputs", "D2"]
    result = CliRunner().invoke(app, [*arguments, "--bands", "B02", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "--inputs names the bands already" in result.output
