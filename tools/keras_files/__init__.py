"""Files as TensorFlow's users make them: small Keras models, converted in every usual way."""
