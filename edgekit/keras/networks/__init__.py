"""Reference networks, one file each: `build(input_shape, classes)` gives an untrained tf_keras model."""
