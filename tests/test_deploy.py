"""The files of containers fit what they are made of; Docker itself runs in no test."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import typer
import yaml

from lczlib.cli import app

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "docs/deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DOCKERFILE = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
EXTRAS = re.compile(r"'\.\[([\w,]+)\]'")


def options(words: list[str]) -> dict[str, str]:
    """Options of a command line with their values; flags have none."""
    found = {}
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("--"):
            found[word] = "" if after.startswith("--") else after
    return found


def test_the_command_is_that_of_the_systemd_unit_and_exists():
    unit = re.sub(r"\\\n\s*", "", (DEPLOY / "lcz-app.service").read_text())
    theirs = options(shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.M)[1]))
    ours = options(shlex.split(COMPOSE["services"]["app"]["command"]))
    assert set(ours) == set(theirs)
    own = ("--basic-auth", "--allow")  # of a container's own folders
    assert {k: v for k, v in ours.items() if k not in own} == {
        k: v for k, v in theirs.items() if k not in own
    }
    command = typer.main.get_command(app).commands["app"]
    assert set(ours) <= {o for p in command.params for o in p.opts}


def test_nginx_has_the_site_that_is_tried_and_its_certificate():
    nginx = COMPOSE["services"]["nginx"]
    assert nginx["network_mode"] == "service:app"  # the site's 127.0.0.1 is the dashboard's
    mounts = dict(m.split(":")[:2] for m in nginx["volumes"])
    site = (DEPLOY / "nginx.conf").read_text()
    assert mounts["./nginx.conf"].startswith("/etc/nginx/conf.d/")
    wanted = set(re.findall(r"ssl_certificate(?:_key)?\s+(\S+);", site))
    assert wanted == set(mounts.values()) - {mounts["./nginx.conf"]}
    published = {p.split(":")[1] for p in COMPOSE["services"]["app"]["ports"]}
    assert published == set(re.findall(r"listen (\d+)", site))


def test_what_the_command_reads_is_mounted():
    service = COMPOSE["services"]["app"]
    ours = options(shlex.split(service["command"]))
    assert Path(ours["--basic-auth"]).name in service["secrets"]
    assert set(service["secrets"]) <= set(COMPOSE["secrets"])
    inside = {m.split(":")[1] for m in service["volumes"]}
    cache = re.search(r"LCZLIB_CACHE=(\S+)", DOCKERFILE)[1]
    assert inside == {ours["--allow"], cache}
    assert service["build"]["args"]["TORCH_INDEX"].endswith(
        re.search(r"^ARG TORCH_INDEX=(\S+)$", DOCKERFILE, re.M)[1] + "}"
    )


def test_the_image_is_installed_as_make_env_does():
    makefile = (ROOT / "Makefile").read_text()
    theirs = set(EXTRAS.search(makefile)[1].split(","))
    assert set(EXTRAS.search(DOCKERFILE)[1].split(",")) == theirs - {"docs", "dev"}
    installs = re.findall(r"pip install .*", DOCKERFILE)
    assert len(installs) == 2
    assert all("--constraint constraints.txt" in line for line in installs)
    assert installs[0].endswith("--index-url ${TORCH_INDEX} torch")


def test_what_is_copied_is_there_is_let_in_and_makes_the_wheel():
    copied = {
        name for line in re.findall(r"^COPY (.*)$", DOCKERFILE, re.M) for name in line.split()[:-1]
    }
    assert all((ROOT / name).exists() for name in copied)
    let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M)
    assert set(let_in) == copied
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"]}
    assert needed | {*project["project"]["license-files"], "pyproject.toml"} <= copied
