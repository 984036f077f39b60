"""Writes the file of findings beside the reading of a report.

`harvest` takes findings out of the report's tree, `spool` keeps them on disk until all are known, `assemble` puts them
in page order into the file, with what `outputs` keeps of outputs, and `host_lists` (of hosts with very many findings
`large_hosts`, and of hosts that come again `repeated_hosts`) of hosts. `writer` is all of it.
"""
