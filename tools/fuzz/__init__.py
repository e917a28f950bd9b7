"""Model files that nobody should trust: made, read, and what came of them."""
