"""The findings of a report as one SQLite file: written beside the reading, read in pages for as long as it is kept.

`harvest` takes findings out of the report's tree, `spool` keeps them on disk until all are known, `assemble` puts them
in page order into the file that `schema` describes; `writer` is the three together. `store` opens the file.
"""
