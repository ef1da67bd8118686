"""The page of metrics, from `dataplane/metrics.py`."""

from __future__ import annotations

from dataplane.metrics import DEFINITIONS
from docs.generator.markdown import code, page, table


def metrics_page() -> str:
    rows = [
        (code(metric.name), metric.kind, ", ".join(map(code, metric.labels)), metric.meaning)
        for metric in sorted(DEFINITIONS)
    ]
    return page(
        "Metrics",
        "What `/metrics` on the API port shows, in Prometheus' text format, summed over the node's processes. "
        "Labels come from small fixed sets, never from keys.",
        table(("name", "kind", "labels", "meaning"), rows),
    )
