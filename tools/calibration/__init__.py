"""Measures the firmware's parts for every core: what `edgetune plan` foretells costs from."""
