"""Flags of the command line, made from the fields of Settings: their names, bounds and words stand there alone."""

import dataclasses
import inspect
from typing import Annotated

import typer

from nst_utils.engine.settings import FORMER_NAMES, GROUPS, Settings, default_text, read_setting


def with_settings(command):
    """The command with one more option for each setting; it gets those that were given as **settings.

    A setting that is not given is not passed on, so that a default stands in Settings alone.
    """

    def run(**given):
        texts = {name: given.pop(name, None) for name in names}
        settings = {name: read_setting(name, text) for name, text in texts.items() if text is not None}
        return command(**given, **settings)

    fields = sorted(dataclasses.fields(Settings), key=lambda each: list(GROUPS).index(each.metadata["group"]))
    names = [each.name for each in fields]
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    needed = [each for each in own if each.default is inspect.Parameter.empty]
    parameters = [*needed, *map(_parameter, fields), *(each for each in own if each not in needed)]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(parameters)
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _parameter(setting):
    """The option of a setting, as Typer reads it. It comes as text, because Settings says what is wrong with it."""
    about = setting.metadata
    names = [setting.name, *(old for old, new in FORMER_NAMES.items() if new == setting.name)]
    option = typer.Option(
        *("--" + name.replace("_", "-") for name in names),
        help=about["help"],
        metavar=about["kind"].metavar,
        show_default=False if setting.default is None and not about["default_help"] else default_text(setting),
        rich_help_panel=GROUPS[about["group"]],
    )
    return inspect.Parameter(
        setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
    )

