"""Thin durable shells around the pure core. They name effects and never import what performs them."""
