"""What TensorFlow Lite Micro takes, and the sources that its programs compile."""
