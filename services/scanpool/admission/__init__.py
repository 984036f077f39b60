"""The one door: requests become scans, or are refused with a reason; cancels become stops.

Consumes `requested` and `cancel` of every pool; commits queued or failed, stopping or failed. What is no request at
all (undecodable, bad id, unknown pool) goes to the dead letter stream. Hostnames are resolved here and pinned. What a
client of the bridge asks for is held against its policy, and waits as pending where a person has to confirm it.
"""
