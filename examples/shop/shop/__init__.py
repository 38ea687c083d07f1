"""The shop: products and orders."""
