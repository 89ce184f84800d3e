"""Every way in, each with a room of its own."""
