# ruff: noqa: SIM115
"""Files and folders that are read. Each function is a target; `main` calls them."""

import glob
import json
import os
import pathlib


def probes(d):
    p = pathlib.Path(d)
    return (
        os.path.exists(d),
        os.path.isdir(d),
        (p / "a.txt").exists(),
        (p / "no").exists(),
        os.path.getsize(p / "a.txt"),
        (p / "a.txt").stat().st_size,
        os.path.isfile(p / "sub"),
    )


def listing(d):
    return sorted(os.listdir(d)), sorted(x.name for x in pathlib.Path(d).iterdir())


def scan(d):
    with os.scandir(d) as it:
        return sorted(
            (e.name, e.is_dir(), e.is_file(), e.stat().st_size, os.fspath(e) == os.path.join(d, e.name))
            for e in it
            if e.name != "sub"
        )


def walk(d):
    return sorted((os.path.basename(a), sorted(b), sorted(c)) for a, b, c in os.walk(d))


def globs(d):
    return (
        sorted(os.path.basename(x) for x in glob.glob(d + "/*.txt")),
        sorted(x.name for x in pathlib.Path(d).glob("**/*.txt")),
        sorted(x.name for x in pathlib.Path(d).rglob("*.json")),
    )


def reads(d):
    p = pathlib.Path(d)
    return p.joinpath("a.txt").read_text(), p.joinpath("a.txt").read_bytes(), json.load(open(p / "sub" / "c.json"))


def missing(d):
    try:
        os.listdir(d + "/nope")
    except FileNotFoundError as e:
        a = e.errno
    try:
        open(d + "/nope")
    except OSError as e:
        return a, e.errno, e.filename.endswith("nope")


def lines(d):
    return [line.strip() for line in open(os.path.join(d, "a.txt"), encoding="utf-8")]


def beside():
    return open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "a.txt")).read(), os.path.exists(
        os.path.dirname(os.path.abspath(__file__)) + "/data"
    )


def link(d):
    return os.path.islink(d + "/ln"), os.path.lexists(d + "/ln"), os.path.exists(d + "/ln")


def nested(d):
    return reads(d)[0]


def main(d):
    os.makedirs(d + "/sub")
    open(d + "/a.txt", "w").write("one\ntwo\n")
    open(d + "/sub/c.json", "w").write("[1]")
    open(d + "/sub/d.txt", "w").write("x")
    os.symlink("a.txt", d + "/ln")
    for f in (probes, listing, scan, walk, globs, reads, missing, lines, link, nested):
        f(d)
    beside()
