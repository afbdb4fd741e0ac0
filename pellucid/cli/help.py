"""The pages of ``--help``: they read well in narrow terminals and in pipes."""

from __future__ import annotations

import textwrap
from typing import Any

from rich.console import Group
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from pellucid.cli.output import Carried, output_width, show

LEFT = 30
"""How wide names of options may be that stand beside what they mean."""

NARROW = 64
"""In narrower terminals the meaning stands below."""

WIDEST = 100


class Command(TyperCommand):
    """A command whose help is laid out here."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help; nothing is left for the formatter."""
        width = min(output_width(), WIDEST)
        parts = _usage(ctx, self, width) + _paragraphs(self.help or "", width)
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            is_option = parameter.param_type_name == "option"
            panel = getattr(parameter, "rich_help_panel", None) or ("Options" if is_option else "Arguments")
            row = (_name_option(parameter) if is_option else _name_argument(parameter), _meaning(parameter))
            panels.setdefault(panel, []).append(row)
        order = sorted(panels, key=lambda name: (name != "Arguments", name == "Options"))
        for name in order:
            parts += [_head(name), *_rows(panels[name], width), Text("")]
        examples = [line for line in (self.epilog or "").split("\n\n") if line]
        if examples:
            parts.append(_head("Examples"))
            for line in examples:
                parts += map(Text, _wrap(f"  {line}", width, "      "))
        _show(parts)


class Commands(TyperGroup):
    """All commands, whose help is laid out here; a name may have two words."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Return name, command and the arguments behind it."""
        name = " ".join(args[:2])
        if len(args) > 1 and name in self.commands:
            return name, self.commands[name], args[2:]
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help; nothing is left for the formatter."""
        width = min(output_width(), WIDEST)
        parts = _usage(ctx, self, width) + _paragraphs(self.help or "", width)
        rows = [(name, _first_sentence(command.help or "")) for name, command in self.commands.items()]
        parts += [_head("Commands"), *_rows(rows, width), Text(""), _head("Options")]
        parts += _rows([(_name_option(found), _meaning(found)) for found in self.get_params(ctx)], width)
        parts += [Text(""), *map(Text, _wrap("pellucid COMMAND --help tells more, with examples.", width))]
        _show(parts)


def _show(parts: list[Text]) -> None:
    try:
        show(Group(*parts))
    except OSError as raised:
        raise Carried(raised) from None


def _usage(ctx: Any, command: Any, width: int) -> list[Text]:
    if ctx.parent is None:
        return [Text("pellucid COMMAND [OPTIONS]"), Text("")]
    words = ["pellucid", command.name]
    for parameter in command.params:
        name = _name_argument(parameter) if parameter.param_type_name == "argument" else _name_option(parameter).strip()
        if parameter.param_type_name == "argument":
            words.append(name if parameter.required else f"[{name}]")
        elif parameter.required:
            words.append(name)
    return [*map(Text, _wrap(" ".join([*words, "[OPTIONS]"]), width, "    ")), Text("")]


def _paragraphs(text: str, width: int) -> list[Text]:
    lines: list[Text] = []
    for paragraph in text.split("\n\n"):
        lines += [*map(Text, _wrap(" ".join(paragraph.split()), width)), Text("")]
    return lines


def _head(text: str) -> Text:
    return Text(text, style="bold")


def _rows(rows: list[tuple[str, str]], width: int) -> list[Text]:
    """Return names and what they mean, beside each other or, where that is too narrow, below each other."""
    left = min(LEFT, max(len(name) for name, _ in rows))
    lines: list[str] = []
    for name, told in rows:
        if width < NARROW or len(name) > left:
            lines += [*_wrap(f"  {name.strip()}", width, "    "), *_wrap(f"      {told}", width, "      ")]
        else:
            lines += _wrap(f"  {name.ljust(left)}  {told}", width, " " * (left + 4))
    return [Text(line) for line in lines]


def _wrap(text: str, width: int, indent: str = "") -> list[str]:
    found = textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False)
    return found or [""]


def _name_option(parameter: Any) -> str:
    names = sorted(parameter.opts, key=lambda name: name.startswith("--"))
    value = "" if parameter.is_flag or parameter.name == "help" else f" {parameter.metavar or parameter.name.upper()}"
    return ("" if len(names) > 1 else "    ") + ", ".join(names) + value


def _name_argument(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _meaning(parameter: Any) -> str:
    return str(parameter.help or "")


def _first_sentence(text: str) -> str:
    found = text.partition(". ")[0].partition("\n\n")[0].rstrip(".")
    return found if found.endswith("?") else f"{found}."
