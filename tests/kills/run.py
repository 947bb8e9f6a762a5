"""Kill many runs, and write down what came of it: ``python tests/kills/run.py --n 200 --write FILE``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from kill_jobs import JOBS, write_inputs
from killing import Killing, Outcome, cases


def report(outcomes: list[Outcome], seconds: float) -> str:
    """The counts as a table."""
    jobs = dict.fromkeys(o.job for o in outcomes)
    count = {
        what: Counter(o.job for o in outcomes if true(o))
        for what, true in {
            "runs": lambda _: True,
            "operation": lambda o: o.killed and o.moment.startswith("at"),
            "time": lambda o: o.killed and o.moment.startswith("after"),
            "different": lambda o: any("left behind" not in w for w in o.wrong),
            "leftovers": lambda o: any("left behind" in w for w in o.wrong),
        }.items()
    }
    lines = [
        "# Runs that were killed",
        "",
        "Small synthetic inputs; each run is ended by SIGKILL just before a file operation drawn at random, "
        "or after a random time, and the same command run again (with --resume where so named). What lies "
        "there then is compared, byte by byte and apart from times, with what a run leaves that nobody "
        "killed. `make kills` makes this table.",
        "",
        "| command | runs | killed at a file operation | killed at a time | different | leftovers |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for job in [*sorted(jobs), "all"]:
        found = [c.total() if job == "all" else c[job] for c in count.values()]
        lines.append(f"| {job} | {' | '.join(map(str, found))} |")
    ended = sum(not o.killed for o in outcomes)
    lines += ["", f"{ended} runs had come to their end before. {seconds / 60:.0f} minutes."]
    lines += [f"- {o.job}, killed {o.moment}: {'; '.join(o.wrong)}" for o in outcomes if o.wrong]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=200, help="runs to kill")
    parser.add_argument("--write", type=Path, help="file for the table")
    given = parser.parse_args()
    begun, outcomes = time.monotonic(), []
    with tempfile.TemporaryDirectory() as name:
        killing = Killing(Path(name), write_inputs(Path(name) / "inputs"), JOBS)
        for job, number in cases(JOBS, given.n):
            outcomes.append(killing.case(job, number))
            done = outcomes[-1]
            print(len(outcomes), done.job, done.moment, "; ".join(done.wrong) or "same", flush=True)  # noqa: T201
        killing.close()
    text = report(outcomes, time.monotonic() - begun)
    print(text)  # noqa: T201
    if given.write:
        given.write.write_text(text)
    sys.exit(any(o.wrong for o in outcomes))


if __name__ == "__main__":
    main()
