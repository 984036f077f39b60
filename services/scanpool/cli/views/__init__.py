"""How commands show scans, results and scanners to people. Every text goes through `untrusted.shown`."""
