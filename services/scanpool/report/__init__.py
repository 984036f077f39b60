"""Reading a .nessus report: one streaming pass, the counts, and whether the credentials worked.

Consumes the report's bytes; publishes nothing and owns nothing: no NATS, no clock, no threads.
`reader` yields hosts and items, `facts` keeps what matters for the login, `verdict` judges it, `validate`
puts them together.
"""
