"""Writes the file of findings beside the reading of a report.

`harvest` takes findings out of the report's tree, `spool` keeps them on disk until all are known, `assemble` puts them
in page order into the file, with what `outputs` and `host_lists` keep of outputs and of hosts. `writer` is all of it.
"""
