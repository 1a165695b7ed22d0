"""Writes the pages that are made of the code: the YAML's keys and the command line's help.

Run `python docs/generate.py` after a change; a test keeps the pages equal to what this prints.
"""

from __future__ import annotations

from pathlib import Path

import click

import snapagent
from snapagent import errors
from snapagent.cli import main as cli
from snapagent.cli.group import ON_URLS, SECTIONS, url_command
from snapagent.config.settings import CONFIG_FIELDS, DEPENDENCY_FIELDS, SETTINGS_FIELDS, Key

HERE = Path(__file__).parent
NOTE = "<!-- made by docs/generate.py from the code: change it there -->\n"


def config_page() -> str:
    """The reference of the YAML, from the table that validates it."""
    example = (HERE.parent / "config" / "snapagent.yaml").read_text("utf-8")
    return "\n".join(
        [
            NOTE,
            "# The YAML",
            "",
            "`SNAPAGENT_CONFIG` names the file; by default it is the first of `snapagent.yaml` and",
            "`config/snapagent.yaml` under the working directory. Without either, the table `[tool.snapagent]` of a",
            "`pyproject.toml` there takes the same keys. `snapagent check` finds mistakes: unknown keys,",
            "wrong types, duplicate keys, impossible values and targets that match nothing, each with file, line, key",
            "and the near match. In a live process a bad file never stops the program: capture stays off, and one log",
            "line says why.",
            "",
            "## Of the whole file",
            "",
            "`version: 1` must be there. `targets`, `exclude_targets` and `dependencies` are lists; the file below has",
            "their grammar.",
            "",
            *_table(CONFIG_FIELDS),
            "",
            "## Of each target, and of `defaults`",
            "",
            *_table(SETTINGS_FIELDS),
            "",
            "A target may have `dependencies` too: a list that is added to that of the whole file, or the word `none`.",
            "",
            "### Argument shapes",
            "",
            "Besides the newest `keep` and the newest of each outcome, `keep_shapes: 4` keeps the newest call of up to",
            "four argument shapes that none of those has: traffic of thousands of alike calls then does not push out",
            "the one with an empty list. A shape has the types of the arguments, and for each argument, each public",
            "attribute of an argument and each key of a small dict of names also: `None` or not, `True` or `False`,",
            "empty or not, the sign of a number, the member of an enumeration. Of longer containers only the types of",
            "the items count, of the bound instance only its type. `snapagent show` prints the shape of a bundle, such",
            "as `(rows: list[int], currency: str, rush: False)`, and `snapagent stats` counts them. When calls have",
            "more shapes than there are places, those seen last stay.",
            "",
            "## Of a dependency",
            "",
            "An entry is a function, a glob, the word of a preset, or a mapping with `target` and these keys:",
            "",
            *_table(DEPENDENCY_FIELDS),
            "",
            "## A file with everything, explained",
            "",
            "```yaml",
            example.rstrip(),
            "```",
            "",
        ]
    )


def _table(fields: dict[str, Key]) -> list[str]:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for name, field in fields.items():
        options = f" One of {', '.join(f'`{option}`' for option in field.options)}." if field.options else ""
        rows.append(f"| `{name}` | {_default(field.default)} | {field.doc.replace('|', '/')}{options} |")
    return rows


def _default(value: object) -> str:
    if value is None or value == ():
        return "none"
    if value == float("inf"):
        return "`.inf`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def command_line_page() -> str:
    """The reference of the command line, from its own help."""
    lines = [
        NOTE,
        "# The command line",
        "",
        "Exit codes: 0 fine, 1 different or problems found, 2 wrong usage or unknown name. Data goes to stdout,",
        "messages to stderr. `--json` gives [the same data for programs](json.md). `NO_COLOR` and pipes are obeyed.",
        "Hashes may be shortened to any unique prefix. [What it looks like](../screens.md) has a screen of each.",
        "",
    ]
    for heading, commands in SECTIONS.items():
        lines += [f"## {heading}", ""]
        for name in commands:
            lines += [f"### snapagent {name}", "", "```", _help(name), "```", ""]
    lines += ["## Object stores", ""]
    for name in ON_URLS:
        lines += [f"### snapagent {name} URL", "", "```", _help_of(url_command(name), name), "```", ""]
    return "\n".join(lines)


def _help(name: str) -> str:
    """What `snapagent NAME --help` prints at a width that is the same everywhere."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return _help_of(command, name)


def _help_of(command: click.Command, name: str) -> str:
    parent = click.Context(
        cli, info_name="snapagent", terminal_width=100, max_content_width=100, help_option_names=["-h", "--help"]
    )
    return command.get_help(click.Context(command, info_name=name, parent=parent)).rstrip()


def errors_page() -> str:
    """The errors that can be caught, from their own words."""
    found = {name: kind for name, kind in vars(errors).items() if name in snapagent.__all__}
    rows = [f"| `{name}` | {_bases(kind)} | {(kind.__doc__ or '').splitlines()[0]} |" for name, kind in found.items()]
    return "\n".join(
        [
            NOTE,
            "# Errors",
            "",
            "What a test, or a script that uses snapagent, may catch: `from snapagent import BundleNotFoundError`.",
            "",
            "| name | is a | when |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _bases(kind: type) -> str:
    return ", ".join(f"`{base.__name__}`" for base in kind.__bases__)


PAGES = {
    "reference/config.md": config_page,
    "reference/command-line.md": command_line_page,
    "reference/errors.md": errors_page,
}


def write_pages() -> None:
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), "utf-8")


if __name__ == "__main__":
    write_pages()
