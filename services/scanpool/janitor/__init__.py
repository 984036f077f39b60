"""Looks after what nobody else owns: overdue scans, spent events, retention, orphaned exports, the invariant.

Consumes `tick.janitor`; commits timeouts; deletes what is past its time; calls no scanner.
"""
