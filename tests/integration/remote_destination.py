#!/usr/bin/env python3
"""Installs Nexus in a temporary directory, builds the example of a remote destination against it,
writes through it, and kills it in mid-stream."""
import os
import re
import subprocess
import sys
import time

import example_support

ENTRIES = 200
KILLED_AFTER = 60  # entries
SECRET = "a secret of both sides"


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


def ids_in(path):
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip()]


def wait_for(count, path):
    deadline = time.monotonic() + example_support.DEADLINE_SECONDS
    while len(ids_in(path)) < count and time.monotonic() < deadline:
        time.sleep(0.02)


def write_with_a_kill(address, key, example, first, ids):
    """Returns what was written."""
    def write(number):
        return example_support.write(address, key, number)

    written = [write(number) for number in range(KILLED_AFTER)]
    first.process.kill()
    first.process.wait()
    written += [write(number) for number in range(KILLED_AFTER, ENTRIES)]
    if len(ids_in(ids)) >= ENTRIES:
        sys.exit("entries arrived at a process that was dead")
    with Remote(example, first.port, ids) as second:
        wait_for(ENTRIES, ids)
        second.process.terminate()
        if second.process.wait(example_support.DEADLINE_SECONDS) != 0:
            sys.exit("the remote destination did not end cleanly")
    return written


def serve(place, ids):
    program = os.path.join(place.prefix, "bin", "nexus")
    example = os.path.join(place.example, "remote_destination")
    with Remote(example, 0, ids) as first:
        key = place.configure(program, "ids", 'type = "actor"\nhost = "127.0.0.1"\n'
                              f'port = {first.port}\nsecret = "{SECRET}"\n')
        example_support.run(program, "lint", "--home", place.home)
        server = subprocess.Popen([program, "start", "--home", place.home, "--port", "0"],
                                  stdout=subprocess.PIPE, text=True)
        try:
            line = server.stdout.readline()
            if not line.startswith("listening on "):
                sys.exit("the server did not start")
            written = write_with_a_kill(line.split()[-1], key, example, first, ids)
            server.terminate()
            status = server.wait(example_support.DEADLINE_SECONDS)
        finally:
            server.kill()
            server.wait()
    if status != 0:
        sys.exit(f"the server's exit status is {status}")
    return written


with example_support.place(__doc__) as here:
    arrived_in = os.path.join(here.example, "ids.txt")
    sent = serve(here, arrived_in)
    arrived = ids_in(arrived_in)
if sorted(arrived) != sorted(sent):
    sys.exit(f"written: {len(sent)}, arrived: {len(arrived)}, lost: {set(sent) - set(arrived)}, "
             f"twice: {sorted(one for one in set(arrived) if arrived.count(one) > 1)}")
print(f"{ENTRIES} entries arrived at the remote destination, each once, in spite of a kill")
