"""The benchmark table: what the product does in a second, beside what bare Temporal does of the same.

`make bench` prints it. Ratios, because a figure alone says more about the machine than about us: both sides run on the
same servers, in turns. What it prevents: a product that is durable and safe, and too slow to be used; and a bench that
measures failures, for every round is checked against the vendors' own record.
"""
