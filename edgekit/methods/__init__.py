"""Compression methods, Keras -> Keras: the algorithms, without recipe keys."""
