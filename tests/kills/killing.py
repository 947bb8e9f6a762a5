"""Commands that are killed and run again, and what they must leave: all of the result and nothing else."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch

ROOT = Path(__file__).resolve().parents[2]
TIMES = {"created", "seconds", "load_average"}
"""What manifests and results say of time, and of how busy the machine was."""


@dataclass(frozen=True)
class Job:
    """A command that is killed.

    Attributes
    ----------
    words : tuple of str
        The command, run in a folder of its own that holds ``in``, ``cache`` and ``tmp``.
    before : tuple of str
        A command that was there first, whose result lies in the same folder.
    resume : str
        What takes an interrupted run up; half of the runs use it.
    """

    words: tuple[str, ...]
    before: tuple[str, ...] = ()
    resume: str = ""


@dataclass
class Outcome:
    """What came of a killed run.

    Attributes
    ----------
    job, moment : str
        The command, and when it was killed.
    killed : bool
        False where it had ended before.
    wrong : list of str
        Files that differ, are missing or too many after the next run, and what it said.
    """

    job: str
    moment: str
    killed: bool
    wrong: list[str] = field(default_factory=list)


def cases(jobs: Iterable[str], n: int) -> list[tuple[str, int]]:
    """The first so many cases: the jobs in turn; of each, one at a file operation, the next at a time."""
    names = list(jobs)
    return [(names[i % len(names)], i // len(names)) for i in range(n)]


class Killing:
    """Runs jobs in forks of a warm process, in folders below one.

    Parameters
    ----------
    folder : Path
        For everything.
    inputs : Path
        The folder that each job finds as ``in``; ``cache`` in it is the cache of weights.
    jobs : dict of str to Job
    """

    def __init__(self, folder: Path, inputs: Path, jobs: dict[str, Job]) -> None:
        self.folder, self.inputs, self.jobs = folder, inputs, jobs
        self._whole: dict[str, tuple[dict[str, str], dict[str, Any]]] = {}
        self._fastest: dict[str, float] = {}
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
            "OGR_CURRENT_DATE": "2020-01-01T00:00:00.000Z", "MPLBACKEND": "agg",
        }  # fmt: skip
        self._worker = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py"))], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        self._answer()

    def close(self) -> None:
        """End the warm process."""
        self._worker.stdin.close()
        self._worker.wait()

    def _answer(self) -> Any:
        line = self._worker.stdout.readline()
        if not line:
            msg = f"the warm process ended with {self._worker.wait()}"
            raise RuntimeError(msg)
        return json.loads(line)

    def run(self, words: Sequence[str], folder: Path, **more: Any) -> dict[str, Any]:
        """Run a command in a folder; `more` says when it is killed (`worker`)."""
        asked = {"words": list(words), "folder": str(folder), **more}
        self._worker.stdin.write(json.dumps(asked) + "\n")
        self._worker.stdin.flush()
        return self._answer()

    def place(self, name: str) -> Path:
        """A fresh folder with the inputs."""
        place = self.folder / name
        shutil.copytree(self.inputs, place, copy_function=os.link)
        (place / "tmp").mkdir()
        return place

    def whole(self, name: str) -> tuple[dict[str, str], dict[str, Any]]:
        """What a job leaves that nobody killed, and how its run went."""
        if name not in self._whole:
            job, place = self.jobs[name], self.place(f"{name}-whole")
            if job.before:
                self._good(job.before, place)
            went = self._good(job.words, place)
            self._fastest[name] = went["seconds"]
            self._whole[name] = contents(place), went
            shutil.rmtree(place)
        return self._whole[name]

    def _good(self, words: Sequence[str], place: Path) -> dict[str, Any]:
        went = self.run(words, place)
        if went["code"]:
            raise RuntimeError(went["printed"])
        return went

    def case(self, name: str, number: int) -> Outcome:
        """Kill a job at a moment that its number draws, run it again, and compare."""
        job, draw = self.jobs[name], random.Random(f"{name} {number}")
        expected, went = self.whole(name)
        place = self.place(f"{name}-{number}")
        if job.before:
            self._good(job.before, place)
        if number % 2:
            when: dict[str, Any] = {"after": draw.uniform(0, self._fastest[name])}
            moment = f"after {when['after']:.2f} s"
        else:
            when = {"at": draw.randint(1, went["operations"])}
            moment = f"at operation {when['at']} of {went['operations']}"
        killed = self.run(job.words, place, **when)["code"] == -9
        untrue = untrue_manifests(place)
        resume = [job.resume] if job.resume and draw.random() < 0.5 else []
        again = self.run([*job.words, *resume], place)
        if not (again["code"] or resume):  # other work may have slowed the first run down
            self._fastest[name] = min(self._fastest[name], again["seconds"])
        out = Outcome(" ".join([name, *resume]), moment, killed)
        if again["code"]:
            out.wrong.append(f"the next run ended with {again['code']}: {again['printed'][-300:]}")
        else:
            out.wrong = differences(expected, contents(place))
            if resume:  # each of the two processes has its log
                out.wrong = [w for w in out.wrong if "/events 2 " not in w]
        out.wrong += [f"after the kill {path} describes other files" for path in untrue]
        shutil.rmtree(place)
        return out


def contents(place: Path) -> dict[str, str]:
    """A digest of each file below a folder but the inputs, by name; folders have none."""
    found = {}
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if path.name.startswith("events.out"):  # of TensorBoard: named by their time and process
            before = sum(n.startswith(f"{Path(name).parent}/events ") for n in found)
            found[f"{Path(name).parent}/events {before + 1}"] = ""
        elif not name.startswith("in/"):
            found[name] = "" if path.is_dir() else digest(path)
    return found


def untrue_manifests(place: Path) -> list[str]:
    """Manifests that list files which are not there, or are others."""
    found = []
    for path in place.glob("out/*manifest.json"):
        for name, sha256 in json.loads(path.read_text())["outputs"].items():
            listed = path.parent / name
            if not listed.exists() or hashlib.sha256(listed.read_bytes()).hexdigest() != sha256:
                found.append(path.relative_to(place).as_posix())
                break
    return found


def digest(path: Path) -> str:
    """What is in a file, without the times that it tells."""
    content = path.read_bytes()
    if path.suffix == ".json":
        content = json.dumps(_without_times(json.loads(content)), sort_keys=True).encode()
    if path.name == "runs.csv":
        content = pd.read_csv(path).drop(columns="seconds").to_csv().encode()
    if path.suffix == ".ckpt":  # which also tells the absolute path of its folder
        kept, buffer = torch.load(path, weights_only=True), io.BytesIO()
        torch.save(
            [kept[k] for k in ("epoch", "global_step", "state_dict", "optimizer_states")], buffer
        )
        content = buffer.getvalue()
    return hashlib.sha256(content).hexdigest()


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in TIMES}
        if "outputs" in kept:  # digests of files that tell times; the files are compared themselves
            kept["outputs"] = sorted(kept["outputs"])
        return {k: _without_times(v) for k, v in kept.items()}
    return [_without_times(v) for v in value] if isinstance(value, list) else value


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """What is missing, left behind or different, a line each."""
    return [
        *(f"{name} is missing" for name in expected.keys() - found.keys()),
        *(f"{name} is left behind" for name in found.keys() - expected.keys()),
        *(f"{n} differs" for n in expected.keys() & found.keys() if expected[n] != found[n]),
    ]
