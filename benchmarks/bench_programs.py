"""What capturing costs command line programs from PyPI: `python benchmarks/bench_programs.py [--json] [--quick]`.

docutils, markdown-it, pypdf and sqlglot work on documents of this repository and of the standard library, with every
function of theirs a target. Each run is a process of its own, measured by the processor time of all its threads, in
turn without capture, with the default budget, and with 100 % up to three captures of each function. Short programs are
the hard case: start-up, first captures and the last writing all count. `make bench` installs the programs.

The loop calls a function of two milliseconds whose argument is three thousand small dicts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from measure import Row, report

from snapagent.cli.launch import environment_for

ROUNDS = 3 if "--quick" in sys.argv else 7
ROOT = Path(__file__).resolve().parent.parent
MOST_TIMES, MOST_MORE = 1.10, 0.35  # of the bare run, and seconds besides
MOST_LOOP = 1.08
BARE, DEFAULT, ALL = "bare", "default budget", "100 %"
BUDGETS = {DEFAULT: "", ALL: "budget: 100%\ndefaults: {quota: 3}\n"}  # all calls would take minutes

PDF_MAKER = """
import sys
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject
font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
                         NameObject("/BaseFont"): NameObject("/Helvetica")})
fonts = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})})
lines = [line for line in open(sys.argv[1], encoding="ascii", errors="replace") if line.strip()]
writer = PdfWriter()
for number in range(0, min(len(lines), 600), 40):
    page = writer.add_blank_page(595, 842)
    content = "BT /F1 9 Tf 12 TL 40 800 Td\\n"
    for line in lines[number:number + 40]:
        shown = line.rstrip().replace("\\\\", "\\\\\\\\").replace("(", "\\\\(").replace(")", "\\\\)")
        content += f"({shown}) Tj T*\\n"
    stream = DecodedStreamObject()
    stream.set_data((content + "ET").encode("latin-1", "replace"))
    page[NameObject("/Contents")] = writer._add_object(stream)
    page[NameObject("/Resources")] = fonts
    writer.add_outline_item(f"page {number}", len(writer.pages) - 1)
writer.write("in.pdf")
"""
PDF_READER = """
import io
from pypdf import PdfReader, PdfWriter, Transformation
reader = PdfReader("in.pdf")
for page in reader.pages:
    print(len(page.extract_text()))
writer = PdfWriter()
for page in reader.pages:
    writer.add_page(page).rotate(90)
writer.pages[0].add_transformation(Transformation().scale(0.5))
writer.add_metadata({"/Title": "x"})
written = io.BytesIO()
writer.write(written)
print(len(PdfReader(written).outline))
"""
SQL = """
WITH t AS (SELECT a, b, SUM(c) OVER (PARTITION BY a ORDER BY b) AS s FROM x JOIN y USING (id)
           WHERE x.d > DATE '2024-01-01')
