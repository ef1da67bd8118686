"""Turns cells into a Markdown table: medians over the rounds, ratios as medians of the ratios of single rounds."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.performance.bench.cells import Cell, Sample

UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
COLUMNS = (
    "operation", "clients", "target", "requests/s", "MB/s", "p50 ms", "p99 ms", "CPU ms/request", "RSS MiB", "PSS MiB",
    "errors", "times the first",
)  # fmt: skip


def show_size(size: int) -> str:
    for unit, name in UNITS:
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} B"


def show_number(value: float) -> str:
    """Three significant digits, thousands separated."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def middle(samples: list[Sample], figure: Callable[[Sample], float]) -> float:
    answered = [figure(sample) for sample in samples if sample.outcome.requests]
    return median(answered) if answered else 0.0


def ratio(samples: list[Sample], first: list[Sample]) -> str:
    """How many times the first target's rate this one reaches, round by round."""
    rates = [
        (own.outcome.requests_per_second, other.outcome.requests_per_second)
        for own, other in zip(samples, first, strict=True)
    ]
    ratios = [own / other for own, other in rates if own and other]
    return f"{median(ratios):.2f}" if ratios else "-"


def rows(cell: Cell) -> list[tuple[str, ...]]:
    names = list(cell.samples)
    first = cell.samples[names[0]]
    label = f"{cell.operation} {show_size(cell.size)}" if cell.size else cell.operation
    found: list[tuple[str, ...]] = []
    for name in names:
        samples = cell.samples[name]
        moves_bytes = cell.operation in {"put", "get"}
        found.append(
            (
                label,
                str(cell.clients),
                name,
                show_number(middle(samples, lambda sample: sample.outcome.requests_per_second)),
                show_number(middle(samples, lambda sample: sample.outcome.megabytes_per_second)) if moves_bytes else "",
                show_number(middle(samples, lambda sample: sample.outcome.p50_ms)),
                show_number(middle(samples, lambda sample: sample.outcome.p99_ms)),
                show_number(middle(samples, lambda sample: sample.cpu_ms_per_request)),
                show_number(max(sample.rss_mib for sample in samples)),
                show_number(max(sample.pss_mib for sample in samples)),
                str(sum(sample.outcome.errors for sample in samples)),
                ratio(samples, first) if name != names[0] else "1",
            )
        )
    return found


def failures(cell: Cell) -> list[str]:
    return [
        f"{cell.operation}, {cell.clients} clients, {name}: {sample.outcome.errors} errors, "
        f"status {sample.outcome.last_bad_status}: {sample.outcome.excerpt}"
        for name, samples in cell.samples.items()
        for sample in samples
        if sample.outcome.errors
    ]


def table_line(fields: tuple[str, ...]) -> str:
    return "| " + " | ".join(fields) + " |"


def table_head() -> list[str]:
    return [table_line(COLUMNS), "|---|--:|---|" + "--:|" * (len(COLUMNS) - 3)]


def machine() -> str:
    """One line about where this ran."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (
        f"{os.cpu_count()} x {cpu[1] if cpu else platform.machine()}, {memory / (1 << 30):.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def document(command: str, about: list[str], cells: list[Cell]) -> str:
    lines = ["```sh", command, "```", "", f"{datetime.now(UTC):%Y-%m-%d}, {machine()}.", *about, ""]
    lines += table_head()
    lines += [table_line(row) for cell in cells for row in rows(cell)]
    failed = [line for cell in cells for line in failures(cell)]
    if failed:
        lines += ["", "Errors:", "", *(f"- {line}" for line in failed)]
    return "\n".join(lines) + "\n"
