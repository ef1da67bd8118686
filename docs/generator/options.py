"""The page of options, from `anvil_site/options.py`."""

from __future__ import annotations

from anvil_site.options import OPTIONS, Option
from docs.generator.markdown import code, page, table


def _default(option: Option) -> str:
    return code(option.default) if option.default else "not set"


def _meaning(option: Option) -> str:
    notes = [option.reason]
    if option.unit and option.unit not in {"seconds", "bytes"}:
        notes.append(f"Unit: {option.unit}.")
    if option.secret:
        notes.append(f"Secret: give it as {code(option.variable + '_FILE')} to keep it out of the environment.")
    if option.reloadable:
        notes.append("Read again on SIGHUP.")
    return " ".join(notes)


def options_page() -> str:
    rows = [
        (
            code(option.variable),
            code(option.flag),
            option.kind.name,
            _default(option),
            _meaning(option),
            ", ".join(map(code, option.aliases)),
        )
        for option in OPTIONS
    ]
    return page(
        "Options",
        "Every option of a node: an environment variable and a flag of `anvil serve` each. Flags go before the "
        "environment, the environment before the file that `ENV_FILE` names. `NAME_FILE` names a file that holds the "
        "value. A wrong or missing value stops the start with exit code 2 and one message that names every bad option, "
        "before a port is opened.",
        table(("variable", "flag", "kind", "default", "meaning", "also accepted"), rows),
    )
