"""ai_pack: a module for Play's AI delivery, which brings the model to devices beside the app."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from edgekit import __version__
from edgekit.errors import Finding
from edgekit.identifiers import Identifier
from edgekit.target import Target
from edgekit.tflite.old_runtimes import wrong_answers
from edgekit_converters.android.lock import Lock, lock_model, lock_text
from edgekit_converters.exporters import Exporter, Source

__all__ = ["EXPORTER", "AiPack"]

LARGEST = 1_500_000_000
"""Bytes that Play takes in one pack (Play for On-device AI, "Considerations"); it counts them packed."""


def _check_pack(name: str) -> str:
    """A name that a bundle has no other module of."""
    if name == "base":
        raise ValueError("base is what a bundle calls the app itself; call the pack base_model, say")
    return name


class AiPack(Exporter):
    """A module of model files alone, of the plugin `com.android.ai-pack`."""

    summary: ClassVar[str] = "A module for Play's AI packs: the model file alone, delivered beside the app."

    name: Annotated[Identifier, AfterValidator(_check_pack)] = Field(
        default="model", description="what the pack and the file in it are called"
    )
    delivery: Literal["install-time", "fast-follow", "on-demand"] = Field(
        default="on-demand", description="when devices get it: with the app, straight after it, or when the app asks"
    )

    @property
    def unit(self) -> str:
        """A module has one model, whatever it is called."""
        return "module"

    def check(self, source: Source, target: Target) -> list[Finding]:
        """Play takes a pack of that size."""
        size = len(source.model.content)
        if size <= LARGEST:
            return []
        rule = f"Play takes AI packs of at most {LARGEST:,} bytes."
        return [Finding(rule, f"{size:,} bytes", "Compress the model further.")]

    def warnings(self, source: Source) -> list[Finding]:
        """What old interpreters answer wrongly: an app that is out already opens the pack with the one that it has."""
        return list(wrong_answers(source.model))

    def write(self, source: Source, folder: Path) -> None:
        """Write the build file, the model among the assets, `edgekit.lock` and a README."""
        asset = f"{self.name}.tflite"
        assets = folder / "src" / "main" / "assets"
        assets.mkdir(parents=True)
        (assets / asset).write_bytes(source.model.content)
        lock = Lock(models=(lock_model(asset, source.model.content),))
        texts = {"build.gradle.kts": self._build(), "edgekit.lock": lock_text(lock), "README.md": self._readme(source)}
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8", newline="\n")

    def _build(self) -> str:
        return f"""// Made by EdgeKit {__version__}. It needs version 8.8 of the Android plugin, or a newer one.
plugins {{
    id("com.android.ai-pack")
}}

aiPack {{
    packName = "{self.name}"
    dynamicDelivery {{
        deliveryType = "{self.delivery}"
    }}
}}
"""

    def _readme(self, source: Source) -> str:
        return f"""# {self.name}

A pack for Play's AI delivery, made by EdgeKit {__version__} from the `.tflite` with sha256 `{source.model.sha256}`.

1. Copy this folder into your project as `{self.name}`; `include(":{self.name}")` in `settings.gradle.kts` names it.
2. In the project's build file: `id("com.android.ai-pack") version VERSION apply false`, the version that of your
   Android plugin. In the app's: `android {{ assetPacks += ":{self.name}" }}`{self._dependency()}.
3. {self._use()}

`edgekit export android` writes the class that opens the file, prepares samples and reads scores: it refuses a file of
another signature, and one with another sha256 unless it is told to take it.
"""

    def _dependency(self) -> str:
        if self.delivery == "install-time":
            return ""
        return ', and `implementation("com.google.android.play:ai-delivery:VERSION")`'

    def _use(self) -> str:
        if self.delivery == "install-time":
            return f'The model is an asset of the app: `context.getAssets().openFd("{self.name}.tflite")`.'
        return f"""Where the pack has arrived, its file is opened from its place:

```java
AiPackLocation pack = AiPackManagerFactory.getInstance(context).getPackLocation("{self.name}");
if (pack != null) {{
  File file = new File(pack.assetsPath(), "{self.name}.tflite");
  DigitClassifier model = DigitClassifier.open(file, new DigitClassifier.Options());
}}
```"""


EXPORTER = AiPack
