"""`docs/reference/json.md` names each field that `--json` prints, and no other."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from snapagent.bundle import Part
from snapagent.cli import main
from snapagent.cli.group import COMMAND_FILES
from snapagent.config.settings import DEFAULT_SETTINGS
from snapagent.dependencies.tape import Summary
from snapagent.sealing.hashing.canonical import Canonical
from snapagent.sealing.preview_tree import previews
from snapagent.store import Counts, Store

DOCS = Path(__file__).parents[2] / "docs"
QUOTE, PRODUCT, PLACE = "shop.pricing.quote", "shop.storage.find_product", "shop.orders.OrderService.place"
OBJECTS = "file://{folder}/objects"  # an object store that is a folder
WITHOUT = {"init", "run", "new-test", "completion", "view", "report"}  # they print no data
RUNS: dict[str, list[str]] = {
    "check": ["check", "check wrong.yaml", "check near.yaml", "check asks.yaml"],
    "enable": ["enable"],
    "disable": ["disable"],
    "pause": ["pause"],
    "resume": ["resume"],
    "list": ["list"],
    "list TARGET": [f"list {QUOTE}", f"list {PRODUCT} --captures-dir torn"],
    "show": [f"show {QUOTE}", f"show {QUOTE} 90eb --load", f"show {PRODUCT}"],
    "diff": [f"diff {QUOTE}"],
    "status": ["status --config near.yaml", "status --captures-dir none --config wrong.yaml"],
    "why": [f"why {PLACE}"],
    "stats": ["stats"],
    "export": ["export", "export --captures-dir torn"],
    "replay": [f"replay {QUOTE} -j 1", "replay --captures-dir noisy -j 1 --twice --ignore result.nothing"],
    "facsimile": [f"facsimile {PLACE}"],
    "promote": [f"promote {QUOTE} --cover --to promoted --config redact.yaml"],
    "clear": ["clear --dry-run", f"clear {PLACE} --yes"],
    "prune": ["prune --dry-run --config lean.yaml"],
    "pin": [f"pin {QUOTE}"],
    "unpin": [f"unpin {QUOTE}"],
    "verify": ["verify --captures-dir torn"],
    "keygen": ["keygen", "keygen -o shop.key"],
    "push": [f"push {OBJECTS} --unsigned", f"push {OBJECTS}-signed"],
    "pull": [f"pull {OBJECTS} {QUOTE} --to pulled", f"pull {OBJECTS} {QUOTE} --to pulled --max-pages 1 --keep 99"],
    "list URL": [f"list {OBJECTS}"],
    "list URL TARGET": [f"list {OBJECTS} {QUOTE}"],
    "show URL": [f"show {OBJECTS} {PRODUCT}", f"show {OBJECTS} {PLACE}"],
    "diff URL": [f"diff {OBJECTS} {QUOTE}"],
    "prune URL": [f"prune {OBJECTS}-old {QUOTE} --keep 0 --dry-run"],
}
KINDS: dict[str, Callable[[object], bool]] = {
    "text": lambda value: isinstance(value, str),
    "true or false": lambda value: isinstance(value, bool),
    "whole number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "null": lambda value: value is None,
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "node": lambda value: isinstance(value, dict),
}


def run(words: Sequence[str]) -> Result:
    """The command line in this process, stdout and stderr apart, as click has them by itself from 8.2 on."""
    apart = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(**apart).invoke(main, list(words))


def sections() -> dict[str, str]:
    """Heading -> text."""
    parts = re.split(r"^## (.*)\n", (DOCS / "reference" / "json.md").read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def documented(heading: str) -> dict[str, str]:
    """Path -> type, with the fields of a header where the section says that they belong to it."""
    text = sections()[heading]
    own = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", text, re.MULTILINE))
    if "(#a-header)" in text:
        prefix = "[]." if "behind `[].`" in text else ""
        own |= {prefix + path: kind for path, kind in documented("A header").items()}
    return own


class Reader:
    """Walks what was printed; remembers which fields it met, and what is not as the page says."""

    def __init__(self, fields: dict[str, str], nodes: dict[str, str]) -> None:
        self._fields = fields
        self._nodes = nodes
        self.seen: set[str] = set()
        self.wrong: list[str] = []

    def read(self, value: Any, path: str = "") -> None:
        kind = self._fields.get(path, "object" if path.endswith("[]") else "list or object" if not path else "")
        self._check(value, path, kind)
        if kind == "node":
            self._read_node(value)
        elif isinstance(value, dict):
            names = dict.fromkeys(value, "*") if f"{path}.*".strip(".") in self._fields else {key: key for key in value}
            for key, name in names.items():
                self.read(value[key], f"{path}.{name}".strip("."))
        elif isinstance(value, list):
            for item in value:
                self.read(item, f"{path}[]")

    def _read_node(self, node: dict[str, Any]) -> None:
        for name, value in node.items():
            self.seen.add(f"a node's {name}")
            if name not in self._nodes or not KINDS[self._nodes[name]](value):
                self.wrong.append(f"a node's {name}: {value!r}")
        for child in node.get("children", ()):
            self._read_node(child)

    def _check(self, value: object, path: str, kind: str) -> None:
        self.seen.add(path)
        if not kind:
            self.wrong.append(f"{path} is not documented: {value!r}")
        elif not any(KINDS[one](value) for one in ([kind] if kind in KINDS else kind.split(" or "))):
            self.wrong.append(f"{path} is documented as {kind}: {value!r}")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The sample shop with something of everything: bundles of all kinds, failures, a torn store, a running process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(DOCS))
        import sample

        for name in [name for name in os.environ if name.startswith(("SNAP", "SIDE_"))]:
            patched.delenv(name)
        patched.setenv("PYTHONDONTWRITEBYTECODE", "1")  # the shop's files change within a second
        folder = sample.folder_in(tmp_path_factory.mktemp("json"))
        patched.chdir(folder)
        patched.setattr("snapagent.cli.launch.pth_path", lambda: str(folder / "here.pth"))
        patched.setattr("snapagent.cli.commands.switch.pth_path", lambda: str(folder / "here.pth"))
        (folder / "redact.yaml").write_text("version: 1\ndefaults: {redact: [currency]}\ntargets: []\n")
        (folder / "asks.yaml").write_text("version: 1\ndependencies: [sqlite3, 'shop.pricing:qoute']\n")
        _add_oddities(Store(folder / "captures"))
        _add_noise(Store(folder / "noisy"), Store(folder / "captures"))
        _push(folder)
        with sample.torn(), sample.running(), sample.other_tax():
            next(Path("torn", PRODUCT).glob("*.pkl")).write_bytes(b"no bundle")
            yield folder
        sys.modules.pop("sample", None)


def _push(folder: Path) -> None:
    """To an object store, and to one of long ago; the last run leaves something behind and sets something aside."""
    for name in ("objects", "objects-old"):
        run(["push", f"file://{folder}/{name}", "--unsigned"])
    for path in (folder / "objects-old").rglob("*.pkl"):
        os.utime(path, (1e9, 1e9))
    run(["push", f"file://{folder}/objects"])


def _add_oddities(store: Store) -> None:
    """A bundle whose header has what the shop's have not, and a failed capture."""
    entry = store.newest("shop.storage:find_product")
    bundle = store.read(entry)
    header = bundle.header.replace(
        packages={"attrs": "23.2.0"},
        by_value=("shop.storage.<lambda>",),
        opaque=("sku",),
        accepted={"time": bundle.header.timestamp, "by": "snapagent replay --accept (0.1.0)", "seconds": 0.004},
        effects=Summary(1, dependencies={"sqlite3": (1, 0)}, previews=({"dependency": "sqlite3"},)).as_dict(),
        tree=previews({"sku": list(range(50))}, Canonical())[1],
    )
    store.publish("shop.storage:find_product", header, bundle.payload, when=entry.when + 1)
    keep_all = DEFAULT_SETTINGS.replace(keep=float("inf"))
    store.update("shop.storage:find_product", Counts(2, 1, {}, {"disk_full": 1}), keep_all, last=True)


