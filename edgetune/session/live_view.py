"""The report of a run while it grows, served to this computer only."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from edgetune.session.run_folder import LOG, RUNNING, record_of
from edgetune.session.run_report.log import RunLog
from edgetune.session.run_report.run_page import REFRESH, run_page

HOST = "127.0.0.1"
LEAST_SECONDS = 1.0  # between two pages that are made: the run has the rest of the time


class LiveView:
    """Serves the page of the run in ``folder`` at ``url`` as long as it is open: on a port that
    the system chooses, to who asks for it by this computer's own name.  The page asks for itself
    again until the run has ended; who looked at it lately gets that last page before it closes."""

    def __init__(self, folder: Path):
        self._folder, self._lock = folder, threading.Lock()
        self._log: RunLog | None = None
        self._page, self._made, self._ended = b"", -LEAST_SECONDS, False
        self._asked, self._told_end = 0.0, threading.Event()
        self._server = ThreadingHTTPServer((HOST, 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    @property
    def names(self) -> tuple[str, ...]:
        """Hosts that a browser may have asked for: another one's page cannot read this one."""
        port = self._server.server_port
        return f"{HOST}:{port}", f"localhost:{port}"

    @property
    def url(self) -> str:
        return f"http://{self.names[0]}/"

    def page(self) -> bytes:
        """The page as the run stands, at most `LEAST_SECONDS` old."""
        with self._lock:
            self._asked = time.monotonic()
            if self._asked - self._made >= LEAST_SECONDS and not self._ended:
                record = record_of(self._folder)
                target = record.get("target", "")
                if self._log is None and target:
                    self._log = RunLog(self._folder / LOG, target)
                self._page = run_page(self._folder, self._log, live=True).encode()
                self._made, self._ended = time.monotonic(), record.get("status") != RUNNING
            return self._page

    def told(self) -> None:
        """The last page that was made has been sent."""
        if self._ended:
            self._told_end.set()

    def close(self, wait: bool = True) -> None:
        """``wait``: for those who looked at it lately to have the last page."""
        if wait and time.monotonic() - self._asked < 2 * REFRESH:
            self._told_end.wait(2 * REFRESH)
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> LiveView:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        self.close(wait=error is None)


def _handler(view: LiveView) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Host") not in view.names or self.path != "/":
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            try:
                content = view.page()
            except Exception as error:  # a page costs no run
                content = f"{type(error).__name__}: {error}".encode()
                self._send(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", content)
                return
            self._send(HTTPStatus.OK, "text/html", content)
            view.told()

        def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *values: object) -> None:
            """Nothing: the terminal is the run's."""

    return Handler
