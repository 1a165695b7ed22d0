"""Run by `site` in programs started by `snapagent run`, which puts this folder first on PYTHONPATH.

Switches capture on if the environment says so, then runs the `sitecustomize` that this one hides. Another interpreter
may inherit PYTHONPATH without having snapagent: there only the hidden one runs.
"""

import os
import sys


def _switch_capture_on() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - an older interpreter, which inherited PYTHONPATH
        return
    try:
        from snapagent.capture.activation import install
    except ImportError:  # another interpreter, which inherited PYTHONPATH
        return
    install()


def _run_the_hidden_one() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_variable = os.environ.get("SNAPAGENT_CAPTURE_ENABLED") or os.environ.get("SNAPY_CAPTURE_ENABLED") or ""
if _variable.strip().lower() in ("1", "true", "yes", "on"):
    _switch_capture_on()
_run_the_hidden_one()
