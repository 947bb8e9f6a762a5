"""The services that Sentinel-1 inputs come from, on loopback: they answer, refuse and break as the real ones do."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import rasterio
import tornado.httpserver
import tornado.netutil
import tornado.web
from affine import Affine

from lczlib.acquire.elevation import tiles_of

SIZE = 360  # pixels of a degree
TOKEN, USER, PASSWORD = "a-token", "someone", "a-password"


@dataclass
class Slc:
    """A product of a service: its archive, and the ground that it shows (west, south, east, north)."""

    name: str
    archive: Path
    box: tuple[float, float, float, float]
    direction: str = "ASCENDING"
    md5: str = ""

    @property
    def start(self) -> datetime:
        return datetime.strptime(self.name[17:32], "%Y%m%dT%H%M%S")

    @property
    def geometry(self) -> dict[str, Any]:
        w, s, e, n = self.box
        return {"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]}

    def meets(self, wkt: str) -> bool:
        import shapely

        return bool(shapely.box(*self.box).intersects(shapely.from_wkt(wkt)))


@dataclass
class Services:
    """Searches, archives, the bucket of orbit files, the bucket of elevation.

    Attributes
    ----------
    root, elsewhere : str
        Its address, and one of another host that archives are handed over to.
    asked : list
        Path, range and authorisation of each request.
    cut : int
        How many of the next answers with an archive break off in the middle.
    """

    folder: Path
    products: list[Slc]
    root: str = ""
    elsewhere: str = ""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    cut: int = 0
    page: int = 3

    def paths(self, part: str) -> list[str]:
        return [p for p, _, _ in self.asked if part in p]


class _Handler(tornado.web.RequestHandler):
    def initialize(self, services: Services) -> None:
        self.services = services

    def prepare(self) -> None:
        headers = self.request.headers
        self.services.asked.append(
            (self.request.path, headers.get("Range", ""), headers.get("Authorization", ""))
        )

    def json(self, content: Any) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(content))

    def send(self, data: bytes) -> None:
        """A file or its part; or half of it, and the line is dead."""
        first = 0
        asked = self.request.headers.get("Range", "")
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            first, last = int(first), min(int(last or len(data)), len(data) - 1)
            if first >= len(data):
                self.set_status(416)
                return
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
            data = data[first : last + 1]
        self.set_header("Accept-Ranges", "bytes")
        if self.services.cut and self.request.method == "GET":
            self.services.cut -= 1
            head = (
                f"HTTP/1.1 {self.get_status()} OK\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            )
            stream = self.detach()
            stream.write(head + data[: len(data) // 2]).add_done_callback(lambda _: stream.close())
            return
        self.set_header("Content-Type", "application/octet-stream")
        self.write(data)


class _Asf(_Handler):
    """As https://api.daac.asf.alaska.edu/services/search/param answers with output=geojson."""

    def get(self) -> None:
        asked = {k: self.get_query_argument(k) for k in self.request.query_arguments}
        wanted = (
            asked["output"],
            asked["processingLevel"],
            asked["beamMode"],
            asked["polarization"],
        )
        assert wanted == ("geojson", "SLC", "IW", "VV+VH"), wanted
        first, last = (datetime.fromisoformat(asked[k][:-1]) for k in ("start", "end"))
        features = [
            {
                "type": "Feature", "geometry": p.geometry,
                "properties": {
                    "sceneName": p.name, "fileID": f"{p.name}-SLC", "platform": "Sentinel-1A", "beamModeType": "IW",
                    "polarization": "VV+VH", "processingLevel": "SLC", "flightDirection": p.direction,
                    "bytes": p.archive.stat().st_size, "md5sum": p.md5,
                    "url": f"{self.services.root}/datapool/{p.name}.zip",
                },
            }
            for p in self.services.products
            if first <= p.start <= last and p.meets(asked["intersectsWith"])
        ]  # fmt: skip
        self.json({"type": "FeatureCollection", "features": features})


class _Datapool(_Handler):
    """Hands over to another host with the token known; without, to a page to log in, which is no error."""

    def get(self, name: str) -> None:
        if self.request.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.finish("<html>Earthdata Login</html>")
            return
        self.redirect(f"{self.services.elsewhere}/signed/{name}")


class _Signed(_Handler):
    """A signed address: it refuses what comes with another authorisation, as S3 does."""

    def get(self, name: str) -> None:
        if self.request.headers.get("Authorization"):
            self.set_status(400)
            return
        self.send((self.services.folder / name).read_bytes())


