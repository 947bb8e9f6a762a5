"""What the web server promises, where no server is needed to see it."""

from __future__ import annotations

import base64
import gzip
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("panel")

from bokeh.core.serialization import DeserializationError, Deserializer

from app.server.headers import policy
from app.server.login import Patience
from app.server.messages import unpack_within_limits


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_wrong_password_makes_the_next_try_wait_longer() -> None:
    clock = Clock()
    patience = Patience(clock)
    waits = []
    for _ in range(7):
        waits.append(patience.turn("1.2.3.4"))
        clock.now += waits[-1]
        patience.wrong("1.2.3.4")
    assert waits == [0, 1, 2, 4, 8, 16, 30]
    assert patience.turn("5.6.7.8") == 0
    clock.now += 1000
    assert patience.turn("1.2.3.4") == 0  # forgotten
    patience.wrong("1.2.3.4")
    patience.right("1.2.3.4")
    assert patience.turn("1.2.3.4") == 0


def test_guesses_sent_at_once_wait_for_each_other() -> None:
    patience = Patience(Clock())
    for _ in range(3):
        patience.wrong("1.2.3.4")
    waits = [patience.turn("1.2.3.4") for _ in range(5)]
    assert [b - a for a, b in pairwise(waits)] == [4] * 4


def test_many_addresses_take_no_more_memory() -> None:
    patience = Patience(Clock())
    for i in range(10_500):
        patience.wrong(str(i))
    assert len(patience._wrong) <= 10_000
    assert len(patience._free) <= 10_000


@pytest.mark.parametrize(("host", "kept"), [
    ("lcz.example.org", True), ("localhost:5006", True), ("[::1]:5006", True), ("a; script-src *", False),
])  # fmt: skip
def test_a_host_that_is_none_gets_nowhere(host: str, kept: bool) -> None:
    found = policy(host)
    assert (f"wss://{host}" in found) == kept
    assert found.count("script-src") == 1
    assert policy(host, "https://portal.example.org").endswith(
        "frame-ancestors 'self' https://portal.example.org"
    )


def packed(content: bytes) -> dict[str, str]:
    return {"type": "bytes", "data": base64.b64encode(gzip.compress(content)).decode()}


def test_what_a_message_packs_is_unpacked_to_a_limit() -> None:
    unpack_within_limits()
    assert Deserializer().decode(packed(b"a piece of a file")) == b"a piece of a file"
    assert Deserializer().decode([packed(b"x" * 10_000_000)] * 9)[8][:1] == b"x"
    for bomb in (packed(bytes(200_000_000)), [packed(bytes(10_000_000))] * 11):
        with pytest.raises(DeserializationError, match="more than 100 MB"):
            Deserializer().decode(bomb)
    with pytest.raises(DeserializationError, match="cannot be unpacked"):
        Deserializer().decode({"type": "bytes", "data": "SUkqAA=="})


READ_AHEAD = """
import threading
from app.app_hooks import on_server_loaded
from lczlib.catalog.gazetteer import _loaded
before = set(threading.enumerate())
on_server_loaded(None)
for thread in set(threading.enumerate()) - before:
    thread.join()
print(_loaded.cache_info().currsize)
"""


@pytest.mark.slow
def test_the_list_of_places_is_read_before_the_first_visitor() -> None:
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", READ_AHEAD], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1"]
