"""A Nessus server that exists only in memory: its REST API, a simulated network and real-format reports.

It serves demonstrations and tests, and imports nothing else of scanpool, so that it can judge the rest
from outside. `options` says what to emulate, `server` serves it, `docs/reference/emulator.md` tells what
of its behaviour is known from real servers and what is assumed.
"""
