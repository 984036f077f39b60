"""A bridge that runs: the address it listens at, the transport that carries it, its health, its start and its end."""
