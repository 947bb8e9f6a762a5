"""Facts of a methods text: values of results' files, each with the place where it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lczlib.export.files import sha256_of
from lczlib.export.manifest import read_manifest, understood
from lczlib.reading import Reading, counted, tell

MANIFEST_READ = "manifest"
"""What is read, of a result."""


@dataclass(frozen=True)
class Fact:
    """A number or name in a text, and where it stands.

    Attributes
    ----------
    number : int
        As the text has it, in brackets.
    value : str
        As the text has it.
    file : str
        Where it was read, by its path.
    key : str
        Place in the file: ``weights/0/sha256``.
    sha256 : str
        Of the file.
    """

    number: int
    value: str
    file: str
    key: str
    sha256: str


class Teller:
    """Collects facts while a text is written, and what it cites."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.entries: dict[str, str] = {}

    def fact(self, value: str, file: Path, key: str, sha256: str) -> str:
        """A value with the number of its source in brackets; the same source has the same number."""
        for known in self.facts:
            if (known.file, known.key, known.value) == (str(file), key, value):
                return f"{value} [{known.number}]"
        found = Fact(len(self.facts) + 1, value, str(file), key, sha256)
        self.facts.append(found)
        return f"{value} [{found.number}]"

    def cite(self, key: str) -> str:
        """A citation by its key, whose entry goes to the references."""
        from lczlib.export.bibliography import entry

        self.entries[key] = entry(key)
        return f"[@{key}]"


@dataclass(frozen=True)
class Recorded:
    """A result as its manifest tells it.

    Attributes
    ----------
    path : Path
        The manifest.
    content : dict
        What it holds.
    folder : Path
        Of the result.
    """

    path: Path
    content: Mapping[str, Any]
    folder: Path

    @classmethod
    def of(cls, source: str | Path) -> Recorded:
        """Read a result's manifest, and tell which of its files are no longer those that were written.

        Raises
        ------
        InputError
            If there is none.
        """
        path = Path(source)
        content, folder = read_manifest(path)
        path = path / "manifest.json" if path.is_dir() else path
        with understood(path):
            outputs = dict(content.get("outputs") or {})
            there = {name: folder / name for name in outputs}
            changed = [n for n, p in there.items() if p.is_file() and sha256_of(p) != outputs[n]]
            gone = [n for n, p in there.items() if not p.is_file()]
        command = str(content.get("command", "map"))
        said = [
            f"lcz {command} of {str(content.get('created', ''))[:10]}",
            counted(len(outputs), "file"),
        ]
        said += [f"{len(gone)} of them gone"] if gone else []
        cautions = []
        if changed:
            cautions.append(
                f"{', '.join(changed[:4])} of {folder} changed since the manifest was written: what they hold is not "
                "told; run it again."
            )
        tell(Reading(MANIFEST_READ, str(path), tuple(said), tuple(cautions)))
        return cls(path, content, folder)

    @property
    def command(self) -> str:
        """Which command wrote it."""
        return str(self.content.get("command", "map"))

    def document(self, name: str) -> tuple[Path, Mapping[str, Any]] | None:
        """One of its JSON documents, if it is there as it was written."""
        path = self.folder / name
        wanted = (self.content.get("outputs") or {}).get(name)
        if not path.is_file() or wanted is None or sha256_of(path) != wanted:
            return None
        return path, json.loads(path.read_text())


class SourceFacts:
    """Facts of one file."""

    def __init__(self, path: Path, content: Mapping[str, Any], teller: Teller) -> None:
        self.path, self.content, self._teller = path, content, teller
        self._sha256 = sha256_of(path)

    def get(self, key: str) -> Any:
        """The value at a key; None where there is none."""
        return value_at(self.content, key)

    def __call__(self, key: str, form: str = "{}") -> str:
        """The value at a key as the text has it, with the number of its source."""
        value = self.get(key)
        if value is None:
            msg = f"{self.path} holds no {key}"
            raise KeyError(msg)
        return self._teller.fact(form.format(value), self.path, key, self._sha256)

    def has(self, *keys: str) -> bool:
        """Whether there is something at all of these keys."""
        return all(self.get(k) not in (None, [], {}, "") for k in keys)


def value_at(content: Mapping[str, Any], key: str) -> Any:
    """The value at ``weights/0/name``; None where there is none.

    Examples
    --------
    >>> value_at({"a": [{"b": 3}]}, "a/0/b")
    3
    """
    found: Any = content
    for part in key.split("/"):
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found
