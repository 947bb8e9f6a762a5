"""Give mutated inputs to every command, and count how they end.

``python tests/hostile/run.py --n 2000 --write benchmarks/results/fuzz.md`` (``make fuzz``).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(1, str(Path(__file__).resolve().parents[2]))

import capped
import cases
import honest

_MIRROR = Path(__file__).resolve().parents[3] / "shared" / "mirror"
_SEED = 20260101


def main() -> int:
    """Run, write the counts, and tell the faults; 1 where there are any."""
    arguments = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="lcz-hostile-"))
    os.environ |= {
        "LCZLIB_CACHE": str(folder / "cache"), "COLUMNS": "200", "LCZLIB_MEMORY": capped.MEMORY,
        "LCZLIB_MIRROR": str(_MIRROR) if _MIRROR.is_dir() else "http://127.0.0.1:9",
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    begun = time.monotonic()
    try:
        capped.warm()
        files = _honest(folder)
        numbers = arguments.only or range(arguments.start, arguments.start + arguments.n)
        seed = None if arguments.honest else arguments.seed
        numbers = range(len(cases.DOORS)) if arguments.honest else numbers
        found = _in_lanes(list(numbers), arguments.lanes, seed, files, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report = _report(found, arguments.seed, time.monotonic() - begun)
    if arguments.write:
        arguments.write.write_text(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))
    faulty = [
        f for f in found if f["faults"] or (arguments.honest and f["code"] and not _needs_more(f))
    ]
    out = sys.stdout.write
    for f in faulty:
        out(
            f"\n#{f['number']} {f['kind']} -> {f['command']} ({f['how']}): {'; '.join(f['faults'])}\n"
        )
        out(f"  lcz {' '.join(f['line'])}\n  {f['said'][-600:]}\n")
    out(f"{len(found)} cases, {len(faulty)} faults\n")
    return bool(faulty)


def _needs_more(found: dict[str, Any]) -> bool:
    """Whether a command ended for lack of published weights, which are not at hand."""
    return found["command"] == "water" and not _MIRROR.is_dir() and "download" in found["said"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=150, help="cases")
    parser.add_argument("--start", type=int, default=0, help="number of the first")
    parser.add_argument("--only", type=int, nargs="*", help="these cases alone, by number")
    parser.add_argument("--honest", action="store_true", help="each door once, and no mutation")
    parser.add_argument("--seed", type=int, default=_SEED)
    parser.add_argument("--lanes", type=int, default=max(1, (os.cpu_count() or 2)))
    parser.add_argument("--write", type=Path, help="Markdown file for the counts")
    parser.add_argument("--json", type=Path, help="file for all outcomes")
    return parser.parse_args()


def _honest(folder: Path) -> dict[str, Path]:
    """The honest files, written in a copy of this process so that it keeps no library's state."""
    made = folder / "honest"
    made.mkdir()
    with _copy(lambda: (folder / "files.json").write_text(
        json.dumps({k: str(p) for k, p in honest.write_all(made).items()})
    )):  # fmt: skip
        pass
    files = {k: Path(p) for k, p in json.loads((folder / "files.json").read_text()).items()}
    for line in (
        ("compare", files["map"], files["map_b"], "--no-figures", "--out", made / "compared"),
        ("map", files["scene"], "--weights", "demo_s2", "--out", made / "mapped"),
    ):
        outcome = capped.run_capped(line, made)
        if outcome.code:
            raise RuntimeError(outcome.said)
    return files | {
        "folder": made, "manifest": made / "compared" / "manifest.json",
        "map_manifest": made / "mapped" / "manifest.json",
    }  # fmt: skip


@contextlib.contextmanager
def _copy(work: Any) -> Iterator[None]:
    """Do some work in a forked copy, and wait for it at the end of the block."""
    process = os.fork()
    if not process:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    yield
    if os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]):
        msg = "a copy of this process failed; see above"
        raise RuntimeError(msg)


def _in_lanes(
    numbers: Sequence[int], lanes: int, seed: int | None, files: dict[str, Path], folder: Path
) -> list[dict[str, Any]]:
    """All cases, several at a time; in their order."""
    notes = [folder / f"lane{i}.jsonl" for i in range(lanes)]
    with contextlib.ExitStack() as running:
        for i, note in enumerate(notes):
            mine = numbers[i::lanes]
            running.enter_context(
                _copy(lambda mine=mine, note=note: _lane(mine, seed, files, note))
            )
    found = [json.loads(line) for note in notes for line in note.read_text().splitlines()]
    return sorted(found, key=lambda f: f["number"])


def _lane(numbers: Sequence[int], seed: int | None, files: dict[str, Path], note: Path) -> None:
    with note.open("w") as out:
        for number in numbers:
            folder = note.with_suffix("") / str(number)
            folder.mkdir(parents=True)
            out.write(json.dumps(_one(number, seed, files, folder)) + "\n")
            out.flush()
            shutil.rmtree(folder, ignore_errors=True)


def _one(number: int, seed: int | None, files: dict[str, Path], folder: Path) -> dict[str, Any]:
    def write() -> None:
        warnings.simplefilter("ignore")  # of the libraries that write what is odd
        case = cases.make(number, seed, files, folder)
        (folder / "case.json").write_text(json.dumps([case.how, case.line]))

    with _copy(write):
        pass
    how, line = json.loads((folder / "case.json").read_text())
    outcome = capped.run_capped(line, folder)
    door = cases.DOORS[number % len(cases.DOORS)]
    faults = outcome.faults() + (["ran code of a file"] if (folder / "reached").exists() else [])
    return {
        "number": number, "kind": door.kind, "command": door.command, "how": how, "line": line,
        "code": outcome.code, "stopped": outcome.stopped, "seconds": outcome.seconds,
        "resident": outcome.resident, "said": outcome.said, "faults": faults,
    }  # fmt: skip


def _report(found: Sequence[dict[str, Any]], seed: int, seconds: float) -> str:
    """The counts by kind and command, as Markdown."""
    head = ("kind", "command", "cases", "exit 0", "exit 1", "exit 2", "tracebacks", "hangs", "over 2 GB",
            "other faults", "longest (s)", "largest (GB)")  # fmt: skip
    rows = []
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for f in found:
        groups.setdefault((f["kind"], f["command"]), []).append(f)
    for (kind, command), own in [*sorted(groups.items()), (("all", ""), list(found))]:
        codes, faults = Counter(f["code"] for f in own), [t for f in own for t in f["faults"]]
        hangs, large = (sum(t.startswith(w) for t in faults) for w in ("hangs", "over 2 GB"))
        traces = faults.count("traceback")
        rows.append((
            kind, command, len(own), codes[0], codes[1], codes[2], traces, hangs, large,
            len(faults) - traces - hangs - large, f"{max(f['seconds'] for f in own):.0f}",
            f"{max(f['resident'] for f in own) / 1e9:.2f}",
        ))  # fmt: skip
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
    return (
        "# Mutated inputs\n\n"
        f"`make fuzz`: {len(found):,} mutated files of {len({f['kind'] for f in found})} kinds, each given to a "
        f"command under a limit of {capped.MEMORY} GB (`--memory`), seed {seed}; {seconds / 60:.0f} minutes. A "
        f"command must end by itself with exit status 0, 1 (one sentence) or 2, within {capped.SECONDS:.0f} s of "
        "processor time and "
        f"{capped.RESIDENT / 1e9:g} GB resident, of which the interpreter with its libraries takes 0.5.\n\n{table}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
