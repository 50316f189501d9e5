"""Firmware sources of a `.tflite` as plain C99: the graph lowered to steps, a plan of the arena, and the text.

A value travels one way: `lowering` turns operators into steps (each by its file in `kernels/`), `fusion` joins steps,
`planning/` gives every tensor its place in one arena, `emission/` writes the files.
"""
