"""The context that all commands share: configuration, store and output, and the options that choose them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..config.reading import Config
    from ..store.writer import Store
    from .terminal.output import Output

Command = TypeVar("Command", bound=Callable[..., Any])


class App:
    """Created once per command line. Each part is read on first use."""

    def __init__(self) -> None:
        self.captures_dir: str | None = None
        self.config_path: str | None = None

    @cached_property
    def out(self) -> Output:
        from .terminal.output import Output

        return Output(sys.stdout, sys.stderr)

    def find_config(self) -> str | None:
        """The YAML file: from the option, else the environment, else a default place; None without one."""
        from ..config.environment import find_config

        return self.config_path or find_config(os.environ, os.getcwd())

    @cached_property
    def config(self) -> Config | None:
        """The configuration; None when there is no valid file, because bundles can be read without one."""
        from ..config.reading import load_config
        from ..errors import ConfigError

        path = self.find_config()
        if path is None:
            return None
        try:
            return load_config(path)
        except ConfigError as error:
            one_line = getattr(error, "one_line", None) or str(error)
            check = f"snapagent check {path}" if self.config_path else "snapagent check"
            self.out.note(f"the configuration was ignored: {one_line}", then=check)
            return None

    @cached_property
    def base_path(self) -> str:
        """The absolute folder of the captures: from the option, the environment, the configuration, else `captures`."""
        if self.captures_dir:
            return os.path.abspath(os.path.expanduser(self.captures_dir))
        from ..config.environment import CAPTURE_DIR
        from ..config.reading import DEFAULT_CONFIG, resolve_capture_dir

        config = None if os.environ.get(CAPTURE_DIR) else self.config
        return resolve_capture_dir(config or DEFAULT_CONFIG, os.environ, os.getcwd())

    @cached_property
    def store(self) -> Store:
        from ..config.environment import signing_keys, trust_policy
        from ..store.writer import Store

        keys = signing_keys(os.environ)
        trust = self.config.trust if self.config is not None else None
        return Store(self.base_path, keys=keys, trust=trust_policy(trust, keys))


pass_app = click.make_pass_decorator(App, ensure=True)


def store_options(command: Command) -> Command:
    """The options `--captures-dir` and `--config`, which may stand before or after the command's name."""
    captures_dir = click.option(
        "--captures-dir",
        "--base-path",
        "captures_dir",
        metavar="DIR",
        expose_value=False,
        callback=_remember,
        help="Folder of the captures. [default: SNAPAGENT_CAPTURE_DIR, the config's capture_dir, captures]",
    )
    config = click.option(
        "--config",
        "config_path",
        metavar="FILE",
        expose_value=False,
        callback=_remember,
        help="The YAML file. [default: SNAPAGENT_CONFIG, snapagent.yaml, config/snapagent.yaml]",
    )
    return captures_dir(config(command))


def json_option(command: Command) -> Command:
    """The option `--json`: the same data for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")(command)


def setup_option(command: Command) -> Command:
    """The option `--setup`: what prepares the program in a process that replays."""
    return click.option(
        "--setup",
        metavar="M:F",
        callback=_readable_setup,
        help="Call this first, in each process (module:callable, or django).",
    )(command)


def _readable_setup(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    from ..config.settings import CONFIG_FIELDS

    try:
        if value is not None:
            CONFIG_FIELDS["setup"].read(value)
    except ValueError as error:
        raise click.UsageError(f"--setup {error}.") from None
    return value


def _remember(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        setattr(context.ensure_object(App), str(parameter.name), value)


def show_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from .. import __version__

        click.echo(f"snapagent {__version__}")
        context.exit()
