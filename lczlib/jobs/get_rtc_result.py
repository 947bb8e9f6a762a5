"""What ``lcz get`` makes of Sentinel-1 without SLC: a raster a pass, for ``lcz water``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.acquire.providers import provider_of
from lczlib.acquire.rtc_folder import pass_file, rtc_folder
from lczlib.jobs.get_part import Part, all_done, further_cautions, put_all
from lczlib.jobs.get_request import GetRequest
from lczlib.jobs.result import Result
from lczlib.reading import counted, share

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.acquire.pass_work import PassPlan, PassWork
    from lczlib.acquire.places import Place
    from lczlib.acquire.rtc import RtcPass
    from lczlib.jobs.get_radar import RadarResult

_COLUMNS = (
    "date", "time", "direction", "relative_orbit", "covered_share", "megabytes", "file", "items",
)  # fmt: skip
_WHOLE = 0.99  # of the box
_SAME = 0.05  # of the side of a pixel


@dataclass(frozen=True, kw_only=True, repr=False)
class RtcResult(Result):
    """The passes over a place; `write` puts their rasters into its folder.

    Attributes
    ----------
    request : GetRequest
    place : Place
    passes : tuple of RtcPass
        By time.
    counts : dict of str to Counter
        Of each pass by its name, what its pixels of the box became, as of
        `lczlib.acquire.rtc_pixels.decibels`; empty where nothing was to be fetched.
    metres : dict of str to float
        Of each fetched pass, the side of its scenes' own pixels.
    left_out : dict of str to str
        Why something was not taken, and how much of it, or the pass.
    empty : tuple of str
        Why periods have none.
    plan : PassPlan or None
    work : PassWork or None
        Where the rasters are until then; None where nothing was to be fetched.
    radar : RadarResult or None
        What ``lcz prepare-s1`` needs, where that is asked for too.
    further : tuple of Part
        Surface temperature, hours of stations, likewise.
    """

    draws = False

    request: GetRequest
    place: Place
    passes: tuple[RtcPass, ...] = field(default=(), repr=False)
    counts: dict[str, Counter[str]] = field(default_factory=dict, repr=False)
    metres: dict[str, float] = field(default_factory=dict, repr=False)
    left_out: Mapping[str, str] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    plan: PassPlan[RtcPass] | None = field(default=None, repr=False)
    work: PassWork[RtcPass] | None = field(default=None, repr=False)
    radar: RadarResult | None = field(default=None, repr=False)
    further: tuple[Part, ...] = field(default=(), repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """A row a pass: day, time (UTC), direction, track, share of the box, size, file, items."""
        import pandas as pd

        rows = [
            {
                "date": p.date.isoformat(), "time": f"{p.time:%Y-%m-%dT%H:%M:%SZ}", "direction": p.direction,
                "relative_orbit": p.relative_orbit, "covered_share": self.covered(p), "megabytes": p.megabytes,
                "file": pass_file(self.place, p).as_posix() if self.work else "",
                "items": " ".join(s.id for s in p.scenes),
            }
            for p in self.passes
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"relative_orbit": "Int64"})

    def covered(self, one: RtcPass) -> float:
        """Share of the box with backscatter; of passes that are not fetched, that of their outlines."""
        found = self.counts.get(one.name)
        return one.covered if found is None else found["valid"] / found["pixels"]

    def headline(self) -> str:
        """How many passes there are, of which tracks, in a sentence."""
        ways = Counter(p.direction for p in self.passes)
        tracks = {(p.direction, p.relative_orbit) for p in self.passes}
        each = ", ".join(f"{n} {way}" for way, n in sorted(ways.items()))
        size = sum(p.megabytes for p in self.passes)
        return (
            f"{counted(len(self.passes), 'pass', 'passes')} of Sentinel-1 (RTC) over {self.place.label}: {each}, of "
            f"{counted(len(tracks), 'track')}"
            + (f", about {size:,.0f} MB to read." if self.work is None else ".")
        )

    def cautions(self) -> list[str]:
        """What is missing or was changed."""
        from lczlib.acquire.grids import PIXEL

        said = [*self.empty]
        said += [f"Left out, {what}: {why}." for why, what in self.left_out.items()]
        part = [p for p in self.passes if self.covered(p) < _WHOLE]
        if part:
            least = min(part, key=self.covered)
            said.append(
                f"{counted(len(part), 'pass', 'passes')} of {len(self.passes)} show less than {_WHOLE:.0%} of the box, "
                f"the least {self.covered(least):.0%} ({least.date}, {least.direction})."
            )
        whole = sum(self.counts.values(), Counter())
        if whole["zero"] or whole["negative"]:
            n = whole["zero"] + whole["negative"]
            most = max(
                self.counts, key=lambda c: self.counts[c]["zero"] + self.counts[c]["negative"]
            )
            said.append(
                f"{counted(n, 'pixel')} of the box ({share(n, whole['pixels'])} over all passes) hold 0 or less, which "
                f"no echo has: taken as missing; most in {most}."
            )
        if whole["raised"]:
            said.append(
                f"Below -40 dB in a band, under the noise, and raised to it: {counted(whole['raised'], 'pixel')} "
                f"({share(whole['raised'], whole['valid'])})."
            )
        for size in sorted({s for s in self.metres.values() if abs(s / PIXEL - 1) > _SAME}):
            n = sum(s == size for s in self.metres.values())
            said.append(
                f"{counted(n, 'pass', 'passes')} of {len(self.metres)} have pixels of {size:.3g} m, put on the grid of "
                f"{PIXEL:g} m by nearest neighbour: speckle and narrow water are not as the networks for water "
                f"learned them at {PIXEL:g} m."
            )
        said += self.radar.cautions() if self.radar else []
        return said + further_cautions(self.further)

    def folders(self, folder: Path) -> dict[str, Path]:
        """Where the rasters of each direction lie, in the folder of the result."""
        ways = sorted({p.direction for p in self.passes})
        return {way: folder / rtc_folder(self.place) / way for way in ways}

    def told(self) -> dict[str, Any]:
        """What ``item.json`` says."""
        from lczlib.acquire.providers import TERMS

        plan = self.plan
        provider = provider_of(self.request.provider)
        years = sorted({str(p.date.year) for p in self.passes})
        when = "-".join(dict.fromkeys((years[0], years[-1])))
        return {
            "provider": provider.title, "provider_address": provider.address,
            "source_collection": plan.collection if plan else "", "license": plan.licence if plan else "",
            "attribution": f"Contains modified Copernicus Sentinel data {when}",
            "terms": TERMS, "radiometry": "gamma nought", "units": "dB", "box": list(self.place.box),
            "left_out": [{"what": what, "why": why} for why, what in self.left_out.items()],
            "passes": [self._pass_told(p) for p in self.passes],
        }  # fmt: skip

    def _pass_told(self, one: RtcPass) -> dict[str, Any]:
        return {
            "file": pass_file(self.place, one).as_posix(), "date": one.date.isoformat(),
            "datetime": f"{one.time:%Y-%m-%dT%H:%M:%SZ}", "sat:orbit_state": one.direction,
            "sat:relative_orbit": one.relative_orbit, "covered_share": self.covered(one),
            "pixels": dict(self.counts[one.name]),
            "scenes": [{"id": s.id, "collection": s.collection, "href": s.link} for s in one.scenes],
        }  # fmt: skip

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.acquire.folder import write_radar_item

        if self.radar:
            self.radar.put(folder)
        self.put(folder)
        if self.work is not None:
            write_radar_item(folder, self.place, self.told())
        put_all(self.further, folder)

    def put(self, folder: Path) -> None:
        """Move the rasters to their place, and write the list of passes."""
        from lczlib.export.files import placed, write_table

        write_table(
            folder / rtc_folder(self.place) / "passes.csv", self.to_dataframe(), index=False
        )
        if self.work is not None:
            for one in self.passes:
                placed(folder / pass_file(self.place, one), self.work.raster(one.name))

    def write(self, folder: str | Path, *, figures: bool = True) -> Path:
        """As all results; then what was kept is not kept any more."""
        written = super().write(folder, figures=figures)
        self.done()
        all_done(self.further)
        return written

    def done(self) -> None:
        """Remove what was kept for a run that is taken up."""
        if self.work is not None:
            self.work.remove()
