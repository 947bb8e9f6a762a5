"""Mutations of tables, of bytes, of archives and of networks' files."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

Random = np.random.Generator
_CELLS = (
    "", "nan", "inf", "-1e400", "-9999", "1,5", '"', "NULL", "é\u202e", "0x1F", "9999-12-31T24:00:00",
    "0001-01-01", "1e300", "31/02/2021", "١٢", "=1+1", "a" * 20_000, "[red]x[/]", "\x07", "S01", "-0.0",
)  # fmt: skip


def table(source: Path, target: Path, rng: Random) -> str:
    """Change cells, columns, rows, encoding, separator or header of a CSV."""
    text = source.read_text()
    lines = [line.split(",") for line in text.splitlines()]
    made = []
    for how in rng.choice(8, rng.integers(1, 4), replace=False):
        made.append(
            ("cells", "column", "named", "repeated", "shuffled", "headless", "wide", "few")[how]
        )
        width = len(lines[0])
        at = int(rng.integers(width))
        if how == 0:
            for row in rng.integers(1, len(lines), int(rng.choice([1, 20, len(lines)]))):
                lines[row][min(at, len(lines[row]) - 1)] = str(rng.choice(_CELLS))
        elif how == 1 and width > 1:
            lines = [r[:at] + r[at + 1 :] for r in lines]
        elif how == 2:
            lines[0][at] = str(
                rng.choice(["", "time", "station", "x", "lcz", "air_temperature", "lon", "é"])
            )
        elif how == 3:
            lines += lines[1:]
        elif how == 4:
            lines[1:] = [lines[i] for i in 1 + rng.permutation(len(lines) - 1)]
        elif how == 5:
            lines = lines[1:]
        elif how == 6:
            lines = [r + [str(i)] * 60 for i, r in enumerate(lines[:500])]
        elif how == 7:
            lines = lines[: int(rng.choice([1, 2, 30]))]
    separator = str(rng.choice([",", ";", "\t", "|", " ", ",,"]))
    ending = str(rng.choice(["\n", "\r\n", "\r", "\n\n"]))
    encoding = str(rng.choice(["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "utf-16-be"]))
    target.write_bytes(ending.join(separator.join(r) for r in lines).encode(encoding, "replace"))
    return " ".join((*made, repr(separator), encoding))


def parquet(source: Path, target: Path, rng: Random) -> str:
    """Change columns of a Parquet file, or declare many rows in few bytes."""
    found = pq.read_table(source)
    name = found.column_names[int(rng.integers(found.num_columns))]
    n = found.num_rows
    how = int(rng.integers(5))
    if how == 0:
        n = int(rng.choice([3_000_000, 60_000_000]))
        arrays = {c: pa.nulls(n, found.schema.field(c).type) for c in found.column_names}
        with pq.ParquetWriter(target, found.schema) as writer:
            writer.write_table(pa.table(arrays, schema=found.schema), row_group_size=n)
        return f"{n} rows"
    odd: list[object] = [
        pa.array([[1, 2]] * n), pa.array([{"a": 1}] * n), pa.array([None] * n), pa.array([b"x"] * n),
        pa.array([1e300] * n), pa.array([2**62] * n), pa.array(["x"] * n).dictionary_encode(),
    ]  # fmt: skip
    if how == 1:
        found = found.drop_columns([name])
    elif how == 2:
        found = found.rename_columns(["x" if c == name else c for c in found.column_names])
    else:
        at = found.column_names.index(name)
        found = found.set_column(at, name, odd[int(rng.integers(len(odd)))])
    pq.write_table(
        found.replace_schema_metadata(found.schema.metadata if how == 4 else None), target
    )
    return f"column {how}"


def octets(source: Path, target: Path, rng: Random) -> str:
    """Cut, flip, zero, repeat or replace bytes, most often near the head."""
    raw = bytearray(source.read_bytes())
    how = str(rng.choice(["cut", "flip", "zero", "repeat", "other", "garbage"]))
    head = min(len(raw), int(rng.choice([64, 1024, len(raw)])))
    at = int(rng.integers(max(head, 1)))
    if how == "cut":
        del raw[int(rng.integers(len(raw))) :]
    elif how == "flip":
        for i in rng.integers(0, head, int(rng.choice([1, 8, 64]))):
            raw[i] ^= 1 << int(rng.integers(8))
    elif how == "zero":
        raw[at : at + 512] = bytes(len(raw[at : at + 512]))
    elif how == "repeat":
        raw[at:at] = raw[at : at + 4096]
    elif how == "other":
        others = [
            b"",
            b"hello\n",
            b"<kml/>",
            b"{}",
            b"PK\3\4",
            b"II*\0",
            b"\0" * 4096,
            b"%PDF-1.4",
            b"[]",
        ]
        raw = bytearray(others[int(rng.integers(len(others)))])
    else:
        raw += rng.bytes(2048)
    target.write_bytes(raw)
    return how


def archive(source: Path, target: Path, rng: Random) -> str:
    """Repack a zip with members doubled, misplaced, blown up or left out; or lie about their size."""
    with zipfile.ZipFile(source) as opened:
        members = [(m.filename, opened.read(m)) for m in opened.infolist()]
    how = str(
        rng.choice(
            ["without", "outside", "blown up", "lie", "many", "nested", "encrypted", "inner"]
        )
    )
    at = int(rng.integers(len(members)))
    name, content = members[at]
    if how == "without":
        members.pop(at)
    elif how == "outside":
        members[at] = (str(rng.choice(["../", "/tmp/", "C:\\"])) + name, content)
    elif how == "blown up":
        members[at] = (name, content + bytes(int(rng.choice([50_000_000, 300_000_000]))))
    elif how == "many":
        members += [(f"{name}.{i}", b"x") for i in range(3000)]
    elif how == "inner":
        place = target.with_name("member")
        place.write_bytes(content or b"x")
        octets(place, place, rng)
        members[at] = (name, place.read_bytes())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for member, body in members:
            out.writestr(member, body)
        if how == "nested":
            out.writestr("inner.zip", source.read_bytes())
    raw = bytearray(target.read_bytes())
    if how in ("lie", "encrypted"):
        entry = raw.rfind(b"PK\1\2")
        place, value = (
            (entry + 24, struct.pack("<I", 2**31)) if how == "lie" else (entry + 8, b"\1\0")
        )
        raw[place : place + len(value)] = value
        target.write_bytes(raw)
    return how


def safetensors(source: Path, target: Path, rng: Random) -> str:
    """Change the header of a safetensors file: its description, shapes, types or places."""
    raw = source.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    how = str(rng.choice(["description", "tensor", "length", "values"]))
    body = bytearray(raw[8 + size :])
    if how == "description":
        (key,) = header["__metadata__"]
        place = target.with_name("described.json")
        place.write_text(header["__metadata__"][key])
        from features import mutate_json

        mutate_json(place, place, rng)
        header["__metadata__"][key] = place.read_text()
    elif how == "tensor":
        names = [k for k in header if k != "__metadata__"]
        entry = header[names[int(rng.integers(len(names)))]]
        entry[str(rng.choice(["dtype", "shape", "data_offsets"]))] = [
            "I64", [10**9, 10**9], [0, 10**12], "X", [], [-1, 4], ["a"]
        ][int(rng.integers(7))]  # fmt: skip
    elif how == "values":
        numbers = np.frombuffer(body, np.float32).copy()
        numbers[rng.random(len(numbers)) < rng.choice([0.001, 1])] = rng.choice(
            [np.nan, np.inf, 1e38, 0]
        )
        body = bytearray(numbers.tobytes())
    text = json.dumps(header).encode()
    length = len(text) if how != "length" else int(rng.choice([0, 1, 2**40, 2**63 - 1]))
    target.write_bytes(struct.pack("<Q", length) + text + body)
    return how


class _Harmful:
    """A pickle that would run a command."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        import os

        return os.system, ("touch reached",)


