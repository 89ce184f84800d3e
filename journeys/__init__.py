"""The pure core: what now? A function of playbook, state, what happened and the time. No I/O, no clock, no randomness.

Running journeys replay through this room, so it is workflow code too: see `EDITION` in `journeys/state.py`.
"""
