"""A folder with a small shop whose calls were captured: what the pictures and the examples of `--json` are made of.

The capturing is real: `snapagent run` runs the shop. What differs from run to run and from machine to machine (times,
tokens, durations, versions) is then replaced by facts that are always the same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from snapagent.bundle import HOST, PROCESS_START, REVISION, Header
from snapagent.config.reading import load_config
from snapagent.config.settings import Settings
from snapagent.config.targets import Target
from snapagent.store import Counts, Store
from snapagent.store.layout import stamp
from snapagent.store.processes import ProcessStatus, remove_status, write_status

MORNING = 1_740_908_048.123456  # 2025-03-02, so long ago that `list` shows the date
TOKEN = "a41f9c"
PLACE = "/srv/shop"  # what is shown for the folder, which lies elsewhere
_PATH_LENGTH = 48  # of that folder, since tracebacks in bundles are longer where it is
_KEY = "a key of the documentation"
_ATTEMPTS = 10

FILES = {
    "shop/__init__.py": "",
    "shop/errors.py": '''\
class UnknownCoupon(Exception):
    """Nobody has given this one out."""
''',
    "shop/pricing.py": """\
from shop.errors import UnknownCoupon

VAT = 0.19
COUPONS = {"WELCOME": 0.9}


def quote(rows, currency="EUR", coupon=None, api_token=None, catalog=None):
    if coupon is not None and coupon not in COUPONS:
        raise UnknownCoupon(coupon)
    net = sum(row["amount"] * row["price"] for row in rows) * COUPONS.get(coupon, 1)
    terms = "payable within 14 days" + (f", less coupon {coupon}" if coupon else "")
    return {"net": round(net, 2), "vat": round(net * VAT, 2), "currency": currency, "terms": terms}
""",
    "shop/storage.py": """\
STOCK = {"tea-100": 12, "cup-1": 3}


def find_product(sku):
    return {"sku": sku, "stock": STOCK[sku]}
""",
    "shop/mail.py": """\
import smtplib

HOST = None


def send(to, text):
    if HOST is not None:
        smtplib.SMTP(HOST).sendmail("shop@example.org", to, text)
""",
    "shop/orders.py": """\
from shop import mail, pricing


class OrderService:
    def __init__(self, session):
        self.session = session

    def place(self, rows, payment):
        order = {"number": 1042, "total": pricing.quote(rows)["net"], "payment": payment}
        self.session.write(f"{self.session.name}: {order}")
        mail.send("ann@example.org", "Thank you")
        return order
""",
    "shop/__main__.py": """\
import os

from shop.errors import UnknownCoupon
from shop.orders import OrderService
from shop.pricing import quote
from shop.storage import find_product

tea, cup = {"sku": "tea-100", "amount": 2, "price": 4.5}, {"sku": "cup-1", "amount": 1, "price": 12.0}
catalog = {"tea-100": 4.5, "cup-1": 12.0}
for number in range(40):
    find_product(("tea-100", "cup-1")[number % 2])
for request in (
    {"rows": [tea, cup]},
    {"rows": [tea], "coupon": "SPRING"},
    {"rows": [tea, {**cup, "amount": 2}], "coupon": "WELCOME"},
):
    try:
        print("quoted", quote(**request, api_token="tk-2f91", catalog=catalog)["net"])
    except UnknownCoupon as error:
        print("there is no coupon", error)
with open(os.devnull, "w") as session:
    print("placed", OrderService(session).place([tea], "card")["number"])
""",
    "snapagent.yaml": """\
version: 1
budget: 100%
targets:
  - target: shop.storage:find_product
    quota: 2
  - target: shop.pricing:quote
    keep: 3
    exclude: [catalog]
  - shop.orders:OrderService.place
""",
    "wrong.yaml": """\
version: 1
capture_dri: captures
budget: 2 percent
targets:
  - target: shop.pricing:quote
    keep: two
""",
    "near.yaml": """\
version: 1
targets:
  - shop.pricing:qoute
  - shop.orders:OrderService
  - shop.prices:quote
  - time:sleep
  - shop.*:*
""",
    "lean.yaml": """\
version: 1
defaults:
  keep: 1
