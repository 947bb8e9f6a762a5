"""What this library raises when the input, not the program, is at fault.

Every message is one sentence that names the offending value, says why it is wrong and what to do.
The command line prints it without a traceback and exits with status 1.
"""

from lczlib.terms import worded


class LczError(Exception):
    """Base of all errors that a user can mend.

    Parameters
    ----------
    message : str
        One sentence; settings in it are named by `lczlib.terms.option`, and shown in the terms of
        whoever shows it.
    parameter : str
        The setting that the error is about, where it is about one.
    """

    def __init__(self, message: str = "", *, parameter: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.parameter = parameter

    def __str__(self) -> str:
        return worded(self.message)

    def __format__(self, spec: str) -> str:
        """Within another message it is left to who shows that."""
        return format(self.message, spec)


class InputError(LczError):
    """A file, array or option cannot be used as given."""


class Lacking(InputError):  # noqa: N818 - nothing is wrong
    """An input that nobody has given yet: what would follow from it waits."""


class Inseparable(InputError):  # noqa: N818 - of classes
    """Polygons of a class that cannot be parted into those to train on and those to test on.

    Parameters
    ----------
    message, parameter : str
        As of all errors: with every way out.
    drawn : str
        The same in one sentence for who can draw further polygons, and has no settings.
    """

    def __init__(self, message: str = "", *, parameter: str = "", drawn: str = "") -> None:
        super().__init__(message, parameter=parameter)
        self.drawn = drawn


class GridError(InputError):
    """Two rasters do not share a grid, or a grid is unusable (no CRS, degrees, one pixel)."""


class ClassSchemeError(InputError):
    """Class codes do not fit the LCZ numbering, or fit several numberings with different meaning."""


class CatalogError(LczError):
    """A name is not in the data catalog, or a download failed or did not match its hash."""


class ServiceError(LczError):
    """A service on the network cannot be reached, refuses, or is not what it should be."""


class WeightsError(LczError):
    """Trained weights are corrupt, or made for another sensor, band set or network."""


class DeviceError(LczError):
    """The asked-for device or inference engine is not there."""


class Cancelled(LczError):  # noqa: N818 - an outcome the user asked for, not a failure
    """The user stopped a running job; finished work is kept for a resume."""
