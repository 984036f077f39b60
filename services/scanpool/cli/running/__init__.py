"""Commands that run services, and how services are put together in a process."""
