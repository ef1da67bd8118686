"""The page of metrics, from `dataplane/metrics.py` and what a scrape reads besides."""

from __future__ import annotations

from anvil_site.telemetry import NODE_METRICS
from dataplane.metrics import DEFINITIONS
from docs.generator.markdown import code, page, table


def metrics_page() -> str:
    rows = [
        (code(name), kind, ", ".join(map(code, labels)), meaning)
        for name, kind, labels, meaning in sorted((*DEFINITIONS, *NODE_METRICS))
    ]
    return page(
        "Metrics",
        "What `/metrics` on the API port shows, in Prometheus' text format, summed over the node's processes. "
        "Labels come from small fixed sets, never from keys; names of buckets and tenants appear in a bounded number.",
        table(("name", "kind", "labels", "meaning"), rows),
    )
