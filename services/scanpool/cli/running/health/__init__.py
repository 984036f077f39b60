"""Whether a service process is ready, and what troubles it: looked at in the background, told by `/health/ready`.

Not ready is what the process itself cannot work with: no NATS, no answer of NATS, streams or consumers that are
missing. All else that is wrong (events that nobody takes, scanners that are down, a store that is nearly full) only
degrades it: to start the process again, or to send it no more work, would help nobody.
"""
