"""The click group of all commands: loads a command on use, suggests near matches, maps errors to exit codes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, TextIO

import click

from ..errors import AmbiguousHashError, BundleNotFoundError, SnapagentError, TargetNotFoundError

SECTIONS: dict[str, dict[str, str]] = {  # heading -> command -> its file in `commands/`
    "Set up": {"init": "init", "check": "check", "completion": "completion"},
    "Capture": {
        "run": "switch",
        "enable": "switch",
        "disable": "switch",
        "pause": "switch",
        "resume": "switch",
    },
    "Read": {
        "list": "list",
        "show": "show",
        "diff": "diff",
        "status": "status",
        "why": "why",
        "stats": "stats",
        "export": "export",
        "report": "report",
        "view": "view",
    },
    "Test": {
        "new-test": "new_test",
        "replay": "replay",
        "facsimile": "facsimile",
        "promote": "promote",
    },
    "Maintain": {
        "clear": "retention",
        "prune": "retention",
        "pin": "retention",
        "unpin": "retention",
        "verify": "verify",
        "keygen": "keygen",
    },
    "Many pods": {"push": "push", "pull": "pull"},
}
ON_URLS = ("list", "show", "diff", "prune")  # commands that work on an object store when they are given its URL
_LONGEST_NAME = max(len(name) for commands in SECTIONS.values() for name in commands)
COMMAND_FILES = {name: file for commands in SECTIONS.values() for name, file in commands.items()}

_ERROR = "Error: "  # what click prints before a message
FINE, PROBLEM, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


class CommandLine(click.Group):
    """All of `snapagent`'s commands. Each is an object named `<command>_command` in its file."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMAND_FILES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        file = COMMAND_FILES.get(cmd_name)
        if file is None:
            return None
        command = getattr(import_module(f"{__package__}.commands.{file}"), f"{cmd_name.replace('-', '_')}_command")
        return command if isinstance(command, click.Command) else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True, color=ctx.color)
            ctx.exit(WRONG_USAGE)  # click does this by itself from 8.2 on
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMAND_FILES and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"There is no command {name!r}.{_suggestion(name, COMMAND_FILES)}", ctx)
        if name in ON_URLS and any("://" in word and not word.startswith("-") for word in args[1:]):
            return name, url_command(name), args[1:]
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:  # --help prints here
        with _broken_pipe_detected():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _broken_pipe_detected():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, commands in SECTIONS.items():
            loaded = [(name, self.get_command(ctx, name)) for name in commands]
            rows = [(name, command.get_short_help_str(limit=80)) for name, command in loaded if command]
            with formatter.section(heading):
                formatter.write_dl([(f"{name:<{_LONGEST_NAME}}", words) for name, words in rows])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        name = prog_name or "snapagent"  # and not "__main__.py" under python -m
        if not standalone_mode:
            return super().main(args, name, complete_var, standalone_mode, **extra)
        sys.exit(_exit_code(lambda: super(CommandLine, self).main(args, name, complete_var, False, **extra)))


def url_command(name: str) -> click.Command:
    """The command of this name that takes a URL."""
    command = getattr(import_module(f"{__package__}.commands.object_store"), f"{name}_url_command")
    assert isinstance(command, click.Command)
    return command


class UnknownNameError(click.ClickException):
    """A command was given a name that does not exist."""

    exit_code = WRONG_USAGE


class _BrokenPipe(Exception):
    """The reader of stdout has gone."""


@contextmanager
def _broken_pipe_detected() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise _BrokenPipe from None  # click would exit with 1
        raise


def _exit_code(run: Any) -> int:
    """Run a command; an error becomes a message on stderr and an exit code."""
    _ensure_streams()
    return _flushed(_code_of(run))


def _code_of(run: Any) -> int:
    try:
        _escape_unencodable()
        code = run()
        return code if isinstance(code, int) else FINE
    except click.UsageError as error:
        with suppress(OSError):
            _reworded(error).show()
        return WRONG_USAGE
    except click.ClickException as error:
        return _report(error.message, error.exit_code)
    except click.Abort as error:
        return INTERRUPTED if isinstance(error.__cause__, KeyboardInterrupt) else _report("nothing was done")
    except KeyboardInterrupt:
        return INTERRUPTED
    except (TargetNotFoundError, BundleNotFoundError, AmbiguousHashError) as error:
        return _report(str(error), WRONG_USAGE)
    except SnapagentError as error:
        return _report(str(error))
    except (_BrokenPipe, BrokenPipeError):
        return FINE  # `snapagent list | head` is not an error
    except OSError as error:
        return _report(f"{error.filename or 'input or output'}: {error.strerror or error}")


def _report(message: str, code: int = PROBLEM) -> int:
    from .terminal.output import print_message

    for line in message.splitlines():
        print_message(sys.stderr, line)
    return code


def _reworded(error: click.UsageError) -> click.UsageError:
    """The error with a hint for a missing target, wrapped between words on a terminal."""
    message = error.format_message()
    if isinstance(error, click.MissingParameter) and error.param is not None and error.param.name == "target":
        message = f"{message} 'snapagent list' lists the names."
    if sys.stderr.isatty():
        from .terminal.output import filled

        message = filled(f"{_ERROR}{message}").removeprefix(_ERROR)
    return click.UsageError(message, error.ctx)


def _ensure_streams() -> None:
    """Replace closed streams: `snapagent list >&-` leaves None, and the next opened file would get that descriptor."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def _escape_unencodable() -> None:
    """Escape characters that the encoding of a stream lacks, and lone surrogates in names, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _flushed(code: int) -> int:
    """Flush both streams here, because a failing flush at interpreter exit would print a traceback."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _discard(sys.stdout)
        if error.errno not in (errno.EPIPE, errno.EBADF) and not code:
            code = _report(f"the output could not be written: {error.strerror}")
    try:
        sys.stderr.flush()
    except OSError:  # no message is possible; the exit code remains
        _discard(sys.stderr)
    return code


def _discard(stream: TextIO) -> None:
    """Send the rest of a stream's buffer to the null device."""
    with suppress(OSError, ValueError):  # the stream has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _suggestion(name: str, known: Sequence[str] | dict[str, str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(repr(word) for word in near)}?" if near else ""
