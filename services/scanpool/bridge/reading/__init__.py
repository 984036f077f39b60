"""What scans found, read for a caller: pages, single findings, groups, comparisons. Tools and resources answer with it.

A scan of somebody else looks as one that never was. Every answer says how far it can be believed: a scan that failed,
or that could not log in, never looks as if nothing had been found.
"""
