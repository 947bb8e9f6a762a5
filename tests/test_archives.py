"""What may be in an archive, and never gets out of it: links, names that lead out, bombs, damage."""

import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from archive_files import NAME, opened, pack

from lczlib import archives
from lczlib.errors import InputError
from lczlib.reading import readings
from lczlib.scenes.simulation import simulate_city, write_so2sat


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """The demo city as a So2Sat folder."""
    return write_so2sat(simulate_city(2.4, 3), tmp_path_factory.mktemp("city") / "gul", NAME)


def hostile_tar(path: Path, real: Path, name: str) -> Path:
    """A tar with links, a device and names that lead out of it beside one honest raster."""
    with tarfile.open(path, "w") as out:
        for key, kind, target in (
            (name, tarfile.SYMTYPE, "/etc/passwd"), ("hard_spring.tif", tarfile.LNKTYPE, "../x"),
            ("fifo_summer.tif", tarfile.FIFOTYPE, ""),
        ):  # fmt: skip
            info = tarfile.TarInfo(key)
            info.type, info.linkname = kind, target
            out.addfile(info)
        for key in ("../outside_spring.tif", "/tmp/absolute_spring.tif", "C:/x_spring.tif"):
            out.addfile(tarfile.TarInfo(key), io.BytesIO(b""))
        out.add(real, "s2/honest_winter.tif")
    return path


def hostile_zip(path: Path, real: Path, name: str) -> Path:
    """The same as a zip."""
    with zipfile.ZipFile(path, "w") as out:
        link = zipfile.ZipInfo(name)
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        out.writestr(link, "/etc/passwd")
        for key in ("../outside_spring.tif", "/tmp/absolute_spring.tif", "..\\x_spring.tif"):
            out.writestr(key, b"")
        out.write(real, "s2/honest_winter.tif")
    return path


@pytest.mark.parametrize("make", [hostile_tar, hostile_zip])
def test_links_and_names_that_lead_out_are_left_out_and_named(city, tmp_path, make):
    real = next((city / "Sentinel-2").rglob("*_winter.tif"))
    packed = make(tmp_path / f"h.{make.__name__[8:]}", real, "s2/link_autumn.tif")
    before = sorted(p for p in tmp_path.rglob("*"))
    with readings() as heard:
        found = opened(packed)
    assert list(found.seasons) == ["winter"]
    cautions = " ".join(t for r in heard if r.what == "archive" for t in r.cautions)
    assert "s2/link_autumn.tif (a link)" in cautions
    assert "not unpacked" in cautions
    unpacked = {p for f in archives._folders.values() for p in f.path.rglob("*")}
    assert not any(p.is_symlink() or "outside" in p.name or "absolute" in p.name for p in unpacked)
    assert sorted(p for p in tmp_path.rglob("*")) == before
    assert not Path("/tmp/absolute_spring.tif").exists()


@pytest.mark.parametrize("file", ["bomb.zip", "bomb.tar.gz", "sparse.tar"])
def test_bombs_are_refused_by_the_index(tmp_path, file, run_lcz):
    path, size = tmp_path / file, 300_000_000
    if file == "bomb.zip":
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out,
            out.open("s2/a_spring.tif", "w") as member,
        ):
            for _ in range(size // 1_000_000):
                member.write(bytes(1_000_000))
    elif file == "bomb.tar.gz":
        with tarfile.open(path, "w:gz") as out:
            info = tarfile.TarInfo("s2/a_spring.tif")
            info.size = size
            out.addfile(info, io.BytesIO(bytes(size)))
    else:
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as out:
            info = tarfile.TarInfo("s2/a_spring.tif")
            info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(10**15)}
            info.size = 1
            out.addfile(info, io.BytesIO(b"x"))
    assert path.stat().st_size < 1_000_000
    code, _, err = run_lcz("map", path, "--out", tmp_path / "out")
    assert code == 1
    assert "which no imagery does: it is not unpacked" in err


def test_a_header_that_declares_gigabytes_takes_no_memory(tmp_path):
    path = tmp_path / "header.tar"
    info = tarfile.TarInfo("PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 6_000_000_000
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(InputError, match=r"cannot be read as a tar archive .*header of 6,000 MB"):
        archives.index_of(path)


def test_no_room_is_told_before_anything_is_unpacked(city, tmp_path, monkeypatch):
    packed = pack(city, tmp_path / "x.zip")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(
        InputError, match=r"unpacks to .* GB, and there are 0.0 GB free in .*TMPDIR"
    ):
        opened(packed)
    assert not any(packed in {m.archive for m, _ in key} for key in archives._folders)


@pytest.mark.parametrize("file", ["x.zip", "x.tar", "x.tar.gz"])
@pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
def test_what_is_cut_off_is_refused_in_words(city, tmp_path, file, share):
    packed = pack(city, tmp_path / file, only="Sentinel-2")
    content = packed.read_bytes()
    packed.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"cannot be read as a (zip|tar) archive .*cut off"):
        opened(packed)


def test_a_damaged_member_is_refused_in_words(city, tmp_path):
    packed = pack(city, tmp_path / "x.zip", only="summer")
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 0xFF
    packed.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"cannot be read as a zip archive .*CRC|invalid"):
        opened(packed)
    assert not any(
        p.suffix == ".part" for f in archives._folders.values() for p in f.path.rglob("*")
    )


def test_what_was_unpacked_goes_with_the_process(city, tmp_path):
    packed = pack(city, tmp_path / "x.zip", only="summer")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = (
        "import os, sys; from lczlib.scenes import open_scenes; open_scenes([sys.argv[1]]); "
        "print(sum(len(f) for *_, f in os.walk(os.environ['TMPDIR'])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(packed)], capture_output=True, text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) >= 1
    assert list(temporary.iterdir()) == []
