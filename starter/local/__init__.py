"""The embedded stack: everything Ovation needs, on a machine that has only Python. For demos, tests and `ovation up`.

Linux and macOS (on Windows: WSL). All servers listen on 127.0.0.1 or on a Unix socket, and end with the process that
started them.
"""
