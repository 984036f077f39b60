"""Commands on what has to be there first: the configuration, the topology in NATS, the schemas of events."""
