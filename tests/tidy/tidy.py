#!/usr/bin/env python3
"""Checks the rules of the tree that a compiler doesn't.

usage: tidy.py [ROOT]

Prints `file:line: rule: reason` for each offence; the exit code is 1 if there is any. The rules are
the tables below: extend a table when the tree gets a new folder or a new library.
"""

import os
import re
import sys
from pathlib import Path

COLUMNS_MAX = 100
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

# What a folder may include, beside itself. Folders that are not listed may include everything.
MAY_INCLUDE = {
    "core": (),
    "wal": ("core/",),
    "mapping": ("core/",),
    "config": ("core/", "mapping/"),
    "destinations": ("core/",),
    "actors": ("core/", "wal/", "destinations/"),
    "http": ("core/",),
    "outgoing": ("core/",),
    "audit": ("core/",),
    "ingest": ("core/", "config/", "mapping/", "http/", "destinations/destination.hpp",
               "audit/record.hpp"),
}
LIBRARIES = tuple(MAY_INCLUDE)
OUR_FOLDERS = LIBRARIES + ("cli", "tests", "bench", "examples")

# Libraries that have a home: other library folders don't know them.
HOMES = {
    "caf/": ("actors",),
    "boost/asio": ("http",),
    "boost/beast": ("http",),
    "toml++/": ("config",),
    "CLI/": (),
    "catch2/": (),
}
# Folders whose public headers may show a third-party library to those who include them.
SHOWN_IN_HEADERS = {"caf/": ("actors",)}
THIRD_PARTY = re.compile(r"(caf/|boost/asio|boost/beast|boost/|toml\+\+/|CLI/|catch2/|rapidjson/"
                         r"|spdlog/|fmt/|prometheus/|sodium|cjose/|jansson|sqlite3|zlib|zstd|libdeflate)")

LIBRARIES_AND_TESTS = LIBRARIES + ("tests",)


def call(names):
    """A call of one of these functions of the C library: no member, no other namespace."""
    return rf"(?<![\w.>:])(?:std::|::)?\b({names})\s*\("


# (what, where by first folder or None for everywhere, why and what to use)
BANNED = [
    (r"std::(cout|cerr|clog)\b|\bfmt::print(ln)?\b|" + call("f?printf|f?puts|putchar"), LIBRARIES,
     "libraries don't write to the terminal: use core::logger"),
    (r"\bsleep_(for|until)\b|" + call("u?sleep|nanosleep"), LIBRARIES_AND_TESTS,
     "sleeping is no synchronisation: wait for the event itself"),
    (r"(?:(?<=return )|(?<![\w>&*] ))" + call("system|popen"), None,
     "no shell: start a program with posix_spawn or exec and an argument list"),
    (call("strerror"), None, "strerror shares a buffer between threads: use core::os_error"),
    (call("s?rand"), None, "use core/random.hpp, or <random> with a printed seed"),
    (call("gmtime|localtime|ctime|asctime|strtok"), None,
     "shares a buffer between threads: use core/timestamp.hpp or the _r form"),
    (call("strcpy|strcat|v?sprintf|gets|tmpnam|mktemp"), None,
     "writes past its buffer or races: use std::string, fmt::format or mkdtemp"),
    (call("ato(i|l|ll|f)"), None, "hides errors: use std::from_chars"),
    # The pipeline's home: a destination that blocks for good cannot be joined.
    (r"(?<!home_)(?<!left_behind)\.detach\s*\(\s*\)", None,
     "a detached thread outlives what it uses: own it and join it"),
    (r"catch\s*\(\s*\.\.\.\s*\)\s*\{\s*\}", None, "hides every error: turn it into a core::error"),
]
BANNED_IN_HEADERS = [
    (r"^[ \t]*using namespace\b", "a header decides for all who include it: name what you use"),
]

CPP = (".cpp", ".hpp")
CODE = CPP + (".py", ".sh", ".cmake", ".txt")
SKIPPED = {".git", ".cache", ".venv", "__pycache__", "third_party"}
LEFTOVER = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b")
# /home/someone is the placeholder for a user's directory.
MACHINE_PATH = re.compile(
    r"(?<![\w./~}])/(hom[e]/(?!someone\b)\w|wor[k]/|roo[t]/\w|tm[p]/h/)")


class File:
    """One text file of the tree."""

    def __init__(self, root, path):
        self.path = path
        self.absolute = root / path
        self.top = path.split("/")[0]
        self.suffix = Path(path).suffix
        self.text = self.absolute.read_bytes().decode("utf-8")
        self.lines = self.text.splitlines()
        self.is_script = self.text.startswith("#!")
        self.is_code = self.suffix in CODE or self.is_script


