"""What every message passes before anything is done: who calls, with which scopes, how often, and without secrets.

What is refused never reaches a tool; every call is counted, and one that changes something leaves an audit event.
"""
