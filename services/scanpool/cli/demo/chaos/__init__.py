"""`scanpool demo --chaos`: services and NATS are killed, and the scanners are asked what happened.

`plan` says what is killed when, and what must hold; `stage` runs and kills; `show` draws it; `run` is the play.
"""
