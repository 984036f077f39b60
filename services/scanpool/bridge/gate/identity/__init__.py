"""Who calls over HTTP: bearer tokens that the configuration knows by their hashes, or that an issuer signed."""
