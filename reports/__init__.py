"""Measures, each defined once and computed from recorded facts."""
