"""Says on X-Saw what this back end understood: its count, method, target,
length and CRC of the body."""
import itertools
import os
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

count = itertools.count(1)


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write a reply

    def handle_expect_100(self):
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def chunks(self):
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            if size == 0:
                while self.rfile.readline() not in (b"\r\n", b"\n", b""):
                    pass
                return body
            part = self.rfile.read(size)
            if len(part) < size:
                raise ConnectionError("the body ended early")
            body += part
            self.rfile.readline()

    def echo(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = self.chunks()
        else:
            size = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(size)
            if len(body) < size:
                raise ConnectionError("the body ended early")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "11")
        self.send_header("X-Saw", "%d %s %s %d %08x" % (next(count), self.command, self.path, len(body), zlib.crc32(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b'{"ok":true}')

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = echo

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


server = Server(("127.0.0.1", 0), Echo)
print(server.server_address[1], flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
