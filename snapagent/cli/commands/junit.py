"""JUnit XML of replayed bundles, for CI systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree

from ..terminal.wording import printable, short_hash
from ..workers.pool import EQUAL, NOT_REPLAYABLE, Result


def to_xml(results: Sequence[Result], explain: dict[str, str], *, skip_unreplayable: bool) -> str:
    """One test case for each bundle; `explain` has the text of each failure by file name."""
    suite = ElementTree.Element("testsuite", name="snapagent replay", tests=str(len(results)))
    counts = {"failures": 0, "errors": 0, "skipped": 0}
    for result, name in zip(results, _names(results), strict=True):
        classname = printable(result.task.target.replace(":", "."))
        time = f"{result.seconds:.6f}"
        case = ElementTree.SubElement(suite, "testcase", classname=classname, name=name, time=time)
        if result.kind == EQUAL:
            continue
        tag = "failure"
        if result.kind == NOT_REPLAYABLE:
            tag = "skipped" if skip_unreplayable else "error"
        counts[{"failure": "failures", "error": "errors", "skipped": "skipped"}[tag]] += 1
        text = "\n".join(printable(line) for line in explain[result.task.name].splitlines())
        child = ElementTree.SubElement(case, tag, message=f"{result.kind}: {text.partition(chr(10))[0]}")
        child.text = text
    suite.attrib.update({name: str(number) for name, number in counts.items()})
    suite.set("time", f"{sum(result.seconds for result in results):.6f}")
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _names(results: Sequence[Result]) -> list[str]:
    """As the test ids of pytest: `3fa9c1d2-returned`, twins with -2, -3 in time order, in which results come."""
    seen: Counter[tuple[str, str]] = Counter()
    names = []
    for result in results:
        name = f"{short_hash(result.task.hash)}-{result.task.outcome}"
        seen[result.task.target, name] += 1
        number = seen[result.task.target, name]
        names.append(name if number == 1 else f"{name}-{number}")
    return names
