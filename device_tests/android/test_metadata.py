"""TFLite metadata that EdgeKit writes, read by the library that Android's own tools are made from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tflite_files import dense_model, packed

import edgekit
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.sidecar import Sidecar, write_sidecar
from edgekit.tflite.metadata import original

READER = """
import json, sys
from tensorflow_lite_support.metadata.python.metadata import MetadataDisplayer
from tensorflow_lite_support.metadata.cc.python import _pywrap_metadata_version as versions
shown = MetadataDisplayer.with_model_file(sys.argv[1])
files = {name: shown.get_associated_file_buffer(name).decode() for name in shown.get_packed_associated_file_list()}
parser = versions.GetMinimumMetadataParserVersion(shown.get_metadata_buffer())
print(json.dumps({"metadata": json.loads(shown.get_metadata_json()), "files": files, "parser": parser}))
"""


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="tflite-support 0.4.4 was built for Python up to 3.11")
def test_the_standard_reader_reads_what_the_exporter_writes(tmp_path: Path) -> None:
    made = dense_model()
    image = made.subgraphs[0].tensors[0]
    image.shape, image.shapeSignature = np.array([1, 2, 2, 1], np.int32), None
    model = tmp_path / "digits.tflite"
    model.write_bytes(packed(made))
    names = ("null", "größer", "$eins")
    write_sidecar(model, Sidecar(Preprocessing.parse([{"rescale": {"scale": 1 / 16}}]), names, "classification"))
    edgekit.export(model, {"android": {"name": "Digits", "metadata": True}}, tmp_path / "out")
    shipped = tmp_path / "out/src/main/assets/edgekit/com.example.model/Digits.tflite"
    library = tmp_path / "library"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*install, "--target", str(library), "tflite-support==0.4.4"], check=True, timeout=300)
    done = subprocess.run(
        [sys.executable, "-c", READER, str(shipped)],
        env=os.environ | {"PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    read = json.loads(done.stdout.splitlines()[-1])
    told = read["metadata"]
    assert read["files"] == {"labels.txt": "".join(f"{name}\n" for name in names)}
    assert read["parser"] == told["min_parser_version"] == "1.0.0" and told["name"] == "Digits"
    (graph,) = told["subgraph_metadata"]
    (given,), (answer,) = graph["input_tensor_metadata"], graph["output_tensor_metadata"]
    assert given["process_units"][0]["options"] == {"mean": [0.0], "std": [16.0]}
    assert given["content"]["content_properties"] == {"color_space": "GRAYSCALE"}
    assert answer["associated_files"] == [{"name": "labels.txt", "type": "TENSOR_AXIS_LABELS"}]
    assert original(shipped.read_bytes()) == model.read_bytes()
