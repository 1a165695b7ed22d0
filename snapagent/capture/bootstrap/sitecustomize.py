"""Run by `site` in programs started by `snapagent run`, whose PYTHONPATH begins with this folder.

Switches capture on if the environment says so, then runs the `sitecustomize` that this one hides, as if it had been
found first. Knows nothing of where snapagent is installed: an interpreter that does not have it goes on without.
"""

import os
import sys


def _switch_capture_on() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - an older interpreter, which only inherited PYTHONPATH
        return
    try:
        from snapagent.capture.activation import install
    except ImportError:  # another interpreter, which only inherited PYTHONPATH
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
