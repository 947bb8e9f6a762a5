"""Which Sentinel-1 products go with Sentinel-2 tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from lczlib.jobs.request import Request, Source, Steps
from lczlib.jobs.result import Result, job
from lczlib.reading import counted, share
from lczlib.sentinel1.choices import Kind
from lczlib.settings import setting

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.sentinel1.select import Selection


@dataclass(frozen=True, kw_only=True)
class FindS1Request(Request):
    """The Sentinel-1 products of Sentinel-2 tiles: one pass of each relative orbit, nearest in time."""

    command: ClassVar = "find-s1"

    tiles: tuple[Source, ...] = setting(
        ..., "Sentinel-2 tiles: SAFE products (folder or zip), JSON of STAC items, or BigEarthNetTileInfo_v2.npy.",
        title="Sentinel-2 tiles", file=True, argument=True, metavar="TILES...",
    )  # fmt: skip
    products: tuple[Source, ...] = setting(
        ..., "Sentinel-1 products that could be had: JSON of STAC items, or BigEarthNetSen2UUID2Sen1ProdName.npy, "
        "whose places follow from the nominal orbit.",
        title="Sentinel-1 products", file=True, metavar="FILE",
    )  # fmt: skip
    compare: Source | None = setting(
        None, "Published list to compare with: BigEarthNetSen2UUID2Sen1ProdName.npy.",
        title="Compare with", file=True, metavar="FILE",
    )  # fmt: skip
    only: tuple[str, ...] = setting(
        (), "Tiles by their name, their place in MGRS (33UUP) or UUID.", title="Only", repeat=True,
        usual="all", metavar="TILE",
    )  # fmt: skip
    kind: Kind = setting("GRDH", "Products that are looked for.", title="Kind of product")
    days: float = setting(
        12.0,
        "How far from the tile's acquisition a pass may be, before or after, in days.",
        title="Days",
        low=0,
    )
    orbits: Literal["all", "needed"] = setting(
        "all", "all: a pass of each relative orbit that shows the tile. needed: those that add to what passes "
        "nearer in time cover.",
        title="Relative orbits",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, repr=False)
class FindS1Result(Result):
    """What was selected for each tile.

    Attributes
    ----------
    request : FindS1Request
    selections : tuple of Selection
        One a tile.
    """

    draws = False

    request: FindS1Request
    selections: tuple[Selection, ...] = field(repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """A row a tile: passes, products, what stays uncovered, and the published list's where one was given."""
        import pandas as pd

        return pd.DataFrame([self._row(s) for s in self.selections]).set_index("tile")

    def products_table(self) -> pd.DataFrame:
        """A row a product and tile."""
        import pandas as pd

        return pd.DataFrame(list(self._product_rows()), columns=_COLUMNS)

    def names(self) -> list[str]:
        """The products to fetch, each once."""
        return sorted({p.name for s in self.selections for p in s.products})

    def headline(self) -> str:
        """The result in a sentence."""
        whole = sum(s.covered >= _WHOLE for s in self.selections)
        return (
            f"{counted(len(self.names()), f'{self.request.kind} product')} for "
            f"{counted(len(self.selections), 'tile')}, {whole} of them covered whole; "
            f"{_percent_left(self.selections)}."
        )

    def cautions(self) -> list[str]:
        """Tiles that stay uncovered, and what helps."""
        none = [s.tile.name for s in self.selections if not s.passes]
        part = [s for s in self.selections if s.passes and s.covered < _WHOLE]
        said = []
        if self.request.compare is not None and not any(s.against for s in self.selections):
            said.append(
                "The published list has none of these tiles: it goes by the UUIDs of BigEarthNetTileInfo_v2.npy."
            )
        if none:
            said.append(
                f"No product shows {', '.join(none[:3])}{' ...' if len(none) > 3 else ''} within "
                f"{self.request.days:g} days: give a list with more products."
            )
        if part:
            worst = min(part, key=lambda s: s.covered)
            said.append(
                f"{counted(len(part), 'tile')} not covered whole, the most of {worst.tile.name}: "
                f"{share(1 - worst.covered, 1)} stays uncovered."
            )
        return said

    def comparison(self) -> list[str]:
        """The published list beside this one, in sentences; none where no list was given."""
        found = [(s, s.against) for s in self.selections if s.against is not None]
        if not found:
            return []
        passes = sum(bool(a.repeated_as_passes) for _, a in found)
        slices = sum(bool(a.repeated_as_slices) and not a.repeated_as_passes for _, a in found)
        published = sum(len(a.published) for _, a in found)
        same = sum(a.same for _, a in found)
        less = sum(s.covered < a.covered - _WHOLE_STEP for s, a in found)
        return [
            f"The published list has {counted(published, 'product')} for {counted(len(found), 'tile')}, "
            f"{same} of them selected here too.",
            f"It repeats a relative orbit for {passes + slices} of {len(found)} tiles: {passes} with other passes, "
            f"{slices} only with slices of one pass. That is not imitated.",
            f"It covers {share(float(np.nanmean([a.covered for _, a in found])), 1)} of a tile on average, the "
            f"selection {share(float(np.mean([s.covered for s, _ in found])), 1)}, and less than the list in "
            f"{counted(less, 'tile')}.",
        ]

    def _row(self, one: Selection) -> dict[str, Any]:
        row = {
            "tile": one.tile.name, "mgrs": one.tile.mgrs, "uuid": one.tile.uuid, "time": one.tile.time.isoformat(),
            "passes": len(one.passes), "products": len(one.products),
            "relative_orbits": " ".join(str(p.track) for p in one.passes),
            "uncovered_percent": 100 * (1 - one.covered),
        }  # fmt: skip
        if one.against is not None:
            told = one.against
            row |= {
                "published": len(told.published), "same": told.same,
                "published_repeats_as_slices": " ".join(map(str, told.repeated_as_slices)),
                "published_repeats_as_passes": " ".join(map(str, told.repeated_as_passes)),
                "published_uncovered_percent": 100 * (1 - told.covered),
                "published_beyond_days": told.beyond,
            }  # fmt: skip
        return row

    def _product_rows(self) -> Iterator[dict[str, Any]]:
        for one in self.selections:
            for of in one.passes:
                for product in of.products:
                    yield {
                        "tile": one.tile.name, "mgrs": one.tile.mgrs, "product": product.name,
                        "relative_orbit": of.track, "start": product.start.isoformat(),
                        "days": (product.start - one.tile.time).total_seconds() / 86400,
                        "pass_covered_percent": 100 * of.covered,
                        "place": "stated" if product.stated else "nominal orbit",
                    }  # fmt: skip

    def document(self) -> dict[str, Any]:
        """What ``find_s1.json`` says."""
        tiles = []
        for one in self.selections:
            passes = [
                {
                    "relative_orbit": p.track, "days": p.days, "covered_percent": 100 * p.covered,
                    "products": [q.name for q in p.products],
                }
                for p in one.passes
            ]  # fmt: skip
            tiles.append({**self._row(one), "passes": passes})
        return {
            "tiles": tiles,
            "products": self.names(),
            "comparison": self.comparison(),
        }

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.export.files import write_result, write_table

        write_table(folder / "products.csv", self.products_table(), index=False)
        write_table(folder / "tiles.csv", self.to_dataframe())
        write_result(folder / "find_s1.json", self.document())


