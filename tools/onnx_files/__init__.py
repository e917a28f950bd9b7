"""Files as PyTorch's users make them: small modules, exported and quantised in every usual way."""
