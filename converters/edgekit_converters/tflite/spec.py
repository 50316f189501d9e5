"""What to convert to: a format and the dtypes of input and output."""

from __future__ import annotations

from typing import get_args

from pydantic import BaseModel, ConfigDict, Field

from edgekit import registry
from edgekit.errors import ConversionError
from edgekit.target import Format
from edgekit_converters.tflite import formats

__all__ = ["ConvertSpec", "format_names"]


class ConvertSpec(BaseModel):
    """One `.tflite` to make.

    Attributes:
        format: float32, float16, dynamic, int8 or int16x8.
        input_dtype, output_dtype: Dtypes of the file; None takes the format's own (int8 for int8).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Format = Field(default="int8", description="how weights and activations are stored")
    input_dtype: str | None = Field(
        default=None, description="of the file's inputs; default the format's own, int8 for int8"
    )
    output_dtype: str | None = Field(default=None, description="of the file's outputs; default the format's own")

    def resolved(self) -> ConvertSpec:
        """With the format's own dtypes where none are given.

        Raises:
            ConversionError: A dtype that the format does not have.
        """
        allowed: tuple[str, ...] = registry.load(formats, self.format).IO_DTYPES
        dtypes = {}
        for key in ("input_dtype", "output_dtype"):
            dtypes[key] = getattr(self, key) or allowed[0]
            if dtypes[key] not in allowed:
                raise ConversionError(
                    f"The {key.replace('_', ' ')} of {self.format} is {' or '.join(allowed)}.", received=dtypes[key]
                )
        return ConvertSpec(format=self.format, **dtypes)

    @property
    def needs_calibration(self) -> bool:
        """Whether the format takes a representative dataset."""
        return bool(registry.load(formats, self.format).NEEDS_CALIBRATION)


def format_names() -> list[str]:
    """The formats, from the widest to the narrowest use."""
    return list(get_args(Format))
