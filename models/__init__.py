"""The nouns of the product, as pydantic models: no I/O, no settings of any vendor, no clock."""
