"""Change between dated class probabilities: how much, what into what, and where, beyond the maps' own errors."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lczlib.analysis.change.transitions import REVERSAL
from lczlib.errors import InputError
from lczlib.jobs.change_inputs import dated, open_stack, read_date, year_of
from lczlib.jobs.request import Request, Source, Steps, name_of
from lczlib.jobs.result import job
from lczlib.settings import setting
from lczlib.terms import option

if TYPE_CHECKING:
    import numpy as np

    from lczlib.analysis.change.area import ChangeArea
    from lczlib.jobs.change_inputs import Stack
    from lczlib.jobs.change_result import ChangeResult


def _check_dates(texts: Sequence[str]) -> None:
    for text in texts:
        read_date(text)


@dataclass(frozen=True, kw_only=True)
class ChangeRequest(Request):
    """Dated class probabilities of one place, in which change is looked for."""

    command: ClassVar = "change"

    probabilities: tuple[Source, ...] = setting(
        ..., "Class probabilities (*_proba.tif) of two years or more, calibrated, on one grid; two images of one year "
        "tell how much looks changed and is not.", title="Class probabilities", file=True, argument=True,
        metavar="PROBA",
    )  # fmt: skip
    same_year: tuple[Source, ...] = setting(
        (), "A second image of one of these years, from which the rate of false change is learned; repeat.",
        title="Second images of a year", file=True, flag="--same-year", metavar="PROBA",
    )  # fmt: skip
    dates: tuple[str, ...] = setting(
        (), "Date of each image, those of the same year last: YYYY-MM-DD, YYYY-MM or YYYY; several by commas.",
        title="Dates", flag="--date", short="--dates", repeat=True, check=_check_dates, metavar="DATE,DATE",
        usual="by the files' tags, their manifest, or their names",
    )  # fmt: skip
    reversal: float = setting(
        REVERSAL, "How plausible it is, against other changes, that a built class becomes natural.",
        title="Built becomes natural", low=1e-6, high=1,
    )  # fmt: skip
    min_cells: int = setting(
        1, "Smallest patch of change on the map, in cells (minimum mapping unit); probabilities and model-based areas "
        "are of all cells.", title="Smallest patch (cells)", low=1,
    )  # fmt: skip
    block: int | None = setting(
        None, "Edge of a block of cells whose errors go together, for the intervals.", title="Block (cells)", low=1,
        usual="20, more on maps beyond 1280 cells across",
    )  # fmt: skip
    samples: Source | None = setting(
        None, "Points drawn at random within each class of change_strata.tif and labelled at both dates: areas are "
        "then design-based (Olofsson et al. 2014).", title="Samples", file=True, metavar="FILE",
    )  # fmt: skip
    before_column: str = setting(
        "before",
        "Column of the samples with the class of the first year.",
        title="Column of the class before",
    )
    after_column: str = setting(
        "after",
        "Column of the samples with the class of the last year.",
        title="Column of the class after",
    )
    draw: int = setting(
        0, "Draw so many points to label, at random within each class of the map: samples_to_label.gpkg.",
        title="Points to draw", low=0,
    )  # fmt: skip
    seed: int = setting(
        0, "Of all random draws: the same seed, the same result.", title="Seed", low=0
    )

    def __post_init__(self) -> None:
        given = (self.dates,) if isinstance(self.dates, str) else self.dates
        object.__setattr__(self, "dates", tuple(d.strip() for t in given for d in t.split(",")))
        super().__post_init__()
        images = self.images()
        if len(images) < 2:
            msg = f"{len(images)} image shows no change: give class probabilities of two years or more."
            raise InputError(msg, parameter="probabilities")
        if self.dates and len(self.dates) != len(images):
            msg = f"{len(self.dates)} {option('dates')} for {len(images)} images: give one each, in their order."
            raise InputError(msg, parameter="dates")
        if self.dates:
            self.days()

    def images(self) -> list[Source]:
        """All images, second ones of a year last."""
        return [*self.probabilities, *self.same_year]

    def days(self) -> list[str]:
        """The dates of the images.

        Raises
        ------
        InputError
            As of `lczlib.jobs.change_inputs.dated`, or if a second image is of a year without a first.
        """
        days = dated(self.images(), self.dates)
        first = {year_of(d) for d in days[: len(self.probabilities)]}
        for source, day in zip(self.same_year, days[len(self.probabilities) :], strict=True):
            if year_of(day) not in first:
                msg = (
                    f"{name_of(source, 'The second image')} is of {day[:4]}, and no other image is: a second image "
                    f"({option('same_year')}) is of a year that has a first."
                )
                raise InputError(msg, parameter="same_year")
        return days


@job
def run(request: ChangeRequest, step: Steps) -> ChangeResult:
    """Look for change between the years of dated class probabilities.

    Raises
    ------
    InputError, GridError, ClassSchemeError
        If they cannot be read, lack dates, do not fit together, or the samples do not fit the map.
    """
    from lczlib.analysis.change.cells import change_posterior
    from lczlib.jobs.change_result import ChangeResult
    from lczlib.jobs.change_samples import sampled

    step("Reading probabilities", 0, 4)
    stack = open_stack(request.images(), request.days())
    step("Areas", 1, 4)
    block = _blocks(stack, request.block)
    whole, steps = _areas(stack, block, request)
    step("Cells", 2, 4)
    found = change_posterior(steps)
    before, after = found.before, found.after
    if request.min_cells > 1:
        after = _without_specks(stack, before, after, request.min_cells)
    step("Samples", 3, 4)
    sample, left = (None, {}) if request.samples is None else sampled(request, stack, before, after)
    return ChangeResult(
        request=request, stack=stack, area=whole, steps=tuple(steps), change=stack.layer(found.change, float("nan")),
        by_step=tuple(stack.layer(p, float("nan")) for p in found.steps), before=stack.layer(before, 0),
        after=stack.layer(after, 0), sample=sample, sample_left_out=left,
    )  # fmt: skip


def _blocks(stack: Stack, edge: int | None) -> np.ndarray:
    import numpy as np

    from lczlib.analysis.assessment import default_block

    rows, cols = np.nonzero(stack.known)
    edge = edge or default_block(stack.known.shape)
    return (rows // edge) * (stack.known.shape[1] // edge + 1) + cols // edge


def _areas(
    stack: Stack, block: np.ndarray, request: ChangeRequest
) -> tuple[ChangeArea, list[ChangeArea]]:
    """Between the first year and the last, and from each year to the next."""
    from lczlib.analysis.change.area import change_area

    years = stack.years
    twice = [y for y in years if len(stack.images[y]) > 1]

    def between(one: int, other: int) -> ChangeArea:
        ends = stack.images[one], stack.images[other]
        aside = [y for y in twice if y not in (one, other)]
        beside = stack.images[aside[0]] if aside and not {one, other} & {*twice} else ()
        return change_area(
            *ends, block, beside=beside, reversal=request.reversal, seed=request.seed
        )

    steps = [between(*pair) for pair in itertools.pairwise(years)]
    return (steps[0] if len(steps) == 1 else between(years[0], years[-1])), steps


def _without_specks(stack: Stack, before: np.ndarray, after: np.ndarray, fewest: int) -> np.ndarray:
    """The classes after, where patches of change of less cells than that are none."""
    import numpy as np
    from scipy import ndimage

    changed = np.zeros(stack.known.shape, bool)
    changed[stack.known] = before != after
    patches, _ = ndimage.label(changed, np.ones((3, 3)))
    small = np.bincount(patches.ravel()) < fewest
    small[0] = False
    return np.where(small[patches[stack.known]], before, after)
