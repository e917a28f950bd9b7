"""Keras files, converted to .tflite by TensorFlow's own converter and read from there."""
