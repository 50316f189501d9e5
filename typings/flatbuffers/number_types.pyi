class Float32Flags:
    bytewidth: int
