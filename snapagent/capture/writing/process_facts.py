"""Which process captured a call: its host, its start, and the revision of the program that was deployed."""

from __future__ import annotations

import os

from ...bundle import HOST, PROCESS_START, REVISION
from ...config.environment import REVISION as REVISION_VARIABLE
from ...core.clock import time
from ...sealing.header import timestamp

_LONGEST = 200  # characters of a value
_TICKS_AT = 19  # of the fields of /proc/self/stat behind the command: the start, in ticks after the boot

# What platforms and build services set, those that name a commit first. From their own documentation.
DEPLOY_VARIABLES = (
    "HEROKU_BUILD_COMMIT",  # Heroku, dyno metadata
    "HEROKU_SLUG_COMMIT",  # the same, its older name
    "SOURCE_VERSION",  # Heroku, while it builds
    "RENDER_GIT_COMMIT",
    "RAILWAY_GIT_COMMIT_SHA",
    "KOYEB_GIT_SHA",
    "VERCEL_GIT_COMMIT_SHA",
    "CF_PAGES_COMMIT_SHA",  # Cloudflare Pages
    "COMMIT_REF",  # Netlify
    "GIT_COMMIT",  # Jenkins, and many images
    "GITHUB_SHA",
    "CI_COMMIT_SHA",  # GitLab
    "CIRCLE_SHA1",
    "BITBUCKET_COMMIT",
    "BUILDKITE_COMMIT",
    "TRAVIS_COMMIT",
    "DRONE_COMMIT_SHA",
    "BUILD_SOURCEVERSION",  # Azure Pipelines
    "CODEBUILD_RESOLVED_SOURCE_VERSION",  # AWS CodeBuild
    "SENTRY_RELEASE",
    "DD_VERSION",  # Datadog
    "K_REVISION",  # Cloud Run and Knative
    "CONTAINER_APP_REVISION",  # Azure Container Apps
    "GAE_VERSION",  # App Engine
    "AWS_LAMBDA_FUNCTION_VERSION",
    "FLY_IMAGE_REF",
)
_UNNAMED = frozenset({"$LATEST", "unknown", "HEAD"})  # values that name no revision


class ProcessFacts:
    """The facts about this process; those of a forked child are its own."""

    def __init__(self) -> None:
        self._pid = -1
        self._known: dict[str, object] = {}

    def get(self) -> dict[str, object]:
        """The facts that are known, by the keys of `Header.origin`."""
        pid = os.getpid()
        if pid != self._pid:
            found = {HOST: _bounded(os.uname().nodename), PROCESS_START: _started(), REVISION: revision()}
            self._known = {name: value for name, value in found.items() if value}
            self._pid = pid
        return self._known


def revision() -> str:
    """The revision of the program as the deploy names it, or an empty text."""
    own = os.environ.get(REVISION_VARIABLE)
    if own is not None:  # also an empty one: then nothing is noted
        return _bounded(own)
    values = (_bounded(os.environ.get(name, "")) for name in DEPLOY_VARIABLES)
    return next((value for value in values if value and value not in _UNNAMED), "")


def _bounded(text: str) -> str:
    return text.strip()[:_LONGEST]


def _started() -> str:
    """When this process began, UTC, ISO 8601 to the second; empty where the system does not tell."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[_TICKS_AT])
        with open("/proc/uptime", "rb") as file:
            uptime = float(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return ""
    age = uptime - ticks / os.sysconf("SC_CLK_TCK")
    return timestamp(round(time() - age))
