"""A tf_keras model written with what integer kernels have, before it is converted."""
