#!/usr/bin/env python3
"""Installs Nexus in a temporary directory, builds the example's plugin against it, and writes through
the installed program, which loads it."""
import os
import subprocess
import sys

import example_support

SUFFIX = ".txt"


def ids_in(directory):
    if not os.path.isdir(directory):
        return []
    return [name.removesuffix(SUFFIX) for name in os.listdir(directory) if name.endswith(SUFFIX)]


def table(plugin, settings):
    return f'type = "plugin"\npath = "{plugin}"\n[destination.settings]\n{settings}'


def check_lint(program, place):
    """A setting that the plugin does not take is found, with its place in the file."""
    path = os.path.join(place.home, "destinations", "files.toml")
    with open(path, encoding="utf-8") as file:
        right = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(right.replace(SUFFIX, ".pdf"))
    line = 1 + right[:right.index("suffix")].count("\n")
    done = subprocess.run([program, "lint", "--home", place.home], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode == 0 or f"files.toml:{line}:" not in done.stdout:
        sys.exit(f"lint, exit status {done.returncode}, says:\n{done.stdout}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(right)


with example_support.place(__doc__) as place:
    program = os.path.join(place.prefix, "bin", "nexus")
    plugin = os.path.join(place.example, "directory.so")
    entries = os.path.join(place.home, "entries")
    key = place.configure(program, "files",
                          table(plugin, f'directory = "{entries}"\nsuffix = "{SUFFIX}"\n'))
    check_lint(program, place)
    example_support.serve_and_check(program, place.home, key, lambda: ids_in(entries))
print(f"{example_support.ENTRIES} entries arrived at the plugin's destination, each once")
