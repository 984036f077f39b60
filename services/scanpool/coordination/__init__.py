"""The protocol of a scan: which transitions there are, what each commits, and the commit itself.

`transitions` and `places` are pure; `ledger` reads and commits; `stage` is what every stage's handler stands in.
"""
