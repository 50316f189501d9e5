"""The folder of an Android module: build file, manifest, assets, sources, rules, and the lock of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edgekit_converters.android.lock import Lock, lock_model, lock_text
from edgekit_converters.android.wrapper.aar import MIN_SDK, RULES, namespace
from edgekit_converters.android.wrapper.contract import Contract

__all__ = ["asset", "golden", "write"]


def asset(package: str, name: str) -> str:
    """Path of a model among the assets, which all modules of an app share: below `edgekit`, by package and wrapper."""
    return f"edgekit/{package}/{name}.tflite"


def golden(package: str, name: str) -> str:
    """Path of the golden vectors among the assets."""
    return f"edgekit/{package}/{name}.golden"


def write(
    folder: Path,
    contract: Contract,
    language: str,
    libraries: Sequence[str],
    sources: Mapping[str, str],
    assets: Mapping[str, bytes],
    rules: str = RULES,
) -> None:
    """Write the module: the same bytes for the same model and options.

    Args:
        folder: Empty.
        contract: What is known of the model.
        language: Language of the sources, "java" or "kotlin".
        libraries: The artifacts of TFLite that it depends on.
        sources: Files of the wrapper, by name.
        assets: The model and what lies beside it, by path.
        rules: For ProGuard and R8.
    """
    code = "/".join(contract.package.split("."))
    locked = lock_model(contract.asset, assets[contract.asset])
    texts = {
        "build.gradle.kts": _build(contract, language, libraries),
        "consumer-rules.pro": rules,
        "edgekit.lock": lock_text(Lock(models=(locked,))),
        "README.md": _readme(contract),
        "src/main/AndroidManifest.xml": '<?xml version="1.0" encoding="utf-8"?>\n<manifest />\n',
        f"src/androidTest/java/{code}/{contract.name}OnDevice.java": _device_test(contract),
        **{f"src/main/{language}/{code}/{name}": text for name, text in sources.items()},
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for name, content in assets.items():
        path = folder / "src" / "main" / "assets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _build(contract: Contract, language: str, libraries: Sequence[str]) -> str:
    kotlin = '\n    id("org.jetbrains.kotlin.android") // the Android plugin 9 has it built in: leave it out there'
    needed = "\n".join(f'    implementation("{library}")' for library in libraries)
    plugin = kotlin if language == "kotlin" else ""
    return f"""// Made by EdgeKit {contract.version}. The version of the Android plugin is the project's own.
plugins {{
    id("com.android.library"){plugin}
}}

android {{
    namespace = "{namespace(contract)}"
    compileSdk = 34

    defaultConfig {{
        minSdk = {MIN_SDK}
        consumerProguardFiles("consumer-rules.pro")
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
    }}

    compileOptions {{
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }}

    // A deflated model cannot be mapped. Android's plugin stores it by itself since 4.1.
    androidResources {{
        noCompress.add("tflite")
    }}
}}

dependencies {{
{needed}
    androidTestImplementation("androidx.test:runner:1.6.2")
    androidTestImplementation("androidx.test.ext:junit:1.2.1")
}}
"""


def _device_test(contract: Contract) -> str:
    return f"""// Made by EdgeKit {contract.version}. Do not edit.
package {contract.package};

import static org.junit.Assert.assertEquals;

import androidx.test.ext.junit.runners.AndroidJUnit4;
import androidx.test.platform.app.InstrumentationRegistry;
import java.util.Collections;
import org.junit.Test;
import org.junit.runner.RunWith;

/** On a device: ./gradlew connectedCheck. */
@RunWith(AndroidJUnit4.class)
public final class {contract.name}OnDevice {{
  @Test
  public void theModelAnswersAsItsGoldenVectorsSay() throws Exception {{
    {contract.name} model = {contract.name}.open(InstrumentationRegistry.getInstrumentation().getTargetContext());
    try {{
      assertEquals(Collections.<String>emptyList(), model.selfTest());
    }} finally {{
      model.close();
    }}
  }}
}}
"""


def _readme(contract: Contract) -> str:
    raw = contract.stages.raw if contract.stages else None
    if contract.classifies and contract.takes_images:
        use = f"int best = model.classify(bitmap);{' // ' + contract.name + '.label(best)' if contract.labels else ''}"
    elif raw is not None:
        size = ", height, width" if None in raw.shape and not raw.text else ""
        use = f"model.prepare(sample{size});\n    model.run();"
    else:
        use = f"model.setInput{contract.inputs[0].name}(values);\n    model.run();"
    return f"""# {contract.name}

A module with a model, made by EdgeKit {contract.version} from the `.tflite` with sha256 `{contract.sha256}`.

1. Put this folder into your project, here as `{contract.name.lower()}`, and name it in `settings.gradle.kts`:
   `include(":{contract.name.lower()}")`. `edgekit android init PROJECT --module FOLDER` shows such lines with your
   own paths.
2. In the app: `implementation(project(":{contract.name.lower()}"))`. Where its Android plugin is older than 4.1, which
   would deflate the model, also `android {{ aaptOptions {{ noCompress "tflite" }} }}`.
3. In your code:

```java
{contract.name} model = {contract.name}.open(context);
try {{
    {use}
}} finally {{
    model.close();
}}
```

`./gradlew :{contract.name.lower()}:connectedCheck` runs the golden vectors on a device, `edgekit android verify APP.apk
--lock edgekit.lock` says whether the app that you built ships this very model as it should.
"""
