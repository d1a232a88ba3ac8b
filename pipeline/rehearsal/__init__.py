"""A stand-in for the vendors' servers: real SDKs talk to it over loopback, offline and for free.

server.py           checks, answers, logs: START HERE; delivery.py is the socket's side
script.py           what it says: an answer is a pure function of the request
scripting.py        a few lines make a script for many issues
view.py             a request without a vendor's words
anthropic_wire.py   Messages: reads requests, writes answers; anthropic_blocks.py lays them out
openai_wire.py      Responses: likewise; openai_items.py reads, openai_answer.py writes items
chat_wire.py        Chat Completions: likewise
patches.py          a script's edits for models that know apply_patch alone
checks.py           what all APIs refuse; anthropic_, openai_, chat_checks.py: each alone
shapes.py           fields and types, read off the SDKs' own types
binding.py          thinking and reasoning that only fit where they were made
caching.py          prompt caching and token counts
faults.py           what can be made to go wrong
night.py            what a night brings, and where it strikes
improvised.py       agents scripted from issues alone
demo.py             a small repository, its backlog and the script for it
"""
