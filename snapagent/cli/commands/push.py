"""`snapagent push`: captured bundles into an object store, once or as a sidecar of a pod."""

from __future__ import annotations

import os
import signal
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from ...config.units import format_size, parse_duration, parse_size
from ..app import App, json_option, pass_app, store_options
from ..group import PROBLEM
from ..remote import opened, remote_failures
from ..terminal.wording import counted
from .retention import explaining_failures

if TYPE_CHECKING:
    from ...remote.push import PushOptions
    from ...remote.status import PushStatus

ASIDE = {
    "unsigned": "not signed; set SNAPAGENT_KEY where they are captured, or give --unsigned",
    "foreign_key": "signed with a key that is not one of yours; set SNAPAGENT_KEY to the one they are captured with",
    "corrupt": "torn or altered; snapagent verify names them",
    "misplaced": "not of the function or the time that their path says; snapagent verify names them",
}


@click.command("push")
@click.argument("url", required=False, metavar="[URL]")
@click.option("--watch", is_flag=True, help="Go on until SIGTERM: a sidecar of the program that captures.")
@click.option("--interval", default="2s", metavar="TIME", show_default=True, help="Between two looks, with --watch.")
@click.option(
    "--per-function",
    default="2/h",
    metavar="RATE",
    show_default=True,
    help="Uploads per function with --watch, with a burst of an hour; .inf: no limit.",
)
@click.option(
    "--fleet-size",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    show_default=True,
    help="Pods that share the rate: each uploads its part.",
)
@click.option("--drain", default="20s", metavar="TIME", show_default=True, help="For what is left at SIGTERM.")
@click.option(
    "--max-spool", default="64MB", metavar="SIZE", show_default=True, help="Bundles that wait; above it none is taken."
)
@click.option("--unsigned", is_flag=True, help="Also bundles that are not signed, or with another key.")
@json_option
@store_options
@pass_app
def push_command(
    app: App,
    url: str | None,
    watch: bool,
    interval: str,
    per_function: str,
    fleet_size: int,
    drain: str,
    max_spool: str,
    unsigned: bool,
    as_json: bool,
) -> None:
    """Upload captured bundles to an object store.

    URL is s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER; SNAPAGENT_REMOTE without
    it. Credentials come from the environment or an instance role. Runs as the user that captures; one at a time.
    What is uploaded is not uploaded again, nor is an equal call within a day. Exits 1 when something was set aside or
    is left, 2 when the URL, the credentials or the bucket are wrong.

    \b
    Needs an extra:
      pip install 'snapagent[remote]'

    \b
    Examples:
      snapagent push s3://captures/staging
      snapagent push --watch --fleet-size 500 --per-function 20/h
    """
    from ...config.environment import signing_keys
    from ...remote.push import AnotherPush, Push, is_complete
    from ...remote.status import new_status

    options = _options(interval, per_function, fleet_size, drain, max_spool, unsigned)
    with remote_failures(), explaining_failures():
        objects = opened(url, make=True)
        if not watch and not os.path.lexists(app.base_path):
            if as_json:
                app.out.json(new_status(str(objects.url)).replace(ended=True).to_json())
            app.out.note(f"nothing is captured under {app.base_path}", then="snapagent status")
            return
        try:
            with Push(app.base_path, objects, signing_keys(os.environ), options, app.out.note) as push:
                try:
                    status = _watched(push) if watch else push.once()
                except BaseException:
                    _print(app, push.status, as_json)
                    raise
        except AnotherPush:
            raise click.ClickException(
                f"another push of {app.base_path} is running; snapagent status shows it"
            ) from None
    _print(app, status, as_json)
    if not is_complete(status):
        raise click.exceptions.Exit(PROBLEM)


def _options(
    interval: str, per_function: str, fleet_size: int, drain: str, max_spool: str, unsigned: bool
) -> PushOptions:
    from ...remote.limits import parse_rate
    from ...remote.push import PushOptions

    try:
        return PushOptions(
            unsigned=unsigned,
            max_spool=parse_size(max_spool),
            rate=parse_rate(per_function).shared_by(fleet_size),
            interval=max(parse_duration(interval), 0.01),
            drain=parse_duration(drain),
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _watched(push: Any) -> PushStatus:
    """Until SIGTERM or SIGINT; a second one ends the process at once."""
    stop = Event()

    def stopping(number: int, frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopping)
    status: PushStatus = push.watch(stop)
    return status


def _print(app: App, status: PushStatus, as_json: bool) -> None:
    if as_json:
        app.out.json(status.to_json())
    else:
        app.out.line(f"{summary(status)} to {status.url}")
    for reason, number in status.set_aside.items():
        app.out.note(f"{counted(number, 'bundle')} set aside: {ASIDE.get(reason, reason)}")
    if status.waiting:
        app.out.note(
            f"{counted(status.waiting, 'bundle')} ({format_size(status.waiting_bytes)}) left in the spool; "
            "the next push of this folder uploads them first"
        )


def summary(status: PushStatus) -> str:
    """The counts of one run, in words."""
    words = [f"{counted(status.uploaded, 'bundle')} uploaded"]
    words += [f"{status.there:,} already there"] if status.there else []
    words += [f"{status.equal:,} left out as equal calls"] if status.equal else []
    words += [f"{status.no_room:,} met a full spool"] if status.no_room else []
    words += [f"{status.gone:,} pruned before they were taken"] if status.gone else []
    return ", ".join(words)
