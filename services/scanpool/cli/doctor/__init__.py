"""`scanpool doctor`: everything that can be looked at from one place, judged, each trouble with its remedy.

`gather` and its like read facts, `judge` makes checks of them and does nothing else, `catalogue` has what can be wrong
by code, `examine` runs it all side by side, each part within its time.
"""
