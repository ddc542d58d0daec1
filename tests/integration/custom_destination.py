#!/usr/bin/env python3
"""Installs Nexus in a temporary directory, builds the example against it, and writes through it."""
import os

import example_support


def ids_in(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip()]


with example_support.place(__doc__) as place:
    program = os.path.join(place.example, "my_nexus")
    ids = os.path.join(place.home, "ids.txt")
    key = place.configure(program, "ids", f'type = "id_file"\npath = "{ids}"\n')
    example_support.serve_and_check(program, place.home, key, lambda: ids_in(ids))
print(f"{example_support.ENTRIES} entries arrived at the custom destination, each once")
