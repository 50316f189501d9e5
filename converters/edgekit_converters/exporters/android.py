"""android: a Gradle module with the model, a typed wrapper, the model's own preprocessing, and golden vectors."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from edgekit import __version__
from edgekit.errors import Finding
from edgekit.target import Target
from edgekit.tflite.old_runtimes import WRONG, wrong_answers
from edgekit_converters.android.built.runtimes import version_of
from edgekit_converters.android.described import described
from edgekit_converters.android.wrapper import aar, golden, litert2, module
from edgekit_converters.android.wrapper import contract as contracts
from edgekit_converters.android.wrapper.aar import TFLITE
from edgekit_converters.android.wrapper.emitter import sources
from edgekit_converters.android.wrapper.java import JAVA
from edgekit_converters.android.wrapper.java import compiler as java
from edgekit_converters.android.wrapper.kotlin import KOTLIN
from edgekit_converters.android.wrapper.kotlin import compiler as kotlin
from edgekit_converters.android.wrapper.litert2 import LITERT
from edgekit_converters.android.wrapper.names import check_class_name, check_library, check_package, check_version
from edgekit_converters.exporters import Source
from edgekit_converters.told import DescribedExporter

__all__ = ["EXPORTER", "Android"]

_VERSION = re.compile(r"[0-9]+(\.[0-9]+){0,2}", re.ASCII)
"""The numbers that a version begins with, as those of 2.6.0-rc1."""


class Android(DescribedExporter):
    """A module for an Android build."""

    summary: ClassVar[str] = "A Gradle module for Android: the model, a typed wrapper, its preprocessing, a self-test."
    wants_golden: ClassVar[bool] = True

    name: Annotated[str, AfterValidator(check_class_name)] = Field(
        default="Model", description="what the wrapper's class is called"
    )
    package: Annotated[str, AfterValidator(check_package)] = Field(
        default="com.example.model", description="the wrapper's package, and the module's namespace"
    )
    language: Literal["java", "kotlin"] = Field(default="java", description="what the wrapper is written in")

    gpu: bool = Field(
        default=False, description="let the wrapper ask for a GPU, by the library that goes with --tflite"
    )

    metadata: bool = Field(
        default=False,
        description="write TFLite metadata into the model: normalisation, labels, ranges, the oldest runtime",
    )

    aar: bool = Field(
        default=False, description="write an AAR with its POM, as in a Maven repository, in place of sources"
    )
    version: Annotated[str, AfterValidator(check_version)] = Field(default="1.0.0", description="of the AAR")

    interpreter: Literal["tflite", "litert2"] = Field(
        default="tflite",
        description="what runs the model: TFLite's interpreter, or LiteRT 2's CompiledModel, which was compiled "
        "against signatures written by hand and never run on LiteRT itself",
    )

    tflite: Annotated[str, AfterValidator(check_library)] | None = Field(
        default=None,
        description=f"the library that is depended on, with the package org.tensorflow.lite ({TFLITE}), or for "
        f"litert2 com.google.ai.edge.litert ({LITERT})",
    )

    @property
    def unit(self) -> str:
        """A module has one wrapper, whatever it is called; a repository has each AAR in each version."""
        return f"{self.package}:{self.name}:{self.version}" if self.aar else "module"

    def check(self, source: Source, target: Target) -> list[Finding]:
        """Inputs and outputs are such as TFLite for Java has, of fixed sizes; the library is none known to be wrong."""
        group, _, version = self._library.split(":")
        told = _VERSION.match(version) if group == "org.tensorflow" else None
        is_old = told is not None and version_of(told[0])[:2] <= WRONG
        wrong = wrong_answers(source.model) if is_old else ()
        found = [*contracts.findings(source.model), *wrong]
        return found if self.interpreter == "tflite" else [*found, *litert2.findings(source.model)]

    def warnings(self, source: Source) -> list[Finding]:
        """What old interpreters answer wrongly without a word, as an app may ship or be given one; LiteRT 2 is none."""
        return list(wrong_answers(source.model)) if self.interpreter == "tflite" else []

    def write(self, source: Source, folder: Path) -> None:
        """Write sources, assets, build files and `edgekit.lock`; or the AAR."""
        assert source.golden is not None, "an exporter that wants golden vectors gets them"
        model, told = source.model, self.told(source)
        contract = contracts.contract_of(
            model,
            package=self.package,
            name=self.name,
            asset=module.asset(self.package, self.name),
            labels=told.labels,
            task=told.task,
            preprocessing=told.preprocessing,
            version=__version__,
            gpu=self.gpu,
            entry=litert2.entry_of(model) if self.interpreter == "litert2" else None,
        )
        if self.metadata:
            model = described(model, contract)
            contract = replace(contract, sha256=model.sha256, model_bytes=len(model.content))
        made = source.golden
        vectors = golden.vectors(contract, made.vectors, made.builtin, made.xnnpack)
        assets = {contract.asset: model.content, module.golden(self.package, self.name): vectors}
        language = {"java": JAVA, "kotlin": KOTLIN}[self.language]
        code = sources(language, contract, module.golden(self.package, self.name))
        rules = {"tflite": aar.RULES, "litert2": litert2.RULES}[self.interpreter]
        if self.aar:
            libraries = dict.fromkeys(self._libraries, "aar")
            if self.language == "kotlin":
                libraries[kotlin.LIBRARY] = "jar"
                classes = kotlin.compiled(code, aar.namespace(contract))
            else:
                classes = java.compiled(code)
            aar.write(folder, contract, self.version, libraries, classes, assets, rules)
        else:
            module.write(folder, contract, self.language, self._libraries, code, assets, rules)

    @property
    def _libraries(self) -> list[str]:
        """What the wrapper depends on; the library for GPUs is of the same group and version."""
        group, name, version = self._library.split(":")
        apart = self.gpu and self.interpreter == "tflite"  # LiteRT 2 has its own in one library
        return [self._library, f"{group}:{name}-gpu:{version}"] if apart else [self._library]

    @property
    def _library(self) -> str:
        return self.tflite or {"tflite": TFLITE, "litert2": LITERT}[self.interpreter]


EXPORTER = Android
