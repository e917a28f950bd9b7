"""Pages of docs/ that are made of data."""
