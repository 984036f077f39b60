"""Pure judgements: facts in, checks out; no clock, no network, no file."""
