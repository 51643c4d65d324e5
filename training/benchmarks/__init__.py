"""The field's benchmarks: test splits, metrics, and what may be set beside them."""