class _OData(_Handler):
    """As https://catalogue.dataspace.copernicus.eu/odata/v1/Products answers, page by page."""

    def get(self) -> None:
        asked = self.get_query_argument("$filter")
        assert "Collection/Name eq 'SENTINEL-1'" in asked
        assert "contains(Name,'_IW_SLC__1SDV_')" in asked
        wkt = asked.partition("SRID=4326;")[2].partition("'")[0]
        first = datetime.fromisoformat(asked.partition("Start ge ")[2][:19])
        last = datetime.fromisoformat(asked.partition("Start le ")[2][:19])
        found = [p for p in self.services.products if first <= p.start <= last and p.meets(wkt)]
        skip, page = int(self.get_query_argument("$skip", "0")), self.services.page
        value = [
            {
                "Id": f"id-{p.name}", "Name": f"{p.name}.SAFE", "ContentLength": 12345, "Online": True,
                "Checksum": [{"Value": "0" * 32, "Algorithm": "MD5"}], "GeoFootprint": p.geometry,
                "Attributes": [{"Name": "orbitDirection", "Value": p.direction}],
            }
            for p in found[skip : skip + page]
        ]  # fmt: skip
        answer = {"value": value}
        if skip + page < len(found):
            query = self.request.query.split("&%24skip=")[0]
            answer["@odata.nextLink"] = f"{self.services.root}/odata?{query}&%24skip={skip + page}"
        self.json(answer)


class _Token(_Handler):
    def post(self) -> None:
        given = {k: self.get_body_argument(k) for k in self.request.body_arguments}
        if (given.get("username"), given.get("password")) != (USER, PASSWORD):
            self.set_status(401)
            return
        assert (given["client_id"], given["grant_type"]) == ("cdse-public", "password")
        self.json({"access_token": TOKEN, "expires_in": 600})


class _Value(_Handler):
    def get(self, name: str) -> None:
        if self.request.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.set_status(401)
            return
        self.send((self.services.folder / f"{name}.zip").read_bytes())


class _Orbits(_Handler):
    """A bucket that lists a thousand names at a time, here two."""

    def get(self, key: str) -> None:
        bucket = self.services.folder / "orbits"
        if key:
            if (bucket / key).is_file():
                self.send((bucket / key).read_bytes())
            else:
                self.set_status(404)
            return
        prefix = self.get_query_argument("prefix")
        keys = sorted(f.relative_to(bucket).as_posix() for f in bucket.rglob("*.EOF"))
        keys = [k for k in keys if k.startswith(prefix)]
        first = int(self.get_query_argument("continuation-token", "0"))
        more = (
            f"<NextContinuationToken>{first + 2}</NextContinuationToken>"
            if first + 2 < len(keys)
            else ""
        )
        content = "".join(
            f"<Contents><Key>{escape(k)}</Key></Contents>" for k in keys[first : first + 2]
        )
        self.set_header("Content-Type", "application/xml")
        self.finish(
            f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{content}{more}</ListBucketResult>'
        )


class _Elevation(_Handler):
    def get(self, key: str) -> None:
        path = self.services.folder / "elevation" / key
        if path.is_file():
            self.send(path.read_bytes())
        else:
            self.set_status(404)

    def head(self, key: str) -> None:
        self.get(key)


def ramp(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    return 100 + 300 * (longitude - 12) + 500 * (latitude - 41)


def write_tile(folder: Path, latitude: int, longitude: int, columns: int = SIZE) -> None:
    """A tile as Copernicus GLO-30 has them, of a tenth of its pixels: their middles lie on whole degrees."""
    (name, _), *_ = tiles_of((longitude + 0.4, latitude + 0.4, longitude + 0.6, latitude + 0.6))
    width, height = 1 / columns, 1 / SIZE
    x = longitude + np.arange(columns) * width
    y = latitude + 1 - np.arange(SIZE) * height
    path = folder / "elevation" / name / f"{name}.tif"
    path.parent.mkdir(parents=True)
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=SIZE, count=1, dtype="float32", crs="EPSG:4326",
        transform=Affine(width, 0, x[0] - width / 2, 0, -height, y[0] + height / 2), tiled=True,
    ) as target:  # fmt: skip
        target.write(ramp(*np.meshgrid(x, y)).astype(np.float32), 1)


def serve(folder: Path, products: list[Slc]) -> tuple[Services, Callable[[], None]]:
    """Start them on free ports; the second host is ``localhost``."""
    services = Services(folder, products)
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    def run() -> None:
        asyncio.set_event_loop(loop)
        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        port = sockets[0].getsockname()[1]
        services.root, services.elsewhere = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        own = {"services": services}
        routes = [
            (r"/asf", _Asf), (r"/datapool/(.*)", _Datapool), (r"/signed/(.*)", _Signed), (r"/odata", _OData),
            (r"/token", _Token), (r"/odata\(id-(.*)\)/\$value", _Value), (r"/orbits/?(.*)", _Orbits),
            (r"/elevation/(.*)", _Elevation),
        ]  # fmt: skip
        app = tornado.web.Application([(r, h, own) for r, h in routes], log_function=lambda _: None)
        tornado.httpserver.HTTPServer(app).add_sockets(sockets)
        ready.set()
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()

    def stop() -> None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    return services, stop
