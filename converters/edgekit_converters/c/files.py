"""All files of an export, by name."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import ConversionError
from edgekit.golden import Golden
from edgekit.places import setting
from edgekit_converters.c.emission.header import header
from edgekit_converters.c.emission.notes import heading
from edgekit_converters.c.emission.selftest import selftest
from edgekit_converters.c.emission.source import source
from edgekit_converters.c.firmware import Firmware
from edgekit_converters.c.preprocessing import PreprocessSources, preprocess_sources
from edgekit_converters.preprocessing import stages_of

__all__ = ["files", "preprocessing_of"]


def files(
    firmware: Firmware, golden: Golden | None = None, preprocessing: PreprocessSources | None = None
) -> Mapping[str, str]:
    """Texts by file name.

    Args:
        firmware: The model.
        golden: For the self-test; None leaves its file out.
        preprocessing: Preprocessing of the model; None leaves its file out.
    """
    name = firmware.name
    told = preprocessing.header.splitlines() if preprocessing else ()
    written = {f"{name}.h": header(firmware, told), f"{name}.c": source(firmware)}
    if preprocessing is not None:
        written[f"{name}_preprocess.c"] = preprocessing.source
    if golden is not None:
        written[f"{name}_selftest.c"] = selftest(firmware, golden)
    return written


def preprocessing_of(firmware: Firmware, preprocessing: Preprocessing, *, classifies: bool) -> PreprocessSources | None:
    """A model's preprocessing in C; None for models of several inputs, whose preprocessing is an application's own.

    Args:
        firmware: The model.
        preprocessing: From raw samples to its input.
        classifies: Whether the first output has a score for each class.

    Raises:
        ConversionError: There is no C for it, or it ends in something else than the model takes.
    """
    if len(firmware.inputs) != 1:
        return None
    given = firmware.inputs[0]
    try:
        stages = stages_of(preprocessing, given.shape[1:])
    except ValueError as error:
        raise ConversionError(
            "The preprocessing must end in what the model takes.",
            received=str(error),
            remedy=f"Leave it out with {setting('without_preprocessing')}, or give the model its own.",
        ) from None
    head = heading(firmware.model.sha256, f"The preprocessing of the model {firmware.name}.")
    return preprocess_sources(firmware.name, stages, given, firmware.outputs, classifies=classifies, heading=head)