def pickled(source: Path, target: Path, rng: Random) -> str:
    """A PyTorch file with other content: not a table, odd shapes, code, or too much."""
    state = torch.load(source, weights_only=True)
    name = list(state)[int(rng.integers(len(state)))]
    odd = [
        {}, [1, 2], "text", {"a": 1}, {**state, name: torch.ones(1).expand(10**6, 10**6)},
        {**state, name: torch.full_like(state[name].float(), float("nan"))}, {**state, "x": torch.ones(3)},
        {**state, name: state[name].to_sparse() if state[name].ndim > 1 else torch.ones(2, 2)},
        {k: v.double() for k, v in state.items()}, _Harmful(),
    ]  # fmt: skip
    at = int(rng.integers(len(odd)))
    if at == len(odd) - 1 or rng.random() < 0.1:
        out = io.BytesIO()
        pickle.dump(odd[at] if at == len(odd) - 1 else {"a": 1}, out)
        target.write_bytes(out.getvalue())
    else:
        torch.save(odd[at], target)
    return f"content {at}"


def hdf5(source: Path, target: Path, rng: Random) -> str:
    """Change the arrays and attributes of an HDF5 file, or declare some that were never written."""
    target.write_bytes(source.read_bytes())
    with h5py.File(target, "r+") as file:
        places: list[str] = []
        file.visititems(
            lambda n, item: places.append(n) if isinstance(item, h5py.Dataset) else None
        )
        name = places[int(rng.integers(len(places)))]
        how = str(rng.choice(["gone", "huge", "type", "values", "attribute", "link", "shape"]))
        stored = file[name]
        shape = stored.shape
        if how == "attribute":
            for key in list(file.attrs):
                file.attrs[key] = [b"x", 3, np.nan][int(rng.integers(3))]
            return how
        if how == "values" and stored.dtype.kind == "f":
            stored[...] = rng.choice([np.nan, np.inf, 1e38, -1, 0])
            return how
        del file[name]
        if how == "huge":
            file.create_dataset(name, (10**8, *shape[1:]), "f4", chunks=(1, *shape[1:]))
        elif how == "type":
            file[name] = np.resize(np.array([b"text"]), shape or (1,))
        elif how == "link":
            file[name] = h5py.ExternalLink("/etc/passwd", "/x")
        elif how == "shape":
            file[name] = np.zeros((3, 2), np.float32)
    return how
