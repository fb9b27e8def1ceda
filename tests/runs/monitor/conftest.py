"""A receiver of webhooks on this machine."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Receiver:
    """Counts how often each alarm arrives; answers `status`."""

    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                alarm = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if receiver.status == 200:
                    assert self.headers["Idempotency-Key"] == alarm["id"]
                    receiver.ids[alarm["id"]] += 1
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/alarms"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A running receiver."""
    started = Receiver()
    yield started
    started.server.shutdown()
    started.server.server_close()
