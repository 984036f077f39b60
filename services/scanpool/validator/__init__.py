"""Reads reports: validating -> completed or failed.

Consumes `validating` of each pool; commits the end of the scan with its result, then purges its spent events.
"""
