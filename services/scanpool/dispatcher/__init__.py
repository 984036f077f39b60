"""Gives queued scans to scanners: queued -> launching -> running.

Consumes `queued-high`, `queued-normal`, `queued-low` and `launching` of each pool; commits launching, running, and
the ways back and out. Owns the scanners' readiness (key `health.<scanner>`). Four rooms: `decide` (which scanner),
`lanes` (what is pulled, and when), `launch` (the leased steps on the scanner), `readiness` (how the scanners are).
"""