def tree(root):
    """All text files below root, but for what is built and what git keeps."""
    for folder, folders, names in os.walk(root):
        at_root = Path(folder) == root
        folders[:] = sorted(name for name in folders if name not in SKIPPED
                            and not (at_root and name.startswith("build")))
        for name in sorted(set(names) - SKIPPED):
            path = (Path(folder) / name).relative_to(root).as_posix()
            try:
                file = File(root, path)
            except (UnicodeDecodeError, OSError):
                continue
            if "\0" not in file.text:
                yield file


def without_comments_and_strings(text):
    """C++ with comments and the contents of literals blanked; line numbers stay the same."""
    literal = re.compile(
        r'R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
        r"|//[^\n]*|/\*.*?\*/"
        r'|"(?:\\.|[^"\\\n])*"'
        r"|(?<!\w)'(?:\\.|[^'\\\n])+'", re.DOTALL)

    def blank(match):
        lines = "\n" * match.group().count("\n")
        return lines if match.group().startswith("/") else '"' + lines + '"'

    return literal.sub(blank, text)


def public_headers(root, folder):
    """The headers that folder/CMakeLists.txt installs, with their paths from root."""
    cmake = root / folder / "CMakeLists.txt"
    text = cmake.read_text("utf-8") if cmake.is_file() else ""
    lists = re.findall(r"\bHEADERS\b(.*?)(?:\b[A-Z]{3,}\b|\))", text, re.DOTALL)
    return {f"{folder}/{name}" for names in lists for name in names.split()}


