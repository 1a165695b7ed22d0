"""JUnit XML of replayed bundles, for CI systems."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from .replaying import EQUAL, NOT_REPLAYABLE, Result
from .wording import printable, short_hash


def to_xml(results: Sequence[Result], explain: dict[str, str], *, skip_unreplayable: bool) -> str:
    """One test case for each bundle; `explain` has the text of each failure by file name."""
    suite = ElementTree.Element("testsuite", name="snapagent replay", tests=str(len(results)))
    counts = {"failures": 0, "errors": 0, "skipped": 0}
    for result in results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=printable(result.task.target.replace(":", ".")),
            name=f"{short_hash(result.task.hash)}-{result.task.outcome}",
            time=f"{result.seconds:.6f}",
        )
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
