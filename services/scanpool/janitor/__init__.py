"""Looks after what nobody else owns: overdue scans, lost deliveries, spent events, retention, orphans, the invariant.

Consumes `tick.janitor`; commits timeouts, and anew what was lost; deletes what is past its time; calls no scanner.
"""
