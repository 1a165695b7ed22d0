"""With the variable unset the application is the one that its authors wrote."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from deploys import EXAMPLE

LOOK = """
import sys
from types import FunctionType

import shop.app, shop.delivery, shop.orders, shop.pricing, shop.services, shop.views

for function in (
    shop.pricing.discount, shop.services.quote_basket, shop.delivery.estimate, vars(shop.orders.OrderService)["place"],
    vars(shop.orders.OrderService)["number"].__func__, vars(shop.orders.OrderService)["from_settings"].__func__,
):
    assert type(function) is FunctionType, function
assert shop.pricing.discount.__code__.co_filename == shop.pricing.__file__
assert shop.pricing.quote.__wrapped__.__code__.co_filename == shop.pricing.__file__
assert not hasattr(shop.pricing.discount, "__wrapped__")
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"wrapt", "dill", "yaml", "filelock", "rich"}, loaded  # Flask brings click
assert [finder for finder in sys.meta_path if "snapagent" in type(finder).__module__] == []
print("very own functions")
"""


@pytest.mark.parametrize("value", [None, "0", "", "off"])
def test_every_function_is_the_object_that_its_module_defined(value: str | None, tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(EXAMPLE)}
    if value is not None:
        environ["SNAPAGENT_CAPTURE_ENABLED"] = value
    done = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=EXAMPLE, env=environ, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "very own functions\n", "")


def test_the_application_does_not_mention_us() -> None:
    files = [path for folder in ("shop", "payments") for path in (EXAMPLE / folder).rglob("*") if path.suffix == ".py"]
    assert len(files) > 10
    assert [path.name for path in files if "snapagent" in path.read_text().lower()] == []
