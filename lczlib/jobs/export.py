"""An LCZ map written for other software, after what will fail there is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lczlib.errors import InputError
from lczlib.jobs.export_request import TARGETS, ExportRequest
from lczlib.jobs.request import Steps
from lczlib.jobs.result import Result, job
from lczlib.reading import counted

if TYPE_CHECKING:
    import pandas as pd

    from lczlib.export.targets.findings import Finding
    from lczlib.jobs.export_material import Material

__all__ = ["TARGETS", "ExportRequest", "ExportResult", "run"]


@dataclass(frozen=True, kw_only=True, repr=False)
class ExportResult(Result):
    """A map ready to be written for other software.

    Attributes
    ----------
    request : ExportRequest
    material : Material
        What is written: the map, its certainty, the polygons.
    findings : tuple of Finding
        What the target says of it; where one ``fails``, nothing can be written.
    """

    draws = False

    request: ExportRequest
    material: Material = field(repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether the target would not work with this map."""
        return any(f.level == "fails" for f in self.findings)

    def to_dataframe(self) -> pd.DataFrame:
        """The areas by polygon, where it is about these; else what the target says of the map."""
        import pandas as pd

        if self.material.zones is not None:
            return self.material.zones
        return pd.DataFrame([(f.level, f.text) for f in self.findings], columns=["level", "text"])

    def headline(self) -> str:
        """Whether it can be written, and what to mind, in a sentence."""
        n = sum(f.level == "caution" for f in self.findings)
        known = int((self.material.lcz > 0).sum())
        able = "cannot be written" if self.fails else "can be written"
        return f"{counted(known, 'cell')} with a class {able} for {self.request.to}, {counted(n, 'caution')}."

    def facts(self) -> Mapping[str, Any]:
        """What the target says, for the manifest."""
        return {"findings": [{"level": f.level, "text": f.text} for f in self.findings]}

    def also_read(self) -> list[Path]:
        """The probabilities that were found beside the map."""
        found = self.material.certainty_file
        return [found] if found is not None and found not in self.request.files() else []

    def _write(self, folder: Path, figures: bool) -> None:  # noqa: ARG002 - there are none
        from lczlib.jobs.export_targets import write

        write(self.material, folder)


@job
def run(request: ExportRequest, step: Steps) -> ExportResult:
    """What a target says of a map, and the map ready to be written for it.

    Raises
    ------
    InputError
        If the target would not work with this map; not where it is only to be checked.
    """
    from lczlib.jobs.export_material import material_of
    from lczlib.jobs.export_targets import check

    step("Reading the map", 0, 2)
    material = material_of(request)
    step("Checking", 1, 2)
    result = ExportResult(request=request, material=material, findings=tuple(check(material)))
    if result.fails and not request.check:
        raise InputError(" ".join(f.text for f in result.findings if f.level == "fails"))
    return result
