"""What is told of a scan until it is over: who may see it, how it is and why, how long it waits; and waits for it."""
