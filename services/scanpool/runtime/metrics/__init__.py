"""The metrics that every service serves: what its process did, and what the pools' streams and keys say.

`work` and `shared` are where a metric is declared, once: its name, its labels, what it means. What is declared there is
served and is in the reference (docs: reference/metrics).
"""

from scanpool.runtime.metrics.exposition import Exposition, Metrics

__all__ = ["Exposition", "Metrics"]
