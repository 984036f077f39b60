"""Streams, consumers and buckets: defined here, applied by `scanpool topology apply`, verified by services."""
