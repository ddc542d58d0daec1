#!/usr/bin/env python3
"""Installs Nexus in a temporary directory, builds the example against it, and writes through it."""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

DEADLINE_SECONDS = 60


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}")


def build(options, work):
    prefix, example = os.path.join(work, "prefix"), os.path.join(work, "example")
    run(options.cmake, "--install", options.build, "--prefix", prefix)
    run(options.cmake, "-G", "Ninja", "-S", options.example, "-B", example,
        f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={options.cxx}")
    run(options.cmake, "--build", example)
    return os.path.join(example, "my_nexus")


def configure(program, home):
    """Returns the source's key and the file that the destination writes."""
    run(program, "init", "--home", home)
    ids = os.path.join(home, "ids.txt")
    with open(os.path.join(home, "destinations", "ids.toml"), "w", encoding="utf-8") as file:
        file.write(f'[destination]\nname = "ids"\ntype = "id_file"\npath = "{ids}"\n')
    source = os.path.join(home, "sources", "default.toml")
    with open(source, encoding="utf-8") as file:
        text = file.read()
    text, changed = re.subn(r'(?m)^target_destination = ".*"$', 'target_destination = "ids"', text)
    if changed != 1:
        sys.exit("sources/default.toml has no target_destination")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    return re.search(r'(?m)^api_key = "(.*)"$', text).group(1), ids


def write(address, key, number):
    body = json.dumps({"message": {"role": "user", "content": f"entry {number}"}}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{address}/inbound/default", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["payload_id"]


def ids_in(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip()]


def serve_and_check(program, home, key, ids):
    server = subprocess.Popen([program, "start", "--home", home, "--port", "0"],
                              stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline()
        if not line.startswith("listening on "):
            sys.exit("the server did not start")
        address = line.split()[-1]
        written = [write(address, key, number) for number in range(20)]
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(ids_in(ids)) < len(written) and time.monotonic() < deadline:
            time.sleep(0.02)
        server.terminate()
        status = server.wait(DEADLINE_SECONDS)
    finally:
        server.kill()
        server.wait()
    if status != 0:
        sys.exit(f"the server's exit status is {status}")
    if sorted(ids_in(ids)) != sorted(written):
        sys.exit(f"written: {sorted(written)}\narrived: {sorted(ids_in(ids))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--cmake", "--build", "--cxx", "--example"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        program = build(options, work)
        home = os.path.join(work, "home")
        key, ids = configure(program, home)
        serve_and_check(program, home, key, ids)
    print("20 entries arrived at the custom destination, each once")


main()
