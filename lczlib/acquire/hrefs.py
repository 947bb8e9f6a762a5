"""Where files may lie: what items say of that comes from strangers, and GDAL opens more than files.

GDAL takes local paths, texts of virtual rasters, archives within archives and options for all that
looks like an address; here nothing passes but what is one.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache
from urllib.parse import urlsplit

_WEB = re.compile(r"https?://[^\s/?#\\@\"'<>]+(/[^\s\\\"<>]*)?")
_BUCKET = re.compile(r"s3://[A-Za-z0-9][A-Za-z0-9._-]+/[^\s\\\"<>?]+")
_SHOWN = 80  # characters of an address in a message
_NEAR = [
    ipaddress.ip_network(n)
    for n in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.168.0.0/16", "::/127", "fc00::/7", "fe80::/10",
    )
]  # fmt: skip
"""This machine and its networks; 198.18.0.0/15 is left out, as proxies answer for the world by it."""


def refusal(href: object, service: str) -> str:
    """Why a file is not read from where an item says it lies, as a clause; empty if it is.

    Parameters
    ----------
    href : object
        What the item says.
    service : str
        Host of the service that the item is of.
    """
    text = href if isinstance(href, str) else ""
    if _BUCKET.fullmatch(text):
        return ""
    if not _WEB.fullmatch(text):
        shown = repr(href)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
        return f"lies at {shown}: files are read from http, https and s3 addresses alone"
    try:
        host = urlsplit(text).hostname or ""
    except ValueError:
        return f"lies at {text[:_SHOWN]!r}, which is no address"
    if is_near(host) and not is_near(urlsplit(f"//{service}").hostname or ""):
        return (
            f"lies at {text[:_SHOWN]!r}, on this machine or its network, which the service at {service} is "
            "not on: it is not read"
        )
    return ""


def unsigned(address: str) -> str:
    """An address as messages and files name it: without what signs it, which is its reader's alone."""
    return re.split(r"[?#]", address, maxsplit=1)[0] if "://" in address else address


@lru_cache(maxsize=256)
def is_near(host: str) -> bool:
    """Whether a host is this machine, or on a network that only its neighbours reach.

    A name that is not known here, as behind a proxy, is not.
    """
    try:
        found = {a[4][0] for a in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return False
    return any(_near(ipaddress.ip_address(str(a).partition("%")[0])) for a in found)


def _near(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or address
    return any(inner in network for network in _NEAR if network.version == inner.version)
