"""A look at files before anything is done with them: what each could be, and what it would be read as."""

from lczlib.study.looking.found import Found, Guess, look
from lczlib.study.looking.kinds import KINDS, FileKind, Settings, kinds_for, settings_from
from lczlib.study.looking.reading import read_as
from lczlib.study.looking.seen import Fact, Seen
from lczlib.study.looking.tabular import says_where

__all__ = [
    "KINDS", "Fact", "FileKind", "Found", "Guess", "Seen", "Settings", "kinds_for", "look", "read_as",
    "says_where", "settings_from",
]  # fmt: skip
