"""The measurements: one file each, with a ``measure`` that returns ``chinwag_bench.records``."""
