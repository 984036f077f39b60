"""What every command stands in: options that many take, output, exit codes, failures, the connection to NATS."""
