#!/usr/bin/env python3
"""Installs Nexus in a temporary directory, builds the example of a remote destination against it,
writes through it, and kills it in mid-stream."""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

DEADLINE_SECONDS = 120
ENTRIES = 200
KILLED_AFTER = 60  # entries
SECRET = "a secret of both sides"


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}")


def build(options, work):
    """Returns the installed nexus and the built example."""
    prefix, example = os.path.join(work, "prefix"), os.path.join(work, "example")
    run(options.cmake, "--install", options.build, "--prefix", prefix)
    run(options.cmake, "-G", "Ninja", "-S", options.example, "-B", example,
        f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={options.cxx}")
    run(options.cmake, "--build", example)
    return os.path.join(prefix, "bin", "nexus"), os.path.join(example, "remote_destination")


class Remote:
    """The example, listening on a port; 0: any."""

    def __init__(self, program, port, ids):
        self.process = subprocess.Popen([program, str(port), ids], stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, "SECRET": SECRET})
        found = re.match(r"listening on port (\d+)$", self.process.stdout.readline())
        if not found:
            sys.exit("the remote destination did not start")
        self.port = int(found.group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def configure(program, home, port):
    """Returns the source's key."""
    run(program, "init", "--home", home)
    with open(os.path.join(home, "destinations", "ids.toml"), "w", encoding="utf-8") as file:
        file.write('[destination]\nname = "ids"\ntype = "actor"\nhost = "127.0.0.1"\n'
                   f'port = {port}\nsecret = "{SECRET}"\n')
    source = os.path.join(home, "sources", "default.toml")
    with open(source, encoding="utf-8") as file:
        text = file.read()
    text, changed = re.subn(r'(?m)^target_destination = ".*"$', 'target_destination = "ids"', text)
    if changed != 1:
        sys.exit("sources/default.toml has no target_destination")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    return re.search(r'(?m)^api_key = "(.*)"$', text).group(1)


def write(address, key, number):
    body = json.dumps({"message": {"role": "user", "content": f"entry {number}"}}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{address}/inbound/default", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["payload_id"]


def ids_in(path):
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip()]


def wait_for(count, path):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(ids_in(path)) < count and time.monotonic() < deadline:
        time.sleep(0.02)


def write_with_a_kill(address, key, example, first, ids):
    """Returns what was written."""
    written = [write(address, key, number) for number in range(KILLED_AFTER)]
    first.process.kill()
    first.process.wait()
    written += [write(address, key, number) for number in range(KILLED_AFTER, ENTRIES)]
    if len(ids_in(ids)) >= ENTRIES:
        sys.exit("entries arrived at a process that was dead")
    with Remote(example, first.port, ids) as second:
        wait_for(ENTRIES, ids)
        second.process.terminate()
        if second.process.wait(DEADLINE_SECONDS) != 0:
            sys.exit("the remote destination did not end cleanly")
    return written


def serve(program, example, home, ids):
    with Remote(example, 0, ids) as first:
        key = configure(program, home, first.port)
        run(program, "lint", "--home", home)
        server = subprocess.Popen([program, "start", "--home", home, "--port", "0"],
                                  stdout=subprocess.PIPE, text=True)
        try:
            line = server.stdout.readline()
            if not line.startswith("listening on "):
                sys.exit("the server did not start")
            written = write_with_a_kill(line.split()[-1], key, example, first, ids)
            server.terminate()
            status = server.wait(DEADLINE_SECONDS)
        finally:
            server.kill()
            server.wait()
    if status != 0:
        sys.exit(f"the server's exit status is {status}")
    return written


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--cmake", "--build", "--cxx", "--example"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        program, example = build(options, work)
        ids = os.path.join(work, "ids.txt")
        written = serve(program, example, os.path.join(work, "home"), ids)
        arrived = ids_in(ids)
    if sorted(arrived) != sorted(written):
        sys.exit(f"written: {len(written)}, arrived: {len(arrived)}, "
                 f"lost: {set(written) - set(arrived)}, "
                 f"twice: {sorted(one for one in set(arrived) if arrived.count(one) > 1)}")
    print(f"{ENTRIES} entries arrived at the remote destination, each once, in spite of a kill")


main()
