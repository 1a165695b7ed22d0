"""`snapagent pull`: the newest calls of a whole fleet, from an object store into a folder of captures."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ...config.units import format_size, parse_duration
from ..app import App, json_option, pass_app, store_options
from ..group import PROBLEM
from ..remote import fitting_folders, opened_source, remote_failures
from ..terminal.table import Column
from ..terminal.wording import counted, shown_path
from .retention import explaining_failures

if TYPE_CHECKING:
    from ...remote.pull import Pull, Pulled, PullOptions
    from ...remote.sources import Source

_SHOWN = 10  # refused objects that are named one by one


@click.command("pull")
@click.argument("words", nargs=-1, metavar="[URL] [GLOB]")
@click.option("--keep", default="2", metavar="N", show_default=True, help="Different calls per function; .inf: all.")
@click.option("--novel", is_flag=True, help="Of those only calls that the folder does not have yet.")
@click.option("--since", metavar="TIME", help="Only calls since then: 2h, 7d, or 2026-11-22T09:00.")
@click.option("--to", "to", metavar="DIR", help="The folder to pull into. [default: the folder of the captures]")
@click.option("--dry-run", is_flag=True, help="Show what would be pulled, by what the keys say.")
@click.option(
    "--max-pages",
    type=click.IntRange(min=1),
    default=5,
    metavar="N",
    show_default=True,
    help="Pages of 1,000 keys to look through per function.",
)
@click.option(
    "--trust",
    type=click.Choice(["signed", "any"]),
    default="signed",
    show_default=True,
    help="any: also what is not signed with one of your keys. Loading a bundle runs code.",
)
@json_option
@store_options
@pass_app
def pull_command(
    app: App,
    words: Sequence[str],
    keep: str,
    novel: bool,
    since: str | None,
    to: str | None,
    dry_run: bool,
    max_pages: int,
    trust: str,
    as_json: bool,
) -> None:
    """Download the newest captured calls of a fleet.

    Of each function that GLOB matches, the newest different calls by outcome kind and argument hash, and the newest
    of each outcome kind that they lack. Each is checked before it is there: digest, key, and the signature by
    SNAPAGENT_KEY. URL is as for push; SNAPAGENT_REMOTE without it. file:///FOLDER also reads the capture folders of
    pods on a shared file system. Exits 1 when something was refused (the rest is pulled), 2 when the URL, the
    credentials or the bucket are wrong.

    \b
    Needs an extra:
      pip install 'snapagent[remote]'

    \b
    Examples:
      snapagent pull s3://captures/staging
      snapagent pull s3://captures/staging 'shop.**:**' --keep 5 --since 7d
    """
    from ...config.environment import signing_keys
    from ...remote.pull import Pull

    url, glob = _url_and_glob(words)
    options = _options(keep, novel, since, max_pages, trust, dry_run)
    base_path = os.path.abspath(os.path.expanduser(to)) if to else app.base_path
    with remote_failures(), explaining_failures():
        source = opened_source(url)
        pull = Pull(source, base_path, signing_keys(os.environ), options)
        known = pull.folders()
        chosen = fitting_folders(known, glob, str(source.url)) if known or glob else []
        results: list[Pulled] = []
        with app.out.progress.during("pulled functions", len(chosen)) as activity:

            def done() -> None:
                activity.done += 1

            for pulled in pull.run(chosen, done):
                results.append(pulled)
    _report(app, source, pull, sorted(results, key=lambda one: (one.folder, one.name)), dry_run, as_json)


def _url_and_glob(words: Sequence[str]) -> tuple[str | None, str | None]:
    from ...remote.urls import is_url

    urls = [word for word in words if is_url(word)]
    globs = [word for word in words if not is_url(word)]
    if len(urls) > 1 or len(globs) > 1 or (urls and words[0] != urls[0]):
        raise click.UsageError("One URL and one GLOB at most, in this order.")
    return next(iter(urls), None), next(iter(globs), None)


def _options(keep: str, novel: bool, since: str | None, max_pages: int, trust: str, dry_run: bool) -> PullOptions:
    from ...remote.pull import PullOptions
    from ...remote.select import Wanted

    wanted = Wanted(keep=parse_keep(keep, "--keep"), since=_moment(since), max_pages=max_pages)
    return PullOptions(wanted=wanted, signed=trust != "any", novel=novel, dry_run=dry_run)


def parse_keep(text: str, option: str) -> float:
    """A number of bundles, or `.inf`."""
    if text.strip().lower() in (".inf", "inf"):
        return math.inf
    if not text.strip().isdecimal():
        raise click.BadParameter(f"a number or .inf is wanted, not {text!r}", param_hint=option)
    return int(text)


def _moment(text: str | None) -> float:
    """Seconds since the epoch, from an age or a time; a time without a zone is in the reader's own."""
    if text is None:
        return 0.0
    try:
        return time.time() - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        wanted = "an age such as 2h or 7d, or a time such as 2026-11-22T09:00"
        raise click.BadParameter(f"{wanted} is wanted, not {text!r}", param_hint="--since") from None
    return (moment if moment.tzinfo is not None else moment.astimezone()).astimezone(UTC).timestamp()


