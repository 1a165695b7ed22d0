"""Run by `site` in programs that `snapagent init --watch` starts.

Starts the counting, then hands over to the `sitecustomize` of `snapagent run`, which stands next on PYTHONPATH. That
one captures nothing here, and runs the program's own `sitecustomize`.
"""

import os
import sys


def _watch() -> None:
    folder = os.environ.get("SNAPAGENT_WATCH")
    if not folder or sys.version_info < (3, 11):
        return
    try:
        from snapagent.capture.watching.start import start
    except ImportError:  # another interpreter, which inherited PYTHONPATH
        return
    start(folder)


_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != _here]
_watch()
del sys.modules["sitecustomize"]
__import__("sitecustomize")  # the next one on the path
