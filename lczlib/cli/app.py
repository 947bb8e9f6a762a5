"""``lcz app``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from typing import Annotated

import typer

from lczlib.acquire.providers import provider_of
from lczlib.errors import InputError
from lczlib.extras import need

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SECRETS = ("BOKEH_SECRET_KEY", "PANEL_COOKIE_SECRET")  # sign sessions, and names at login
LARGEST_MESSAGE = 40_000_000  # an upload comes in pieces of 10 MB, coded


def app_folder() -> Path:
    """Where the dashboard lies: in the installed package, or beside it in the source tree.

    Raises
    ------
    InputError
        If it is not there, or Panel is not installed.
    """
    need("The dashboard needs", "panel", extra="app")
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "app", package.parent / "app"):
        if (folder / "main.py").is_file():
            return folder
    msg = "The dashboard is missing from this installation: reinstall lczlib."
    raise InputError(msg)


def app(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 5006,
    address: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 for other machines.")
    ] = "localhost",
    threads: Annotated[
        int, typer.Option("--num-threads", min=1, help="Threads that compute for the visitors.")
    ] = 4,
    warm: Annotated[
        bool, typer.Option("--warm", help="Load everything at start, not at the first visit.")
    ] = False,
    prefix: Annotated[
        str, typer.Option(help="Path that a reverse proxy serves it under, such as /lcz.")
    ] = "",
    origin: Annotated[
        list[str] | None,
        typer.Option("--origin", help="Host name visitors use (repeat); needed behind a proxy."),
    ] = None,
    basic_auth: Annotated[
        str, typer.Option(help="Password, or a JSON file of user names and passwords.")
    ] = "",
    allow: Annotated[
        list[Path] | None,
        typer.Option(help="Folder that visitors may open: So2Sat folders, results (repeat)."),
    ] = None,
    own: Annotated[
        bool | None,
        typer.Option(
            "--own/--no-own",
            help="Offer your own folders (lcz cities); by default where only this machine can reach it.",
            show_default=False,
        ),
    ] = None,
    upload_mb: Annotated[
        float,
        typer.Option("--upload-mb", min=0.001, help="Largest file a visitor may upload (MB)."),
    ] = 500,
    store_gb: Annotated[
        float,
        typer.Option(
            "--store-gb",
            min=0,
            help="Most that kept maps of public scenes, and fetched imagery, may take (GB).",
        ),
    ] = 10,
    provider: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|URL",
            help="Service that visitors may get imagery from (repeat); by default all that lcz get knows, "
            "but for those whose keys are not in this server's environment.",
        ),
    ] = None,
    get_mb: Annotated[
        float,
        typer.Option(
            "--get-mb",
            min=0,
            help="Most that a visitor's request for imagery may read (MB); 0 forbids it.",
        ),
    ] = 5000,
    frame: Annotated[
        list[str] | None,
        typer.Option(help="Site that may show the dashboard in a frame, https://... (repeat)."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Open a browser.")] = False,
) -> None:
    """Start the dashboard.

    Example:
        lcz app --port 5006 --num-threads 4 --warm --allow /data/so2sat
    """
    folders = [f.resolve() for f in allow or ()]
    for folder in folders:
        if not folder.is_dir():
            msg = f"The folder {folder} to allow does not exist."
            raise InputError(msg)
    for name in provider or ():
        provider_of(name)
    options = _serve(port, address, threads, warm, prefix, origin or [], basic_auth, show)
    command = [sys.executable, "-m", "panel", *options]
    os.environ["LCZLIB_ALLOW"] = os.pathsep.join(str(f) for f in folders)
    offered = is_alone(address, prefix, origin or ()) if own is None else own
    os.environ["LCZLIB_OWN"] = "1" if offered else ""
    os.environ["LCZLIB_UPLOAD_MB"] = f"{upload_mb:g}"
    os.environ["LCZLIB_STORE_GB"] = f"{store_gb:g}"
    os.environ["LCZLIB_GET_MB"] = f"{get_mb:g}"
    if provider:
        os.environ["LCZLIB_PROVIDERS"] = " ".join(provider)
    os.environ["LCZLIB_FRAMES"] = " ".join(frame or ())
    for secret in _SECRETS:  # where a command line would show them to everybody on the machine
        os.environ.setdefault(secret, token_hex(32))
    os.execv(sys.executable, command)


def is_alone(address: str, prefix: str, origin: Sequence[str]) -> bool:
    """Whether only this machine can reach a dashboard, so that its visitor is its user."""
    return address in _LOOPBACK and not (prefix or origin)


def _serve(
    port: int, address: str, threads: int, warm: bool, prefix: str, origin: list[str], auth: str, show: bool
) -> list[str]:  # fmt: skip
    folder = app_folder()
    out = ["serve", str(folder), "--port", str(port), "--address", address]
    out += ["--num-threads", str(threads)]
    out += ["--websocket-max-message-size", str(LARGEST_MESSAGE)]
    out += ["--session-ids", "signed"]
    out += ["--warm"] if warm else []
    out += ["--prefix", prefix] if prefix else []
    if (prefix or origin) and address in _LOOPBACK:  # only a proxy on this machine can reach it
        out += ["--use-xheaders"]
    for host in origin:
        out += ["--allow-websocket-origin", host]
    if auth:
        out += ["--basic-auth", auth]
    return out + (["--show"] if show else [])
