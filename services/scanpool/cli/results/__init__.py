"""Commands on what was found: verdicts, findings, exports, differences; reports that are files."""
