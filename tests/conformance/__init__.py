"""Checks of the bridge by tools that are not ours: the protocol's conformance suite, and its inspector."""
