"""Keras models: what may stand in a model file, and how a file becomes a model. No module here imports Keras early."""