_WHOLE = 0.999
"""Share of a tile that counts as the whole: outlines are stated to a few hundred metres."""
_COLUMNS = [
    "tile", "mgrs", "product", "relative_orbit", "start", "days", "pass_covered_percent", "place",
]  # fmt: skip
_WHOLE_STEP = 1 - _WHOLE


def _percent_left(selections: tuple[Selection, ...]) -> str:
    left = float(np.mean([1 - s.covered for s in selections]))
    return f"{share(left, 1)} of their area stays uncovered on average"


@job
def run(request: FindS1Request, step: Steps) -> FindS1Result:
    """Select for each tile, and compare with the published list where one is given."""
    from lczlib.sentinel1.listed import read_products, read_published
    from lczlib.sentinel1.select import compared, select
    from lczlib.sentinel1.tiles import read_tiles

    step("Reading lists")
    tiles = read_tiles(request.tiles, request.only)
    products = read_products(request.products, request.kind)
    published = read_published(request.compare) if request.compare is not None else {}
    by_name = {p.name: p for p in products}
    found = []
    for i, tile in enumerate(tiles):
        step("Tiles", i, len(tiles))
        one = select(tile, products, days=request.days, needed=request.orbits == "needed")
        if tile.uuid in published:
            against = compared(one, published[tile.uuid], by_name, request.days)
            one = replace(one, against=against)
        found.append(one)
    return FindS1Result(request=request, selections=tuple(found))
