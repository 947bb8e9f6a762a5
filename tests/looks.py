"""What a look at a file told, as tests compare it."""

from __future__ import annotations

from lczlib.study.looking import Found


def facts(found: Found) -> dict[str, str]:
    """Value of each fact by its name."""
    return {f.name: f.value for f in found.seen.facts}


def assumed(found: Found) -> set[str]:
    """Names of the facts that no file says."""
    return {f.name for f in found.seen.facts if f.assumed}
