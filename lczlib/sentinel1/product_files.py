"""The files of a Sentinel-1 product, in its folder or in its zip archive."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from lczlib.errors import InputError


class ProductFiles:
    """The files of a product by their names within it.

    Parameters
    ----------
    path : Path
        As of `lczlib.sentinel1.product.Product`.

    Attributes
    ----------
    names : set of str
    title : str
        What the product is called.

    Raises
    ------
    InputError
        If there is none, or there are several.
    """

    def __init__(self, path: Path) -> None:
        if path.name == "manifest.safe":
            path = path.parent
        if not path.exists():
            msg = f"The product {path} does not exist."
            raise InputError(msg)
        self._path = path
        self._archive = path.is_file()
        if self._archive and not zipfile.is_zipfile(path):
            msg = f"{path} is no Sentinel-1 product: give its SAFE folder, or its zip archive."
            raise InputError(msg)
        found = self._listed()
        roots = {n.split("annotation/")[0] for n in found if "annotation/" in n}
        if len(roots) > 1:
            msg = f"{path} holds {len(roots)} products: give one of {', '.join(sorted(roots))}."
            raise InputError(msg)
        self._root = next(iter(roots), "")
        self.names = {n.removeprefix(self._root) for n in found if n.startswith(self._root)}
        self.title = self._root.rstrip("/").split("/")[-1] or path.name

    def _listed(self) -> list[str]:
        if self._archive:
            with zipfile.ZipFile(self._path) as archive:
                return archive.namelist()
        inside = self._path.glob("**/*") if _shallow(self._path) else ()
        return [p.relative_to(self._path).as_posix() for p in inside if p.is_file()]

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises
        ------
        InputError
            If it is missing or damaged.
        """
        try:
            if self._archive:
                with zipfile.ZipFile(self._path) as archive:
                    return archive.read(self._root + name)
            return (self._path / self._root / name).read_bytes()
        except (KeyError, OSError, zipfile.BadZipFile, zlib.error) as error:
            msg = f"{self._path} lacks {name}, or it is damaged: fetch the product again."
            raise InputError(msg) from error

    def gdal(self, name: str) -> str:
        """What GDAL calls a file."""
        inside = f"{self._root}{name}"
        return f"/vsizip/{self._path}/{inside}" if self._archive else str(self._path / inside)

    def manifest(self) -> bytes:
        """What ``manifest.safe`` holds; nothing where there is none."""
        return self.read("manifest.safe") if "manifest.safe" in self.names else b""

    def paths(self) -> list[Path]:
        """What a result depends on; see `lczlib.sentinel1.product.Product.files`."""
        if self._archive:
            return [self._path]
        kept = ["manifest.safe"] if "manifest.safe" in self.names else sorted(self.names)
        return [self._path / self._root / n for n in kept if not n.startswith("measurement/")]


def _shallow(folder: Path) -> bool:
    """Whether a folder is a product or holds one, so that a home folder is not walked through."""
    children: Iterable[Path] = (folder, *(p for p in folder.iterdir() if p.is_dir()))
    return any((p / "annotation").is_dir() for p in children)