SELECT a, MAX(s) AS m FROM t WHERE a IN (SELECT a FROM z) GROUP BY a HAVING COUNT(*) > 1 ORDER BY m DESC LIMIT 10;
CREATE TABLE foo (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, created TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
INSERT INTO foo SELECT id, CASE WHEN n IS NULL THEN 'none' ELSE n || '!' END FROM bar;
"""
SQL_READER = """
from sqlglot import parse_one, transpile
from sqlglot.optimizer import optimize
text = open("in.sql").read()
for dialect in ("duckdb", "bigquery", "snowflake"):
    print(*transpile(text, write=dialect, pretty=True), sep="\\n")
print(optimize(parse_one("SELECT x.a, y.b FROM x JOIN y ON x.id = y.id WHERE x.a > 1 AND TRUE"),
               schema={"x": {"id": "int", "a": "int"}, "y": {"id": "int", "b": "int"}}).sql())
"""
LOOP_MODULE = """
import time
def work(rows):
    until = time.thread_time() + 0.002
    while time.thread_time() < until:
        pass
    return len(rows)
"""
LOOP = """
import time
import loop_module
rows = [{"id": number, "name": f"item {number}", "open": True} for number in range(3000)]
began = time.process_time()
for _ in range(600):
    loop_module.work(rows)
print(time.process_time() - began)
"""


class Program(NamedTuple):
    """A command line program and the pattern that makes all of its functions targets."""

    name: str
    pattern: str
    command: tuple[str, ...]


PROGRAMS = (
    Program("docutils", "docutils.**:**", ("-m", "docutils", "in.rst", "out.html")),
    Program("markdown-it", "markdown_it.**:**", ("-m", "markdown_it.cli.parse", "in.md")),
    Program("pypdf", "pypdf.**:**", ("reader.py",)),
    Program("sqlglot", "sqlglot.**:**", ("sql.py",)),
)


def prepare(folder: Path) -> None:
    """Write the documents that the programs read, and the small scripts that drive the libraries."""
    from importlib.metadata import metadata

    pages = sorted((ROOT / "docs").rglob("*.md"))
    (folder / "in.md").write_text("\n\n".join(page.read_text() for page in pages[:12]))
    described = metadata("docutils").get_payload() or metadata("docutils")["Description"]
    (folder / "in.rst").write_text(str(described))
    (folder / "in.sql").write_text(SQL)
    (folder / "reader.py").write_text(PDF_READER)
    (folder / "sql.py").write_text(SQL_READER)
    (folder / "loop_module.py").write_text(LOOP_MODULE)
    (folder / "loop.py").write_text(LOOP)
    subprocess.run([sys.executable, "-c", PDF_MAKER, str(ROOT / "README.md")], cwd=folder, check=True)


def environment(folder: Path, program: Program, budget: str, run: str) -> dict[str, str]:
    # Libraries are installed with their bytecode. Where none may be written, each run would compile them anew.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if budget == BARE:
        return environ
    config = folder / f"{run}.yaml"
    config.write_text(f"version: 1\ncapture_dir: {folder}/{run}\n{BUDGETS[budget]}targets: ['{program.pattern}']\n")
    return environment_for(environ, config=str(config), on=True)


def seconds(folder: Path, program: Program, budget: str, run: str) -> tuple[float, str]:
    """The processor time of one run, and what it printed."""
    with subprocess.Popen(
        [sys.executable, *program.command],
        cwd=folder,
        env=environment(folder, program, budget, run),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{program.name} with {budget} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, printed


def measured(folder: Path, program: Program) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {BARE: [], DEFAULT: [], ALL: []}
    expected = seconds(folder, program, BARE, "")[1]
    for number in range(ROUNDS):
        for budget in times:
            took, printed = seconds(folder, program, budget, f"{program.name}-{budget[:3].strip()}-{number}")
            if printed != expected:
                raise SystemExit(f"{program.name} printed something else with {budget}")
            times[budget].append(took)
    return times


def loop_row(folder: Path) -> Row:
    """The loop alone, without the start of the process."""
    program = Program("loop", "loop_module:*", ("loop.py",))
    times: dict[str, list[float]] = {BARE: [], DEFAULT: []}
    for number in range(ROUNDS):
        for budget, found in times.items():
            found.append(float(seconds(folder, program, budget, f"loop-{number}")[1]))
    bare, default = (statistics.median(times[budget]) for budget in (BARE, DEFAULT))
    detail = f"{default:.2f} s against {bare:.2f} s"
    return Row("a loop with a large argument, default budget", "bare", default / bare, MOST_LOOP, detail=detail)


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-programs-") as name:
        folder = Path(name)
        prepare(folder)
        for program in PROGRAMS:
            times = measured(folder, program)
            bare, default, everything = (statistics.median(times[budget]) for budget in (BARE, DEFAULT, ALL))
            most = MOST_TIMES * bare + MOST_MORE
            detail = f"{default:.2f} s, bare {bare:.2f} s, 100 % {everything:.2f} s"
            rows.append(
                Row(f"{program.name}, default budget", "1.10 x bare + 0.35 s", default / most, 1.0, detail=detail)
            )
        rows.append(loop_row(folder))
    report(rows)


if __name__ == "__main__":
    main()
