"""One fine-tuning run: firmware, device, samples, metrics, and the folder that keeps them."""
