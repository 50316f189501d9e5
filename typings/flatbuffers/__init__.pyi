"""The writer of flatbuffers, as far as EdgeKit touches it; the package has no types."""

from . import number_types as number_types
from .builder import Builder as Builder
