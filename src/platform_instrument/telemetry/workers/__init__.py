"""The processes of one service: what they share, and which place among them each has."""
