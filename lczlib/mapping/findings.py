"""What looks wrong with a scene, in sentences; and all of it in one refusal, so that it is mended at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lczlib.errors import InputError
from lczlib.terms import option, settings_in


@dataclass(frozen=True)
class Finding:
    """One thing that looks wrong.

    Attributes
    ----------
    text : str
        What it is and what to do, in a sentence; empty where that is said already.
    remedy : str
        The options that mend it.
    certain : bool
        Whether a map of it would certainly be wrong, so that it is refused.
    forcible : bool
        Whether the user may insist.
    """

    text: str
    remedy: str = ""
    certain: bool = False
    forcible: bool = True


def judged(findings: Sequence[Finding], what: str, *, accept: bool) -> tuple[str, ...]:
    """The findings as warnings, each a sentence; a last one has all remedies together.

    Parameters
    ----------
    findings : sequence of Finding
        In the order in which they are to be said.
    what : str
        The scene in words.
    accept : bool
        Whether the user insists.

    Raises
    ------
    InputError
        If one is certain, and the user does not insist or must not: with all of them in one message.
    """
    texts = [f.text for f in findings if f.text]
    # of an option that two findings name, the later one knows more
    remedies = {settings_in(f.remedy)[0]: f.remedy for f in findings if f.remedy}
    if len(remedies) > 1:
        texts.append(f"All of this for the {what} at once: {' '.join(remedies.values())}.")
    stopped = [f for f in findings if f.certain and not (accept and f.forcible)]
    if not stopped:
        return tuple(texts)
    if all(f.forcible for f in stopped):
        texts.append(f"To map the values as they are all the same: {option('accept_values')}.")
    raise InputError(" ".join(texts))
