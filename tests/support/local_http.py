"""An HTTP server of a test's own, on the loopback, whose answers are a function's.

    url = local_http.serve(self, lambda asked: (200, b"hello", ("Retry-After", "1")))

It is there when serve() returns, and ends with the test. Each connection has its own thread."""

import collections
import http.server
import threading

# method: "GET" or "POST"; body: bytes, of a POST.
Asked = collections.namedtuple("Asked", "method path headers body")


def serve(case, answer):
    """answer(asked) -> (status, body, (name, value)...), or None: the connection ends without. Gives the
    server's URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answered = answer(Asked(self.command, self.path, self.headers, body))
            if answered is None:
                self.close_connection = True
                return
            status, body, *headers = answered
            try:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # who asked has had enough

        do_POST = do_GET

        def log_message(self, *unused):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    case.addCleanup(server.server_close)
    case.addCleanup(server.shutdown)
    return "http://127.0.0.1:%d" % server.server_port
