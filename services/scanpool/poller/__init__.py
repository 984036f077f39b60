"""Follows scans on their scanners: running -> exporting -> validating; stopping -> failed.

Consumes `running`, `exporting`, `stopping` and `cleanup-<pool>` ticks; commits the next states; publishes progress.
Owns exports, stops and the clean-up of scanners. `cleanup` is a room of its own: it acts on a scanner's whole list.
"""
