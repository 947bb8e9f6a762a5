"""Tables that others made: CSV of any make, Parquet and vector files, as one data frame.

``files``      which reader a file needs, and how large it may be
``delimited``  text tables: encoding, separator, header
``numerals``   numbers as people write them, and what is lost of them
"""

from lczlib.tables.files import (
    alike_names,
    name_key,
    read_notes,
    read_table,
    refuse_repeated,
    station_name,
    station_names,
)
from lczlib.tables.numerals import examples, numbers, read_numbers

__all__ = [
    "alike_names",
    "examples",
    "name_key",
    "numbers",
    "read_notes",
    "read_numbers",
    "read_table",
    "refuse_repeated",
    "station_name",
    "station_names",
]
