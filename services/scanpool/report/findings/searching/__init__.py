"""Finds texts in what plugins printed, without looking at each output.

`templates` says what is kept of the lines of neighbouring findings, `chunk` finds a text in that, `search` in a whole
file. The outcome is `marks`: a byte for each finding.
"""
