"""The findings of a report as one SQLite file: written beside the reading, read in pages for as long as it is kept.

`schema` describes the file, `writing` makes it, `store` opens it. `query` answers with pages: `filters` say what is
asked for, `choosing` finds the ranks that they leave (with `searching`, where they ask for a text), `records` and
`profiles` make findings of them. `groups` counts, `comparison` holds two files against each other, `export` gives
findings the forms of others.
"""
