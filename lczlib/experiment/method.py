"""What can be done with trained networks beyond one pass of one of them."""

from __future__ import annotations

from dataclasses import dataclass

from lczlib.mapping.views import VIEWS


@dataclass(frozen=True)
class Method:
    """What is done with the networks of all seeds.

    Attributes
    ----------
    views : str
        Of `lczlib.mapping.views.VIEWS`.
    together : bool
        Whether their probabilities are averaged.
    calibrated : bool
        Whether they are calibrated on the validation patches.
    """

    views: str = "none"
    together: bool = False
    calibrated: bool = False

    @property
    def key(self) -> str:
        """A short name, empty of what is trained itself."""
        parts = (
            "mean" * self.together,
            self.views * (self.views != "none"),
            "calibrated" * self.calibrated,
        )
        return "+".join(p for p in parts if p)

    @classmethod
    def of(cls, key: str) -> Method:
        """The method of a `key`."""
        parts = key.split("+")
        views = next((v for v in VIEWS if v in parts), "none")
        return cls(views, "mean" in parts, "calibrated" in parts)

    def passes(self, seeds: int) -> int:
        """Forward passes of a patch."""
        return len(VIEWS[self.views]) * (seeds if self.together else 1)


def methods_for(radar: bool) -> dict[str, Method]:
    """The lines of the table of methods, by what they are called; of radar no quarter turns.

    The first is what all others are compared with.
    """
    views = ("flips",) if radar else ("flips", "all")
    most = views[-1]
    names = {"flips": f"{len(VIEWS['flips'])} views", "all": f"{len(VIEWS['all'])} views"}
    return {
        "one network": Method(),
        **{f"one network, {names[v]}": Method(v) for v in views},
        "one network, calibrated": Method(calibrated=True),
        "mean of networks": Method(together=True),
        f"mean of networks, {names[most]}": Method(most, together=True),
        f"mean of networks, {names[most]}, calibrated": Method(
            most, together=True, calibrated=True
        ),
    }
