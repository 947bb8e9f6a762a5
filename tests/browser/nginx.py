"""The web server of docs/deploy/nginx.conf, on this machine: the operator's file with other names."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

CONF = Path(__file__).resolve().parents[2] / "docs" / "deploy" / "nginx.conf"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")

_AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  include {folder}/site.conf;
}}
"""


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as s:
        s.bind(("localhost", 0))
        return s.getsockname()[1]


class Nginx:
    """nginx with https in front of the dashboard.

    Parameters
    ----------
    folder : path
        For its files.
    """

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                   "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        self._process: subprocess.Popen[bytes] | None = None

    def serve(self, behind: int) -> str:
        """Serve what listens at a port; the address that visitors use."""
        text = CONF.read_text()
        for there, here in {
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "server_name example.org;": "server_name localhost;",
            "/etc/ssl/certs/example.org.pem": str(self._folder / "cert.pem"),
            "/etc/ssl/private/example.org.key": str(self._folder / "key.pem"),
            "127.0.0.1:5006": f"127.0.0.1:{behind}",
        }.items():
            assert there in text, there
            text = text.replace(there, here)
        (self._folder / "site.conf").write_text(text)
        main = self._folder / "nginx.conf"
        main.write_text(_AROUND.format(folder=self._folder))
        self._process = subprocess.Popen([NGINX, "-p", self._folder, "-c", main])
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, (self._folder / "error.log").read_text()
                assert time.monotonic() < until
                time.sleep(0.1)
            else:
                return f"https://localhost:{self.port}"

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
