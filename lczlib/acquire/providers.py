"""Services that hold what is fetched, each a row: address, collections, names of bands, access.

Those of Sentinel-2 speak STAC; those of Sentinel-1 products have searches of their own. What items
leave unsaid or say wrongly is known here (no data, scale, how their files are reached); how the offset of
baseline 04.00 is found is `lczlib.acquire.offsets`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from lczlib.errors import InputError
from lczlib.terms import option

COLLECTIONS = ("sentinel-2-c1-l2a", "sentinel-2-l2a")
"""Surface reflectance of Sentinel-2, the better described first."""

TOP_COLLECTION = "sentinel-2-l1c"

RTC_COLLECTION = "sentinel-1-rtc"
"""Radiometrically terrain-corrected Sentinel-1: VV and VH as linear gamma nought."""

LST_COLLECTION = "landsat-c2-l2"
"""Surface temperature of Landsat, Collection 2 Level-2, with its quality bands."""

LICENCE = "other"
TERMS = "https://sentinels.copernicus.eu/documents/247904/690755/Sentinel_Data_Legal_Notice"
"""The legal notice on the use of Copernicus Sentinel data: free, full and open, with attribution."""


@dataclass(frozen=True)
class Provider:
    """A STAC service.

    Attributes
    ----------
    name, title : str
        What users write, and what people call it.
    address : str
        Of its STAC API.
    collections : tuple of str
        Of surface reflectance; the first that it has is read.
    token : str
        Address that gives a token for a collection (``{collection}``), which its files are read with;
        empty where they are open.
    key : str
        Environment variable of a subscription key that is sent with the request for a token.
    top : str
        Its collection of top-of-atmosphere reflectance (L1C) whose files can be read; empty without one.
    rtc : str
        Its collection of Sentinel-1 as of `RTC_COLLECTION`; empty without one.
    lst : str
        Its collection of Landsat as of `LST_COLLECTION`; empty without one.
    lst_s3, lst_keys
        In place of `s3` and `s3_keys` for the files of that collection, where they lie elsewhere.
    s3 : mapping
        GDAL's options for files at ``s3://`` addresses.
    s3_keys : tuple of str
        Environment variables of the access key and its secret; none where no keys are needed.
    connections : int
        Files that are read at the same time.
    note : str
        What its users should know.
    """

    name: str
    title: str
    address: str
    collections: tuple[str, ...] = COLLECTIONS
    token: str = ""
    key: str = ""
    top: str = ""
    rtc: str = ""
    lst: str = ""
    lst_s3: Mapping[str, str] = field(default_factory=dict)
    lst_keys: tuple[str, ...] = ()
    s3: Mapping[str, str] = field(default_factory=dict)
    s3_keys: tuple[str, ...] = ()
    connections: int = 8
    note: str = ""

    @property
    def host(self) -> str:
        """Of its address."""
        return urlsplit(self.address).netloc

    @property
    def has_keys(self) -> bool:
        """Whether the keys that its files need, if any, are in the environment."""
        return all(os.environ.get(name) for name in self.s3_keys)

    @property
    def of_lst(self) -> Provider:
        """The same for the files of its collection of Landsat."""
        if not self.lst_keys:
            return self
        return replace(self, s3=self.lst_s3, s3_keys=self.lst_keys)

    def credentials(self) -> dict[str, str]:
        """GDAL's options for files at ``s3://`` addresses, with the keys of the environment.

        Raises
        ------
        InputError
            If keys are needed and not there.
        """
        if not self.has_keys:
            msg = (
                f"{self.title} gives its files only to those with S3 keys: make a pair in its account and "
                f"set {' and '.join(self.s3_keys)}, or choose another service ({option('provider')})."
            )
            raise InputError(msg, parameter="provider")
        if not self.s3_keys:
            return {"AWS_NO_SIGN_REQUEST": "YES", **self.s3}
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        keys = (os.environ[name] for name in self.s3_keys)
        return {**self.s3, **dict(zip(names, keys, strict=True))}


PROVIDERS = {
    p.name: p
    for p in (
        Provider(
            "planetary-computer", "Microsoft Planetary Computer",
            "https://planetarycomputer.microsoft.com/api/stac/v1",
            token="https://planetarycomputer.microsoft.com/api/sas/v1/token/{collection}",
            key="PC_SDK_SUBSCRIPTION_KEY", rtc=RTC_COLLECTION, lst=LST_COLLECTION,
            note="No account needed; tokens end after about 45 minutes and are asked for anew.",
        ),
        Provider(
            "earth-search", "Earth Search", "https://earth-search.aws.element84.com/v1",
            s3={"AWS_REGION": "us-west-2"}, lst=LST_COLLECTION,
            lst_s3={"AWS_REGION": "us-west-2", "AWS_REQUEST_PAYER": "requester"},
            lst_keys=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            note="No account needed; 2022 is missing in its collection sentinel-2-c1-l2a. Landsat's files are read "
            "at the cost of an account of one's own at AWS.",
        ),
        Provider(
            "cdse", "Copernicus Data Space Ecosystem", "https://stac.dataspace.copernicus.eu/v1",
            top=TOP_COLLECTION,
            s3={"AWS_S3_ENDPOINT": "eodata.dataspace.copernicus.eu", "AWS_VIRTUAL_HOSTING": "FALSE"},
            s3_keys=("CDSE_S3_ACCESS_KEY", "CDSE_S3_SECRET_KEY"), connections=4,
            note="Search is open; files need S3 keys of a free account.",
        ),
    )
}  # fmt: skip
"""A new provider is a row."""


@dataclass(frozen=True)
class RadarProvider:
    """A service of Sentinel-1 products as delivered, whose search is open and whose files need an account.

    Attributes
    ----------
    name, title : str
        As of `Provider`.
    search : str
        Address of its search.
    speaks : str
        How it is asked: ``asf`` or ``odata``.
    keys : tuple of str
        Environment variables: a token alone, or a name and its password.
    token : str
        Address that gives a token for name and password; empty where the token is the key itself.
    login : str
        Host whose name and password in ``~/.netrc`` do instead of the keys; empty without one.
    domains : tuple of str
        Where the token may be sent when an address of it leads on to another one.
    hashed : bool
        Whether the MD5 that it states is that of the archive it gives.
    account : str
        How to get the keys.
    """

    name: str
    title: str
    search: str
    speaks: str
    keys: tuple[str, ...]
    token: str = ""
    login: str = ""
    domains: tuple[str, ...] = ()
    hashed: bool = False
    account: str = ""

    def values(self) -> tuple[str, ...]:
        """The keys of the environment; none where one of them lacks."""
        found = tuple(os.environ.get(name, "") for name in self.keys)
        return found if all(found) else ()

    def lacking(self) -> str:
        """Why it gives no files to this user, and how to get an account; empty where it does."""
        from requests.utils import get_netrc_auth

        if self.values() or (self.login and get_netrc_auth(f"https://{self.login}")):
            return ""
        return f"{self.title} gives its products only to those with a free account: {self.account}."


RADAR_PROVIDERS = {
    p.name: p
    for p in (
        RadarProvider(
            "asf", "Alaska Satellite Facility", "https://api.daac.asf.alaska.edu/services/search/param", "asf",
            ("EARTHDATA_TOKEN",), login="urs.earthdata.nasa.gov",
            domains=("asf.alaska.edu", "earthdata.nasa.gov", "earthdatacloud.nasa.gov"), hashed=True,
            account="register at https://urs.earthdata.nasa.gov, make a token there (Generate Token), and set "
            "EARTHDATA_TOKEN to it",
        ),
        RadarProvider(
            "cdse", "Copernicus Data Space Ecosystem", "https://catalogue.dataspace.copernicus.eu/odata/v1/Products",
            "odata", ("CDSE_USERNAME", "CDSE_PASSWORD"),
            token="https://identity.dataspace.copernicus.eu/auth/realms/CDSE/protocol/openid-connect/token",
            domains=("dataspace.copernicus.eu",),
            account="register at https://dataspace.copernicus.eu, and set CDSE_USERNAME and CDSE_PASSWORD",
        ),
    )
}  # fmt: skip
"""Those of Sentinel-1 products; the MD5 of the second is of the parts, and not of the archive it makes."""

ECOSTRESS = RadarProvider(
    "lpdaac",
    "NASA LP DAAC",
    "https://cmr.earthdata.nasa.gov/stac/LPCLOUD",
    "stac",
    ("EARTHDATA_TOKEN",),
    login="urs.earthdata.nasa.gov",
    domains=("earthdata.nasa.gov", "earthdatacloud.nasa.gov"),
    account="register at https://urs.earthdata.nasa.gov, make a token there (Generate Token), and set "
    "EARTHDATA_TOKEN to it",
)
"""Of ECOSTRESS: found in NASA's STAC catalog, fetched file by file with an account."""
ECOSTRESS_COLLECTIONS = ("ECO_L2T_LSTE_002", "ECO_L2T_LSTE.v002")
"""Its tiled surface temperature, as the catalog names it now and did before."""

