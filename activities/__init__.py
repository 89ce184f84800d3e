"""Every effect in business terms, each run through the ledger."""
