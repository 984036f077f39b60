"""Findings in the formats of others: one module a format, each yields its document piece by piece.

`sarif`, `ocsf`, `defectdojo`, `csv_file` and `parquet` take an open store and filters; compliance filters export
compliance results, others findings. `identifiers` says what makes a rule and a finding the same in two documents,
`references`, `moments` and `origin` what several formats say alike. Memory does not grow with the findings.
"""
