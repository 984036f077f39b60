"""What tools answer, one module a topic: the pydantic models whose JSON Schema agents see.

Text that a scanned host could have written stands only in a field called `untrusted`.
"""