targets: ["shop.**:**"]
""",
}


def folder_in(parent: Path) -> Path:
    """A folder of the shop with `captures` as one run left them."""
    folder = parent / "s".ljust(max(_PATH_LENGTH - len(str(parent.resolve())) - 1, 1), "-")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    source = _captured(folder)
    _settle(source, Store(folder / "captures"), folder)
    shutil.rmtree(source.base_path)
    return folder


def _captured(folder: Path) -> Store:
    """The captures of a run, signed with the key that its pseudonyms are made of.

    A capture that takes long because the machine is busy closes its function for a while, as it shall: then it is run
    once more.
    """
    for _ in range(_ATTEMPTS):
        run = subprocess.run(
            [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "-m", "shop"],
            cwd=folder, env=plain_environment() | {"SNAPAGENT_KEY": _KEY}, capture_output=True, text=True,
        )  # fmt: skip
        if run.returncode:
            raise RuntimeError(run.stdout + run.stderr)
        (folder / "run.txt").write_text(run.stdout + run.stderr, "utf-8")
        (folder / "captures").rename(folder / "as-captured")
        store = Store(folder / "as-captured", trust="any")
        indexes = [store.index(found.name) for found in store.functions()]
        if len(indexes) == 3 and all(set(index.skipped) <= {"quota_met"} and not index.failed for index in indexes):
            return store
        shutil.rmtree(store.base_path)
    raise RuntimeError(f"calls were left out in each of {_ATTEMPTS} runs")


def plain_environment() -> dict[str, str]:
    """The environment without what would change a capture."""
    plain = {name: text for name, text in os.environ.items() if not name.startswith(("SNAP", "SIDE_", "PYTEST"))}
    return plain | {"PYTHONDONTWRITEBYTECODE": "1"}  # the shop's files change within a second


def _settle(source: Store, to: Store, folder: Path) -> None:
    """The same bundles and counts, one call a second, the first one pinned in its function."""
    rules = load_config(str(folder / "snapagent.yaml")).target_set()
    names = [found.target for found in source.functions() if found.target is not None]
    entries = sorted((entry.when, int(entry.counter), name, entry) for name in names for entry in source.entries(name))
    for number, (_, _, name, entry) in enumerate(entries, 1):
        bundle = source.read(entry)
        when = MORNING + number
        header = _settled(bundle.header, when, number, str(folder.resolve()))
        to.publish(name, header, bundle.payload, when=when, token=TOKEN, counter=number)
    for name in names:
        index = source.index(name)
        settings = rules.rule_for(Target.parse(name)) or Settings()
        to.update(name, Counts(index.calls, index.captured, index.skipped, index.failed), settings, last=True)
    to.pin(to.entries("shop.pricing:quote")[0])


def _settled(header: Header, when: float, number: int, path: str) -> Header:
    text = stamp(when)
    timestamp = f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[9:11]}:{text[11:13]}:{text[13:-1]}+00:00"
    tree = {name: _tree(node, path) for name, node in header.tree.items()}
    origin = {name: fact for name, fact in header.origin.items() if name not in (HOST, PROCESS_START, REVISION)}
    return header.replace(
        timestamp=timestamp, duration=0.0004 * number, tree=tree, packages={}, origin=origin,
        python="3.11.7", implementation="CPython", platform="linux",
    )  # fmt: skip


def _tree(node: Any, path: str) -> Any:
    """A preview without the folder's path; a long one may have been cut within it, so only the first frame stays."""
    if not isinstance(node, Mapping):
        return node
    text = re.sub(r"\\nFile .*", "'", str(node["text"])).replace(path, PLACE)
    below = [_tree(child, path) for child in node.get("children", ())]
    return {**node, "text": text, **({"children": below} if below else {})}


@contextmanager
def running() -> Iterator[None]:
    """A process that captures now."""
    now = time.time()
    elsewhere = ProcessStatus(  # of another machine, so that it needs no process id that is somebody's here
        pid=4242, host="staging-1", program="python -m shop", python="3.11.7", started=now - 60,
        told=now, wrapped=3, called=3, paused=False, spent=0.42, share=0.02,
        closed={"shop.storage:find_product": "quota_met"},
        unreachable={"shop.jobs:report": "its module is the program that was started"},
    )  # fmt: skip
    write_status(os.path.abspath("captures"), "0" * 6, elsewhere)
    yield
    remove_status(os.path.abspath("captures"), "0" * 6)


@contextmanager
def other_tax() -> Iterator[None]:
    """The shop's code has changed since the capture."""
    file = Path("shop/pricing.py")
    before = file.read_text("utf-8")
    file.write_text(before.replace("0.19", "0.21"), "utf-8")
    yield
    file.write_text(before, "utf-8")


@contextmanager
def torn() -> Iterator[None]:
    """A copy of the store with a file that is not whole."""
    shutil.copytree("captures", "torn")
    victim = next(Path("torn", "shop.pricing.quote").glob("*.pkl"))
    victim.write_bytes(victim.read_bytes()[:-20])
    yield
    shutil.rmtree("torn")