def _add_noise(noisy: Store, store: Store) -> None:
    """A bundle whose function returns something else at each call."""
    header = store.header(store.newest("shop.storage:find_product"))
    payload = {"call": pickle.dumps((None, (), {})), "outcome": pickle.dumps(0.5)}
    parts = tuple(Part(name, "pickle", "none", len(data), len(data)) for name, data in payload.items())
    own = header.replace(target="random:random", parameters=(), parts=parts, effects={}, by_value=(), format=1)
    noisy.publish("random:random", own, payload, when=1.8e9)


@pytest.mark.parametrize("heading", RUNS)
def test_each_field_is_on_the_page_and_each_on_the_page_is_printed(heading: str, shop: Path) -> None:
    fields = documented(f"snapagent {heading}")
    reader = Reader(fields, documented("A node"))
    for command in RUNS[heading]:
        done = run([*command.format(folder=shop).split(), "--json"])
        reader.read(json.loads(done.stdout))

    assert not reader.wrong
    assert sorted(set(fields) - reader.seen) == []
    assert done.stdout.isascii()


def test_a_node_has_the_documented_fields_and_no_other(shop: Path) -> None:
    nodes = documented("A node")
    reader = Reader(documented("snapagent show"), nodes)
    for bundle in ("", "90eb"):
        reader.read(json.loads(run(f"show {QUOTE} {bundle} --json".split()).stdout))
    reader.read(json.loads(run(["show", PRODUCT, "--json"]).stdout))

    assert not reader.wrong
    assert {f"a node's {name}" for name in nodes if "[]" not in name} <= reader.seen


def test_every_command_that_prints_data_takes_json_and_is_on_the_page() -> None:
    have = {name for name in COMMAND_FILES if any(p.name == "as_json" for p in main.get_command(None, name).params)}

    assert have == set(COMMAND_FILES) - WITHOUT
    assert {heading.split()[1] for heading in sections() if heading.startswith("snapagent ")} == have
    assert {f"snapagent {heading}" for heading in RUNS} == {h for h in sections() if h.startswith("snapagent ")}


@pytest.mark.parametrize(
    "command", ["show shop.price", f"show {QUOTE} zz", "list nothing", "clear", "check none.yaml", "replay nothing"]
)
def test_errors_with_json_are_words_on_stderr(command: str, shop: Path) -> None:
    done = run([*command.split(), "--json"])

    assert done.exit_code in (1, 2)
    assert done.stderr or json.loads(done.stdout)["problems"]
    assert not done.stderr or not done.stdout
