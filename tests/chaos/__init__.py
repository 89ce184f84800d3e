"""Chaos: a thousand referrals while processes are killed and vendors lose answers; at the end three books must agree.

The failure prevented: money code that is right as long as nothing goes wrong. What is due is told by an oracle that
knows the facts and nothing of the product; what was paid, by our own books and by the payer's.
"""
