"""Reads facts for `judge`: from NATS, from this host, from scanners. Changes nothing, except where it says so."""
