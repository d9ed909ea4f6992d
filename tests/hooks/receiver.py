"""A real receiver of webhooks in a thread, which fails as it is told to."""

import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Keeps what it got, and answers by `does`: a status, or one of the ways to fail."""

    def __init__(self, does=200, certificate=None):
        self.does, self.got, self.let_go = does, [], threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                receiver.answer(self)

            def log_message(self, *args):
                """Nobody reads it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}/hooks"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def answer(self, to):
        does = self.does(to) if callable(self.does) else self.does
        if does == "hang":
            self.let_go.wait(20)
            to.close_connection = True
        elif does == "break":
            to.close_connection = True  # in the middle of it, and before a word
        elif does == "redirect":
            to.send_response(302)
            to.send_header("Location", f"{self.url}/elsewhere")
            to.send_header("Content-Length", "0")
            to.end_headers()
        elif does == "garbage":
            to.wfile.write(b"\x00\xff\xfe no protocol at all\r\n\r\n")
            to.close_connection = True
        elif does == "long":
            to.send_response(200)
            to.end_headers()
            to.close_connection = True
            while not self.let_go.is_set():
                to.wfile.write(b"\x00<b>so much to say</b>\xff" * 1000)
        elif does == "drip":
            while not self.let_go.is_set():
                to.wfile.write(b"H")
                time.sleep(0.05)
        else:
            to.send_response(does)
            to.send_header("Content-Length", "4")
            to.end_headers()
            to.wfile.write(b"okay")

    @property
    def ids(self) -> list[str]:
        return [headers["Zarts-Event-Id"] for headers, _ in self.got]

    def close(self):
        self.let_go.set()
        self.server.shutdown()
        self.server.server_close()