def check_includes(file, root):
    allowed = MAY_INCLUDE.get(file.top)
    public = public_headers(root, file.top) if allowed is not None else set()
    for number, line in enumerate(file.lines, 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if not match:
            continue
        quoted, name = match.group(1) == '"', match.group(2)
        if quoted:
            if not (root / name).is_file():
                yield number, "include", f'"{name}" is no file: name it from the root of the tree'
            elif allowed is not None and not name.startswith((file.top + "/",) + allowed):
                yield number, "include", (f"{file.top}/ must not include {name}; it may include: "
                                          + (", ".join(allowed) or "nothing of ours"))
            elif (file.path in public and name.startswith(file.top + "/") and name not in public):
                yield number, "include", f"a public header must not need {name}, which is internal"
            continue
        if name.startswith(tuple(folder + "/" for folder in OUR_FOLDERS)):
            yield number, "include", f'our own headers are included as "{name}"'
        yield from check_third_party(file, number, name, file.path in public)


def check_third_party(file, number, name, is_public):
    match = THIRD_PARTY.match(name)
    if not match or file.top not in LIBRARIES:
        return
    library = match.group(1)
    if library in HOMES and file.top not in HOMES[library]:
        yield number, "include", (f"<{name}> is known only in: "
                                  + ", ".join(HOMES[library] + ("cli", "tests", "bench")))
    elif is_public and file.top not in SHOWN_IN_HEADERS.get(library, ()):
        yield number, "include", f"<{name}> belongs in a .cpp: public headers show no library"


def check_test_names(file):
    """CTest's discovery splits a name at a semicolon: neither half would match a test case."""
    named = r'TEST_CASE(?:_METHOD)?\(\s*(?:\w+,\s*)?"((?:[^"\\]|\\.)*)"'
    for match in re.finditer(named, file.text):
        if ";" in match.group(1):
            yield (file.text.count("\n", 0, match.start()) + 1, "test-name",
                   "a semicolon in a test's name: CTest would not run it")


def check_sizes(file):
    for number, line in enumerate(file.lines, 1):
        # Stored bytes that a test quotes are not broken for the eye.
        quoted = file.top == "tests" and re.match(r'\s*([\w{(]*,? ?)?R?"', line)
        if len(line) > COLUMNS_MAX and not quoted:
            yield number, "line-length", f"{len(line)} columns, at most {COLUMNS_MAX}"
    if len(file.lines) > FILE_LINES_MAX:
        yield len(file.lines), "file-length", (f"{len(file.lines)} lines, at most {FILE_LINES_MAX}:"
                                               " split it by subject")


def opened_by(head, outside):
    """What a brace after `head`, the text since the last statement, opens."""
    if head.rstrip().endswith("="):
        return "block"
    if re.search(r"\bnamespace\b|\bextern\b", head):
        return "scope"
    if re.search(r"\b(class|struct|union|enum)\b[\s\w:\[\]]*(<[^(){}]*>)?\s*(:[^:].*)?$", head,
                 re.DOTALL):
        return "scope"
    return "function" if outside and "(" in head else "block"


def check_functions(file):
    """Finds functions by their braces: a body opens at namespace or class level, after a
    parenthesis. Lambdas and blocks count for the function around them."""
    code = re.sub(r"^[ \t]*#(\\\n|[^\n])*", lambda m: "\n" * m.group().count("\n"),
                  without_comments_and_strings(file.text), flags=re.MULTILINE)
    open_braces, head, line = [], "", 1
    for character in code:
        if character == "\n":
            line += 1
        if character == "{":
            outside = all(kind == "scope" for kind, _, _ in open_braces)
            open_braces.append((opened_by(head, outside), line, head))
            head = ""
        elif character == "}" and open_braces:
            kind, start, before = open_braces.pop()
            length = line - start + 1
            if kind == "function" and length > FUNCTION_LINES_MAX:
                yield start, "function-length", (f"{length} lines, at most {FUNCTION_LINES_MAX}:"
                                                 " give its parts names")
            # A member initialised with braces: the body of the constructor is still to come.
            head = before if kind == "function" and length == 1 else ""
        elif character == ";":
            head = ""
        else:
            head += character


def check_banned(file):
    code = without_comments_and_strings(file.text)
    rules = [(pattern, why) for pattern, where, why in BANNED if where is None or file.top in where]
    if file.suffix == ".hpp":
        rules += BANNED_IN_HEADERS
    for pattern, why in rules:
        for match in re.finditer(pattern, code, re.MULTILINE):
            found = " ".join(match.group().split())
            yield code.count("\n", 0, match.start()) + 1, "banned", f"`{found}`: {why}"


def check_header(file):
    if "#pragma once" not in file.lines:
        yield 1, "pragma-once", "a header starts with #pragma once"


def check_text(file):
    for number, line in enumerate(file.lines, 1):
        leftover = LEFTOVER.search(line)
        if leftover:
            yield number, "leftover", f"{leftover.group()}: do it, or write down why not"
        if MACHINE_PATH.search(line):
            yield number, "machine-path", "a path of one machine: use a relative one or $HOME"


def anchors(text):
    """The anchors that a Markdown file's headings get."""
    found = set()
    for heading in re.findall(r"^#+ +(.+?)\s*$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


def check_links(file, root):
    text = re.sub(r"^(```|~~~).*?^\1", lambda m: "\n" * m.group().count("\n"), file.text,
                  flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", "", text)
    for match in re.finditer(r"\]\(<?([^)\s>]+)>?[^)]*\)", text):
        target = match.group(1)
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        number = text.count("\n", 0, match.start()) + 1
        path, _, anchor = target.partition("#")
        base = root / path.lstrip("/") if path.startswith("/") else file.absolute.parent / path
        there = base if path else file.absolute
        if not there.exists():
            yield number, "link", f"{target} leads nowhere"
        elif anchor and there.suffix == ".md" and anchor not in anchors(there.read_text("utf-8")):
            yield number, "link", f"{path or file.path} has no heading #{anchor}"


def check_executable(file):
    must = file.top in ("script", ".ci") and file.suffix != ".md"
    executable = os.access(file.absolute, os.X_OK)
    if must and not file.is_script:
        yield 1, "script", "a script starts with #!"
    if (must or file.is_script) and not executable:
        yield 1, "script", "not executable: chmod +x"
    if executable and not file.is_script:
        yield 1, "script", "executable, but it does not start with #!"


def check_decisions(root):
    """docs/decisions/README.md is the index of the numbered pages beside it."""
    folder = root / "docs/decisions"
    index = folder / "README.md"
    listed = index.read_text("utf-8") if index.is_file() else ""
    numbers = {}
    for page in sorted(folder.glob("[0-9]*.md")):
        path = page.relative_to(root).as_posix()
        if f"]({page.name})" not in listed:
            yield path, 1, "decision", "not listed in docs/decisions/README.md"
        other = numbers.setdefault(page.name[:4], page.name)
        if other != page.name:
            yield path, 1, "decision", f"has the number of {other}"


def check_file(file, root):
    yield from check_text(file)
    yield from check_executable(file)
    if file.is_code:
        yield from check_sizes(file)
    if file.suffix in CPP:
        yield from check_includes(file, root)
        yield from check_functions(file)
        yield from check_banned(file)
        yield from check_test_names(file)
    if file.suffix == ".hpp":
        yield from check_header(file)
    if file.suffix == ".md":
        yield from check_links(file, root)


def check_tree(root):
    """Returns (number of files read, offences as (path, line, rule, reason))."""
    files, offences = 0, []
    for file in tree(root):
        files += 1
        offences += [(file.path, *offence) for offence in check_file(file, root)]
    offences += check_decisions(root)
    return files, offences


def main(arguments):
    root = Path(arguments[0] if arguments else Path(__file__).parents[2]).resolve()
    files, offences = check_tree(root)
    for path, line, rule, reason in offences:
        print(f"{path}:{line}: {rule}: {reason}")
    if files == 0:
        print(f"{root}: no file found")
        return 1
    print(f"{files} files, {len(offences)} offences")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
