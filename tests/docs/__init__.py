"""The parts of the documentation that are read from the code: `make docs` writes them, a test checks them.

What it prevents: a page that was true last year. A generated part stands between two marks in a page; around it is
prose that a person wrote. It lives beside the tests because one table says what the tests prove.
"""
