"""The REST API, one module per area; each lists its routes as method, path and endpoint."""
