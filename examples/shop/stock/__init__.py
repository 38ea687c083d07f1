"""The stock service: what is in the warehouse."""
