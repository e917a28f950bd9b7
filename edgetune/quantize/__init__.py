"""Post-training quantisation: a float Graph and samples become an int8 .tflite file."""
