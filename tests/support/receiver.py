#!/usr/bin/env python3
"""An HTTP server that does what a request asks for, and keeps what it was sent.

usage: receiver.py [--port N] [--secret SECRET]... [--tls DIRECTORY [--client-cert]]

Prints its port, then answers each line on its standard input with one line: `requests` with a JSON
object of what came since the last time. Ends with its standard input. With --tls it makes two
self-signed certificates in the directory: server.pem, which it uses, and other.pem; each file holds
its key, too. A request's "signed" are the numbers of the --secret arguments whose signature is
in its webhook-signature.

What to do stands in the JSON body's member "do" (or "content", after "do:"), else in the path as
/do/WORDS/…; words are separated by semicolons: status=N, header=Name:value, body=TEXT, huge, hang,
drop (without an answer), cut (in the head), cut-body, close (after the answer, without having said
so), together=N (wait until so many requests are here at the same time).
"""

import argparse
import base64
import hashlib
import hmac
import json
import socket
import ssl
import subprocess
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HUGE = 50 * 1024 * 1024


class Book:
    """What came."""

    def __init__(self):
        self.changed = threading.Condition()
        self.requests = []
        self.here = 0
        self.together = 0
        self.never = threading.Event()

    def arrive(self):
        with self.changed:
            self.here += 1
            self.together = max(self.together, self.here)
            self.changed.notify_all()

    def leave(self):
        with self.changed:
            self.here -= 1

    def wait_for(self, count):
        with self.changed:
            self.changed.wait_for(lambda: self.together >= count)

    def take(self):
        with self.changed:
            taken = {"requests": self.requests, "together": self.together}
            self.requests, self.together = [], 0
            return taken


BOOK = Book()


def words_of(path, body):
    try:
        record = json.loads(body)
        text = record.get("do") or record.get("content", "").partition("do:")[2]
    except (ValueError, AttributeError):
        text = ""
    if not text and path.startswith("/do/"):
        text = urllib.parse.unquote(path.split("/")[2])
    words = {}
    for word in text.split(";"):
        name, _, value = word.partition("=")
        words.setdefault(name, []).append(value)
    return words


def signed_with(headers, body, secrets):
    """As Standard Webhooks verifies."""
    given = headers.get("webhook-signature", "").split(" ")
    content = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
    found = []
    for number, secret in enumerate(secrets):
        prefix, _, encoded = secret.partition("whsec_")
        key = base64.b64decode(encoded) if encoded and not prefix else secret.encode()
        digest = hmac.new(key, content, hashlib.sha256).digest()
        if "v1," + base64.b64encode(digest).decode() in given:
            found.append(number)
    return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    secrets = []

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with BOOK.changed:
            BOOK.requests.append({
                "method": self.command, "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "header_count": len(self.headers.items()),
                "signed": signed_with(self.headers, body, self.secrets),
                "body": body.decode("utf-8"), "connection": self.client_address[1]})
        BOOK.arrive()
        try:
            self.act(words_of(self.path, body))
        except OSError:
            self.close_connection = True  # the client left in the middle
        finally:
            BOOK.leave()

    do_POST = do_PUT = do_GET = do_HEAD = do_OPTIONS = answer

    def act(self, words):
        if "together" in words:
            BOOK.wait_for(int(words["together"][0]))
        if "hang" in words:
            BOOK.never.wait()
        if "drop" in words:
            self.drop()
            return
        if "cut" in words:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-")
            self.drop()
            return
        status = int(words.get("status", ["200"])[0])
        text = words.get("body", [""])[0].encode()
        cut_body = "cut-body" in words
        length = HUGE if "huge" in words else len(text) + (100 if cut_body else 0)
        self.send_response(status)
        for header in words.get("header", []):
            self.send_header(*header.split(":", 1))
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(text)
        if "huge" in words:
            block = b"x" * 65536
            for _ in range(HUGE // len(block)):
                self.wfile.write(block)
        if cut_body or "close" in words:
            self.drop()

    def drop(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    tls = None

    def finish_request(self, request, client_address):
        # In the connection's own thread: a handshake must not hold up the others.
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def make_certificate(path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=receiver", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", path + ".key", "-out", path + ".crt"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(path, "w", encoding="utf-8") as whole:
        for part in (".key", ".crt"):
            with open(path + part, encoding="utf-8") as piece:
                whole.write(piece.read())


def tls_context(directory, wants_client):
    for name in ("server.pem", "other.pem"):
        make_certificate(f"{directory}/{name}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory + "/server.pem")
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(directory + "/server.pem")
    return context


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--secret", action="append", default=[])
    parser.add_argument("--tls")
    parser.add_argument("--client-cert", action="store_true")
    options = parser.parse_args()
    Handler.secrets = options.secret
    server = Server(("127.0.0.1", options.port), Handler)
    if options.tls:
        server.tls = tls_context(options.tls, options.client_cert)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    for _ in sys.stdin:
        print(json.dumps(BOOK.take()), flush=True)


if __name__ == "__main__":
    main()