def _report(app: App, source: Source, pull: Pull, results: Sequence[Pulled], dry_run: bool, as_json: bool) -> None:
    numbers = Counter(one.result for one in results)
    refused = [one for one in results if one.result == "refused"]
    if as_json:
        app.out.json(_as_json(source, results, numbers, pull.cut, dry_run))
    else:
        _print(app, source, results, numbers, dry_run)
        for folder in sorted(pull.cut):
            app.out.note(f"{folder} has more objects than were looked through; --max-pages looks further")
    if refused:
        raise click.exceptions.Exit(PROBLEM)


def _as_json(
    source: Source, results: Sequence[Pulled], numbers: Counter[str], cut: Sequence[str], dry_run: bool
) -> dict[str, Any]:
    return {
        "url": str(source.url),
        "dry_run": dry_run,
        **{result: numbers[result] for result in ("landed", "present", "known", "refused", "gone", "would_land")},
        "bundles": [one.as_dict() for one in results],
        "cut": sorted(cut),
        "traffic": source.traffic.as_dict(),
    }


def _print(app: App, source: Source, results: Sequence[Pulled], numbers: Counter[str], dry_run: bool) -> None:
    shown = "would_land" if dry_run else "landed"
    by_function: Counter[str] = Counter(one.folder for one in results if one.result == shown)
    columns = (Column("FUNCTION", style="bold", shrinks=1), Column("WOULD PULL" if dry_run else "PULLED", right=True))
    app.out.table(columns, [(folder, f"{number:,}") for folder, number in sorted(by_function.items())])
    refused = [one for one in results if one.result == "refused"]
    for one in refused[:_SHOWN]:
        app.out.note(f"refused: {one.folder}/{one.name}: {one.reason}")
    if len(refused) > _SHOWN:
        app.out.note(f"... and {len(refused) - _SHOWN} more; --json lists them")
    size = format_size(sum(one.size for one in results if one.result == shown))
    words = [f"{counted(numbers[shown], 'bundle')} {'would be ' if dry_run else ''}pulled ({size})"]
    words += [f"{numbers['present']:,} here already"] if numbers["present"] else []
    words += [f"{numbers['known']:,} not novel"] if numbers["known"] else []
    words += [f"{numbers['gone']:,} deleted meanwhile"] if numbers["gone"] else []
    words += [f"{numbers['refused']:,} refused"] if numbers["refused"] else []
    place = f" into {shown_path(os.path.dirname(os.path.dirname(results[0].path)))}" if results else ""
    then = None
    if numbers["refused"] and not any(one.result in (shown, "present") for one in results):
        then = "set SNAPAGENT_KEY to the key of the pods, or --trust any if you trust all who may write there"
    app.out.note(f"{', '.join(words)} from {source.url}{place}", then=then)
