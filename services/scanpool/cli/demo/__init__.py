"""`scanpool demo`: the whole pipeline in one process, with emulated scanners and scans whose ends are known.

`plan` says which scans there are and how each must end; `stage` sets everything up; `show` draws it; `run` is the play.
"""
