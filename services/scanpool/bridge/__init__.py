"""Scans for LLM agents, over the Model Context Protocol.

Publishes requests and cancels through the one door, as any client does; reads scans, pools and findings. Owns nothing:
what a client may do is its policy in the pool's rules, who it is says its token, and what it asked for is in the scans.

A call goes this way through the rooms, and so do imports:

    serving             the process: address, transport, health, start and end
      server.py         the protocol's server, put together
        offering        what clients find: tools, resources, prompts, tasks, subscriptions
          asking        a request for a scan: judged, confirmed, published
          reading       what scans found
            parts.py    what all of these work with
              following what is told of a scan until it is over
              gate      what every message passes first: who, which scopes, how often, nothing secret
                answering       what goes out: models, refusals, text of strangers
                  configuration what the bridge is told
                    caller.py   who calls
"""
