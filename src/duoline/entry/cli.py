"""The `duoline` command: one module a command, loaded only when it is asked for.

A command module has a function `command` whose parameters are its options. Loading by name keeps `duoline serve`
from carrying what only migrations or imports need.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from typer.core import TyperGroup

from duoline import __version__
from duoline.kernel.config import BadSetting
from duoline.kernel.errors import Unavailable
from duoline.kernel.postgres import PostgresTrouble

if TYPE_CHECKING:
    from typer._click import Command, Context

# In the order of a shop's life. Each is a module of this package.
COMMANDS = {
    "serve": "serve",
    "worker": "worker",
    "migrate": "migrate",
    "demo": "demo.command",
    "import": "importing",
    "check": "check",
    "bench": "bench",
    "backup": "backup",
    "restore": "restore",
    "doctor": "doctor",
    "events": "retell",
}


class Commands(TyperGroup):
    """Loads the module of a command at the moment the command is looked up."""

    def list_commands(self, ctx: Context) -> list[str]:
        """Every command, in the order above."""
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """The command, or None for a name that is none."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"duoline.entry.{COMMANDS[cmd_name]}")
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name=cmd_name)(module.command)
        return typer.main.get_command(single)


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Duoline (双线): every shop and every screen of a chain on one stock and one order.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        Console().print(f"duoline {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    """Every shop and every screen of a chain on one stock and one order."""


def main() -> None:
    """Run one command. What a person can put right is said in a sentence, without a traceback."""
    try:
        app()
    except (BadSetting, PostgresTrouble, Unavailable) as problem:
        Console(stderr=True).print(f"[bold red]duoline:[/] {problem}", highlight=False, markup=True)
        sys.exit(1)
