"""What there is: the entries and links of ``data_catalog/``, and the hash-checked downloader."""

from lczlib.catalog.download import cache_folder, fetch, is_cached, is_here
from lczlib.catalog.entries import Entry, Link, entries, entry, links

__all__ = [
    "Entry", "Link", "cache_folder", "entries", "entry", "fetch", "is_cached", "is_here", "links",
]  # fmt: skip
