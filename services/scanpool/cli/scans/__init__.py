"""Commands on scans: ask for one, follow it, list, hold, cancel; the events of their ends."""
