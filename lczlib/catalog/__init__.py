"""What can be downloaded: the entries of ``data_catalog/`` and the hash-checked downloader."""

from lczlib.catalog.download import cache_folder, fetch, is_cached, is_here
from lczlib.catalog.entries import Entry, entries, entry

__all__ = ["Entry", "cache_folder", "entries", "entry", "fetch", "is_cached", "is_here"]
