"""Reference networks, one file each: `build(input_shape, classes)` gives an untrained tf_keras model.

Where a family has `describe(input_shape, classes)` too, which gives a plain description, its `build` is made from it.
"""
