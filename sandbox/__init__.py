"""The sandbox: every vendor's stand-in behind one local HTTP service, for the demo, tests and chaos.

`python -m sandbox` starts it. A vendor answers under `/{platform}/…` as strictly as its stand-in is written; `/outbox`
lists what it was sent, `/books/{platform}` is the vendor's own record, `/faults` makes it misbehave, `/webhooks` lists
what it told us, `/{platform}/_move/{name}` makes something happen there, `/environment` has the variables that point
the product at all of them, and `/` is a page to look at.

What it prevents: a test that believes our own word for what was sent. The outbox and the books are the vendor's side,
and ours are balanced against them. Everything is in memory; product code never imports this room.
"""
