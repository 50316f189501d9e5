"""android: a Gradle module with the model, a typed wrapper, the model's own preprocessing, and golden vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from edgekit import __version__
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.sidecar import UNKNOWN, Sidecar
from edgekit.errors import ConversionError, Finding
from edgekit.target import Target
from edgekit_converters.android.wrapper import aar, golden, module
from edgekit_converters.android.wrapper import contract as contracts
from edgekit_converters.android.wrapper.aar import TFLITE
from edgekit_converters.android.wrapper.emitter import sources
from edgekit_converters.android.wrapper.java import JAVA
from edgekit_converters.android.wrapper.kotlin import KOTLIN
from edgekit_converters.android.wrapper.names import check_class_name, check_package
from edgekit_converters.android.wrapper.options import read_labels, read_preprocessing
from edgekit_converters.exporters import Exporter, Source

__all__ = ["EXPORTER", "Android"]

_ARTIFACT = r"^[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+:[A-Za-z0-9_.+-]+$"


class Android(Exporter):
    """A module for an Android build."""

    summary: ClassVar[str] = "A Gradle module for Android: the model, a typed wrapper, its preprocessing, a self-test."
    wants_golden: ClassVar[bool] = True

    name: Annotated[str, AfterValidator(check_class_name)] = Field(
        "Model", description="what the wrapper's class is called"
    )
    package: Annotated[str, AfterValidator(check_package)] = Field(
        "com.example.model", description="the wrapper's package, and the module's namespace"
    )
    language: Literal["java", "kotlin"] = Field("java", description="what the wrapper is written in")
    labels: str | None = Field(
        None, description="a text file with the name of a class in each line, for a model without a sidecar"
    )
    preprocessing: str | None = Field(
        None,
        description="what is done to a sample, for a model without a sidecar: YAML, '[cast, rescale]', or its file",
    )

    aar: bool = Field(False, description="write an AAR with its POM, as in a Maven repository, in place of sources")
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,39}$")] = Field(
        "1.0.0", description="of the AAR"
    )

    tflite: Annotated[str, Field(pattern=_ARTIFACT, max_length=200)] = Field(
        TFLITE, description="the library that is depended on, with the package org.tensorflow.lite"
    )

    @model_validator(mode="after")
    def _compiled(self) -> Android:
        if self.aar and self.language == "kotlin":
            raise ValueError("an AAR is written in Java, which Kotlin calls as its own; leave out --language or --aar")
        return self

    def check(self, source: Source, target: Target) -> list[Finding]:
        """Inputs and outputs are such as TFLite for Java has, of fixed sizes."""
        return contracts.findings(source.model)

    def write(self, source: Source, folder: Path) -> None:
        """Write sources, assets, build files and `edgekit.lock`; or the AAR."""
        assert source.golden is not None, "an exporter that wants golden vectors gets them"
        told = self._told(source)
        contract = contracts.contract_of(
            source.model,
            package=self.package,
            name=self.name,
            asset=module.asset(self.package, self.name),
            labels=told.label_names,
            task=told.task,
            preprocessing=told.preprocessing if source.sidecar or self.preprocessing else None,
            version=__version__,
        )
        if self.preprocessing is not None and contract.stages is None:
            raise ConversionError(
                "A wrapper prepares samples for a model with one input and a batch of 1.",
                received=f"--preprocessing for {len(contract.inputs)} inputs",
                remedy="Leave it out, and give the wrapper values that are prepared.",
            )
        made = source.golden
        vectors = golden.vectors(contract, made.vectors, made.builtin, made.xnnpack)
        assets = {contract.asset: source.model.content, module.golden(self.package, self.name): vectors}
        language = {"java": JAVA, "kotlin": KOTLIN}[self.language]
        code = sources(language, contract, module.golden(self.package, self.name))
        if self.aar:
            aar.write(folder, contract, self.version, self.tflite, code, assets)
        else:
            module.write(folder, contract, self.language, self.tflite, code, assets)

    def _told(self, source: Source) -> Sidecar:
        """What is known beside the file: its sidecar, and what the options say instead."""
        beside = source.sidecar or Sidecar(Preprocessing(), (), UNKNOWN)
        labels = beside.label_names if self.labels is None else read_labels(Path(self.labels))
        preprocessing = beside.preprocessing
        if self.preprocessing is not None:
            preprocessing = read_preprocessing(self.preprocessing)
        return Sidecar(preprocessing, labels, beside.task, beside.state, beside.parity)


EXPORTER = Android
