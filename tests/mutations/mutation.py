"""The planted bugs in this folder: what is said about each, and how it is put into a tree.

NN-name.patch is a unified diff behind a header of three lines:

    promise: what the product promises and this bug breaks, in one line
    programs: the targets that have to be built to notice it
    tests: a regular expression of CTest's; some of the tests that it matches must fail. Behind the
           colon of a name there is a space or none, as Catch2's version has it: "^wal: ?a power"
"""

import re
from dataclasses import dataclass
from pathlib import Path

CHANGED_LINES_MAX = 10
FOLDER = "tests/mutations"


class MutationError(Exception):
    """Something is wrong with a patch, or it does not fit the tree."""


@dataclass
class Hunk:
    path: str
    before: str
    after: str


@dataclass
class Mutation:
    name: str
    promise: str
    programs: list
    tests: str
    hunks: list

    def changed_texts(self, root):
        """The texts of the files that it touches, as it leaves them: path -> text."""
        texts = {}
        for hunk in self.hunks:
            try:
                text = texts.get(hunk.path) or (root / hunk.path).read_text("utf-8")
            except OSError as problem:
                raise MutationError(f"{self.name}: {hunk.path}: {problem.strerror}") from problem
            # By its lines alone, wherever they stand: what is added above them does no harm.
            places = [found.start() for found in
                      re.finditer("^" + re.escape(hunk.before), text, re.MULTILINE)]
            if len(places) != 1:
                raise MutationError(f"{self.name}: the lines to change are {len(places)} times in "
                                    f"{hunk.path} instead of once:\n{hunk.before}")
            behind = places[0] + len(hunk.before)
            texts[hunk.path] = text[:places[0]] + hunk.after + text[behind:]
        return texts


def read_header(name, lines):
    header = {}
    for line in lines:
        key, colon, value = line.partition(": ")
        if not colon or key not in ("promise", "programs", "tests") or key in header:
            raise MutationError(f"{name}: no line of a header: {line!r}")
        header[key] = value.strip()
    missing = {"promise", "programs", "tests"} - {key for key, value in header.items() if value}
    if missing:
        raise MutationError(f"{name}: the header lacks: {', '.join(sorted(missing))}")
    return header


def read_hunks(name, lines):
    path, hunks, changed = None, [], 0
    for line in lines:
        if line.startswith("+++ b/"):
            path = line[len("+++ b/"):]
        elif line.startswith("@@ ") and path:
            hunks.append(Hunk(path, "", ""))
        elif hunks and line[:1] in (" ", "-", "+") and not line.startswith("--- a/"):
            hunks[-1].before += line[1:] + "\n" if line[0] != "+" else ""
            hunks[-1].after += line[1:] + "\n" if line[0] != "-" else ""
            changed += line[0] != " "
        elif not line.startswith("--- a/"):
            raise MutationError(f"{name}: no line of a unified diff: {line!r}")
    if not hunks or any(hunk.before == hunk.after for hunk in hunks):
        raise MutationError(f"{name}: changes nothing")
    if changed > CHANGED_LINES_MAX:
        raise MutationError(f"{name}: changes {changed} lines, at most {CHANGED_LINES_MAX}")
    return hunks


def read_mutation(file):
    lines = file.read_text("utf-8").splitlines()
    diff = next((at for at, line in enumerate(lines) if line.startswith("--- a/")), len(lines))
    header = read_header(file.stem, [line for line in lines[:diff] if line])
    return Mutation(file.stem, header["promise"], header["programs"].split(), header["tests"],
                    read_hunks(file.stem, lines[diff:]))


def read_mutations(root):
    """All of them, in the order of their numbers."""
    files = sorted((root / FOLDER).glob("*.patch"),
                   key=lambda file: int(file.name.partition("-")[0]))
    if not files:
        raise MutationError(f"{root / FOLDER} holds no patches")
    return [read_mutation(file) for file in files]


def test_names(root):
    """The names that CTest gives to the test cases under tests/: "wal: what is tested"."""
    names = set()
    for cmake in (root / "tests").rglob("CMakeLists.txt"):
        text = cmake.read_text("utf-8")
        for program, arguments in re.findall(r"nexus_add_test\((\w+)([^)]*)\)", text):
            for source in re.findall(r"(?<!\S)[\w/]+\.cpp\b", arguments):
                names |= {f"{program}: {name}" for name in cases_in(cmake.parent / source)}
    return names


def cases_in(source):
    literal = r'"(?:[^"\\]|\\.)*"'
    found = re.findall(rf"TEST_CASE(?:_METHOD)?\(\s*(?:\w+,\s*)?({literal}(?:\s*{literal})*)",
                       source.read_text("utf-8"))
    return ["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', name)) for name in found]
