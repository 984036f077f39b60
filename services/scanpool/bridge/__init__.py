"""Scans for LLM agents, over the Model Context Protocol.

Publishes requests and cancels through the one door, as any client does; reads scans, pools and findings. Owns nothing:
what a client may do is its policy in the pool's rules, who it is says its token, and what it asked for is in the scans.
"""