ORBITS = "https://s1-orbits.s3.us-west-2.amazonaws.com"
"""Open bucket with all precise orbit files, and the restituted ones of the last 90 days."""

ELEVATION = "https://copernicus-dem-30m.s3.eu-central-1.amazonaws.com"
"""Open bucket with Copernicus GLO-30 in tiles of a degree; sea has none."""
ELEVATION_TERMS = (
    "https://spacedata.copernicus.eu/documents/20123/121239/CSCDA_ESA_Mission-specific+Annex.pdf"
)
ELEVATION_CREDIT = (
    "Copernicus WorldDEM-30 (c) DLR e.V. 2010-2014 and (c) Airbus Defence and Space GmbH 2014-2018, provided "
    "under COPERNICUS by the European Union and ESA; all rights reserved"
)


def radar_provider_of(name: str) -> RadarProvider:
    """The service of Sentinel-1 products of a name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in RADAR_PROVIDERS:
        msg = f"{name!r} is no service of Sentinel-1 products: use {' or '.join(RADAR_PROVIDERS)}."
        raise InputError(msg, parameter="radar_provider")
    return RADAR_PROVIDERS[name]


def provider_of(name: str) -> Provider:
    """The provider of a name, or the service at an address.

    Raises
    ------
    InputError
        If it is neither, or an address with a name and password in it.
    """
    if name in PROVIDERS:
        return PROVIDERS[name]
    parts = urlsplit(name)
    if "@" in parts.netloc:  # not shown either: messages are kept in files, too
        host = parts.netloc.rpartition("@")[2]
        msg = (
            f"The address of the service at {host} holds a name or password, which every result would show: leave "
            "it out, and put them into ~/.netrc."
        )
        raise InputError(msg, parameter="provider")
    if parts.scheme in ("http", "https") and parts.netloc:
        title = f"the service at {parts.netloc}"
        return Provider(
            name,
            title,
            name.rstrip("/"),
            top=TOP_COLLECTION,
            rtc=RTC_COLLECTION,
            lst=LST_COLLECTION,
        )
    msg = f"{name!r} is no provider: use {', '.join(PROVIDERS)}, or the address of a STAC API (https://...)."
    raise InputError(msg, parameter="provider")
