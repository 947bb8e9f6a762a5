"""Times as people write them, read from the whole column, in UTC.

``columns``  which columns together say when
``formats``  what a text or a number means: the format that fits all of a column
``texts``    dates and clocks in words and digits
``orders``   stations whose day and month stand the other way round
``zones``    offsets, abbreviations, and the hour that a clock shows twice
``records``  one value for each station and time
"""

from lczlib.clocks.columns import with_times
from lczlib.clocks.formats import TIME_FORMATS, check_time_format, read_stamps
from lczlib.clocks.records import describe, settled
from lczlib.clocks.zones import Ambiguous, check_time_zone, to_utc

__all__ = [
    "TIME_FORMATS",
    "Ambiguous",
    "check_time_format",
    "check_time_zone",
    "describe",
    "read_stamps",
    "settled",
    "to_utc",
    "with_times",
]
