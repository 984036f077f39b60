"""Calls of tools that go on as tasks: the protocol's extension, and waits for scans as what it keeps."""
