"""What the tests of the examples share: a Nexus installed in a temporary directory, an example built
against it, and a server that entries are written to."""
import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

DEADLINE_SECONDS = 60
ENTRIES = 20


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}")


class Place:
    """A temporary directory with an installed Nexus and a built example."""

    def __init__(self, options, work):
        self.home = os.path.join(work, "home")
        self.prefix = os.path.join(work, "prefix")
        self.example = os.path.join(work, "example")
        run(options.cmake, "--install", options.build, "--prefix", self.prefix)
        run(options.cmake, "-G", "Ninja", "-S", options.example, "-B", self.example,
            f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_CXX_COMPILER={options.cxx}")
        run(options.cmake, "--build", self.example)

    def configure(self, program, name, table):
        """Makes a home whose one source writes to the destination `name`; returns its key."""
        run(program, "init", "--home", self.home)
        path = os.path.join(self.home, "destinations", name + ".toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'[destination]\nname = "{name}"\n{table}')
        source = os.path.join(self.home, "sources", "default.toml")
        with open(source, encoding="utf-8") as file:
            text = file.read()
        text, changed = re.subn(r'(?m)^target_destination = ".*"$',
                                f'target_destination = "{name}"', text)
        if changed != 1:
            sys.exit("sources/default.toml has no target_destination")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        return re.search(r'(?m)^api_key = "(.*)"$', text).group(1)


@contextlib.contextmanager
def place(description):
    """A Place, made as the command line says."""
    parser = argparse.ArgumentParser(description=description)
    for name in ("--cmake", "--build", "--cxx", "--example"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        yield Place(options, work)


def write(address, key, number):
    body = json.dumps({"message": {"role": "user", "content": f"entry {number}"}}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{address}/inbound/default", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["payload_id"]


def serve_and_check(program, home, key, arrived):
    """Writes entries through a server; `arrived` returns the payload ids that are there by now."""
    server = subprocess.Popen([program, "start", "--home", home, "--port", "0"],
                              stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline()
        if not line.startswith("listening on "):
            sys.exit("the server did not start")
        address = line.split()[-1]
        written = [write(address, key, number) for number in range(ENTRIES)]
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(arrived()) < len(written) and time.monotonic() < deadline:
            time.sleep(0.02)
        server.terminate()
        status = server.wait(DEADLINE_SECONDS)
    finally:
        server.kill()
        server.wait()
    if status != 0:
        sys.exit(f"the server's exit status is {status}")
    if sorted(arrived()) != sorted(written):
        sys.exit(f"written: {sorted(written)}\narrived: {sorted(arrived())}")
