"""Reading foreign Keras files as plain data, under an allow list and without TensorFlow."""
