"""Flags of the command line, made from the fields of Settings: their names, bounds and words stand there alone."""

import dataclasses
import inspect
from typing import Annotated

import typer

from nst_utils.engine.settings import Settings, read_setting

# The order and the titles in which `--help` shows the groups of settings; the first group is the plain options.
GROUPS = {
    "picture": "The picture",
    "costs": "What it is judged by",
    "start": "Where it starts",
    "optimiser": "How it is optimised",
    "machine": "The machine's part",
}


def with_settings(command):
    """The command with one more option for each setting; it gets those that were given as **settings.

    A setting that is not given is not passed on, so that a default stands in Settings alone.
    """

    def run(**given):
        texts = {name: given.pop(name) for name in names}
        settings = {name: read_setting(name, text) for name, text in texts.items() if text is not None}
        return command(**given, **settings)

    fields = sorted(dataclasses.fields(Settings), key=lambda each: list(GROUPS).index(each.metadata["group"]))
    names = [each.name for each in fields]
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    parameters = [*own, *map(_parameter, fields)]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(parameters)
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _parameter(setting):
    """The option of a setting, as Typer reads it. It comes as text, because Settings says what is wrong with it."""
    about = setting.metadata
    option = typer.Option(
        "--" + setting.name.replace("_", "-"),
        help=about["help"],
        metavar=about["kind"].metavar,
        show_default=about["default_help"] or _as_text(setting.default),
        rich_help_panel=GROUPS[about["group"]],
    )
    return inspect.Parameter(
        setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
    )


def _as_text(default):
    """A default as one would type it; a long one not at all."""
    if default is None or isinstance(default, tuple):
        return False
    return f"{default:g}" if isinstance(default, float) else str(default)
