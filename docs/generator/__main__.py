"""`make docs`: writes every generated page of docs/reference/ anew.

`pages()` is what the tidy tests compare with the committed files. The site must be configured first: the commands'
page asks Django for the commands.
"""

from __future__ import annotations

import os
from pathlib import Path

import django

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


def pages() -> dict[str, str]:
    """Text by file name."""
    # Imported here: these modules need Django's settings, which `main` or pytest set up.
    from docs.generator.commands import commands_page  # noqa: PLC0415
    from docs.generator.errors import errors_page  # noqa: PLC0415
    from docs.generator.metrics import metrics_page  # noqa: PLC0415
    from docs.generator.options import options_page  # noqa: PLC0415
    from docs.generator.s3_compatibility import s3_compatibility_page  # noqa: PLC0415

    return {
        "commands.md": commands_page(),
        "errors.md": errors_page(),
        "metrics.md": metrics_page(),
        "options.md": options_page(),
        "s3-compatibility.md": s3_compatibility_page(),
    }


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anvil_site.settings")
    django.setup()
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
