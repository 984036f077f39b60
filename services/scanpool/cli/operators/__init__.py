"""Commands of those who keep it running: breakers, cordons, pauses, drains, dead letters, approvals, the janitor."""
