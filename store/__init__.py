"""The record: PostgreSQL. Functions in the business's verbs, models in and models out; the only room that commits."""
