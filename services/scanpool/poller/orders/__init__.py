"""Pauses and resumes running scans on their scanners, for whoever asks.

Answers `order.<pool>.pause.<id>` and `order.<pool>.resume.<id>` on core NATS; publishes progress; commits nothing: a
paused scan is a running one. A room of its own in the poller, since it answers requests and settles no deliveries.
"""
