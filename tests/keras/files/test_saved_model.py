"""SavedModels as messages: honest ones pass; dangerous operators, hidden calls and false sizes are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import ModelError
from edgekit.keras.files.operators import ALLOWED, SAVER
from edgekit.keras.files.protobuf import message_class
from edgekit.keras.files.saved_model import check_saved_model

DANGEROUS = """
    ReadFile WriteFile MatchingFiles ImmutableConst PyFunc PyFuncStateless EagerPyFunc Print PrintV2 DebugIdentityV3
    DumpTensor TFRecordReaderV2 WholeFileReaderV2 TextLineReader FixedLengthRecordReaderV2 IdentityReaderV2
    TextLineDataset TFRecordDatasetV2 FixedLengthRecordDatasetV2 CSVDataset SqlDataset SnapshotDatasetV2
    SaveDatasetV2 LoadDataset MatchingFilesDataset DatasetToTFRecord DatasetFromGraph DataServiceDatasetV4
    GeneratorDataset InitializeTableFromTextFileV2 InitializeTableFromDataset GenerateVocabRemapping
    LoadAndRemapMatrix CreateSummaryFileWriter CreateSummaryDbWriter RpcClient RpcServer RpcCall RemoteCall Send Recv
    _Send _HostRecv CollectiveReduceV2 FileSystemSetConfiguration Restore RestoreSlice Save SaveSlices RestoreV2
    SaveV2 MergeV2Checkpoints ShardedFilename DTensorRestoreV2 XlaCustomCallV2 XlaCallModule XlaLaunch TPUExecute
    Iterator IteratorV2 OneShotIterator AnonymousIteratorV3 MakeIterator IteratorFromStringHandleV2
    DecodeImage DecodePng EncodeJpeg DecodeProtoV2 MlirPassthroughOp CustomAggregator NoSuchOperator
""".split()
SAVE, RESTORE = "__inference__traced_save_1", "__inference__traced_restore_2"


def graph() -> Any:
    """A SavedModel with the parts of a real one: a saver, a signature, an initialiser and a function that branches."""
    message = message_class("tensorflow.core.protobuf.saved_model_pb2", "SavedModel")()
    meta = message.meta_graphs.add()
    meta.saver_def.filename_tensor_name = "saver_filename:0"
    meta.saver_def.save_tensor_name = "StatefulPartitionedCall_1:0"
    meta.saver_def.restore_op_name = "StatefulPartitionedCall_2"
    main = meta.graph_def
    node(main.node, "x", "Placeholder")
    node(main.node, "saver_filename", "Placeholder")
    call(node(main.node, "StatefulPartitionedCall", "StatefulPartitionedCall", "x"), "serve")
    node(main.node, "out", "Identity", "StatefulPartitionedCall")
    call(node(main.node, "StatefulPartitionedCall_1", "StatefulPartitionedCall", "saver_filename"), SAVE)
    call(node(main.node, "StatefulPartitionedCall_2", "StatefulPartitionedCall", "saver_filename"), RESTORE)
    call(node(main.node, "start", "PartitionedCall"), "initializer")
    node(main.node, "init", "NoOp", "^start")
    meta.signature_def["serving_default"].outputs["y"].name = "out:0"
    meta.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name = "init"
    serve = function(meta, "serve", "x")
    branches = node(serve.node_def, "cond", "StatelessIf", "x")
    branches.attr["then_branch"].func.name, branches.attr["else_branch"].func.name = "cond_true", "cond_false"
    for name in ("cond_true", "cond_false", "initializer", "unreached"):
        node(function(meta, name, "x").node_def, "same", "Identity", "x")
    saving = function(meta, SAVE, "file_prefix").node_def
    node(saving, "isS3", "StaticRegexFullMatch", "file_prefix")
    constant(saving, "part", ".part")
    constant(saving, "temporary", "_temp/part")
    node(saving, "Select", "Select", "isS3:output:0", "part:output:0", "temporary:output:0")
    node(saving, "StringJoin", "StringJoin", "file_prefix", "Select:output:0")
    node(saving, "ShardedFilename", "ShardedFilename", "StringJoin:output:0")
    node(saving, "SaveV2", "SaveV2", "ShardedFilename:filename:0")
    node(saving, "prefixes", "Pack", "ShardedFilename:filename:0", "^SaveV2")
    node(saving, "Merge", "MergeV2Checkpoints", "prefixes:output:0", "file_prefix")
    node(function(meta, RESTORE, "file_prefix").node_def, "RestoreV2", "RestoreV2", "file_prefix")
    return message


def node(nodes: Any, name: str, op: str, *inputs: str) -> Any:
    return nodes.add(name=name, op=op, input=inputs)


def call(caller: Any, name: str) -> None:
    caller.attr["f"].func.name = name


def constant(nodes: Any, name: str, text: str) -> None:
    node(nodes, name, "Const").attr["value"].tensor.string_val.append(text.encode())


def function(meta: Any, name: str, argument: str) -> Any:
    added = meta.graph_def.library.function.add()
    added.signature.name = name
    added.signature.input_arg.add(name=argument)
    return added


def named(meta: Any, name: str) -> Any:
    """A function of the library, or else a node of the main graph, by name."""
    both = [(f.signature.name, f) for f in meta.graph_def.library.function]
    both += [(n.name, n) for n in meta.graph_def.node]
    return dict(both)[name]


def inner(meta: Any, owner: str, name: str) -> Any:
    return next(n for n in named(meta, owner).node_def if n.name == name)


def write(folder: Path, message: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "saved_model.pb").write_bytes(message.SerializeToString())
    return folder


def test_an_honest_graph_passes(tmp_path: Path) -> None:
    facts = check_saved_model(write(tmp_path / "m", graph()))
    assert facts.bytes > 0 and facts.keras_configs == ()


PLACES: dict[str, Callable[[Any], Any]] = {
    "main graph": lambda meta: meta.graph_def.node,
    "function of a signature": lambda meta: named(meta, "serve").node_def,
    "branch": lambda meta: named(meta, "cond_false").node_def,
    "initialiser": lambda meta: named(meta, "initializer").node_def,
    "function that nothing calls": lambda meta: named(meta, "unreached").node_def,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("op", DANGEROUS)
def test_dangerous_operators_are_refused_wherever_they_stand(tmp_path: Path, op: str, place: str) -> None:
    message = graph()
    node(PLACES[place](message.meta_graphs[0]), "attack", op, "x")
    with pytest.raises(ModelError, match=f"operator '{op}' in .*'attack'.*--unsafe"):
        check_saved_model(write(tmp_path / "m", message))


def test_the_second_graph_is_looked_at_too(tmp_path: Path) -> None:
    message = graph()
    node(message.meta_graphs.add().graph_def.node, "attack", "ReadFile")
    with pytest.raises(ModelError, match="'ReadFile'"):
        check_saved_model(write(tmp_path / "m", message))


def constant_prefix(meta: Any) -> None:
    constant(named(meta, RESTORE).node_def, "path", "/etc/passwd")
    inner(meta, RESTORE, "RestoreV2").input[0] = "path:output:0"


def joined_prefix(meta: Any) -> None:
    constant(named(meta, RESTORE).node_def, "path", ".part")
    node(named(meta, RESTORE).node_def, "join", "StringJoin", "file_prefix", "path:output:0")
    inner(meta, RESTORE, "RestoreV2").input[0] = "join:output:0"


def ending_that_climbs(meta: Any) -> None:
    inner(meta, SAVE, "part").attr["value"].tensor.string_val[0] = b"/../../.ssh/authorized_keys"


def join_that_begins_elsewhere(meta: Any) -> None:
    constant(named(meta, SAVE).node_def, "path", "/tmp/x")
    inner(meta, SAVE, "StringJoin").input[0] = "path:output:0"


def merge_elsewhere(meta: Any) -> None:
    constant(named(meta, SAVE).node_def, "path", "/tmp/x")
    inner(meta, SAVE, "Merge").input[1] = "path:output:0"


def caller_with_a_constant(meta: Any) -> None:
    constant(meta.graph_def.node, "path", "/etc/passwd")
    named(meta, "StatefulPartitionedCall_2").input[0] = "path"


def file_name_that_is_a_constant(meta: Any) -> None:
    named(meta, "saver_filename").op = "Const"


def bare_restore(meta: Any) -> None:
    meta.saver_def.restore_op_name = "restore"
    node(meta.graph_def.node, "restore", "RestoreV2", "saver_filename")


def signature_that_restores(meta: Any) -> None:
    meta.signature_def["serving_default"].outputs["y"].name = "StatefulPartitionedCall_2:0"


def node_behind_the_saver(meta: Any) -> None:
    named(meta, "init").input.append("^StatefulPartitionedCall_2")


def identity_behind_the_saver(meta: Any) -> None:
    node(meta.graph_def.node, "saved", "Identity", "StatefulPartitionedCall_1")
    meta.saver_def.save_tensor_name = "saved:0"
    meta.signature_def["serving_default"].outputs["y"].name = "saved:0"


def collection_that_restores(meta: Any) -> None:
    meta.collection_def["saved_model_main_op"].node_list.value.append("StatefulPartitionedCall_2")


def function_that_calls(meta: Any) -> None:
    call(node(named(meta, "serve").node_def, "hidden", "PartitionedCall", "x"), RESTORE)


def function_as_an_operator(meta: Any) -> None:
    node(named(meta, "serve").node_def, "hidden", RESTORE, "x")


def branch_that_is_the_saver(meta: Any) -> None:
    inner(meta, "serve", "cond").attr["then_branch"].func.name = SAVE


def list_of_branches(meta: Any) -> None:
    node(named(meta, "serve").node_def, "case", "Case", "x").attr["branches"].list.func.add(name=SAVE)


def backward_function(meta: Any) -> None:
    inner(meta, "serve", "cond").attr["backward_function_name"].s = RESTORE.encode()


def other_name_of_the_saver(meta: Any) -> None:
    named(meta, RESTORE).attr["api_implements"].s = b"lstm_1"


def gradient(meta: Any) -> None:
    meta.graph_def.library.gradient.add(function_name="serve", gradient_func=RESTORE)


def keras_function(meta: Any) -> None:
    meta.object_graph_def.nodes.add().function.concrete_functions.append(RESTORE)


def bare_function(meta: Any) -> None:
    meta.object_graph_def.nodes.add().bare_concrete_function.concrete_function_name = RESTORE


def concrete_function(meta: Any) -> None:
    meta.object_graph_def.concrete_functions[RESTORE].canonicalized_input_signature.SetInParent()


def two_functions_of_one_name(meta: Any) -> None:
    node(function(meta, SAVE, "file_prefix").node_def, "attack", "SaveV2", "file_prefix")


def two_nodes_of_one_name(meta: Any) -> None:
    call(node(meta.graph_def.node, "StatefulPartitionedCall_2", "PartitionedCall"), RESTORE)


def resource_constant(meta: Any) -> None:
    node(meta.graph_def.node, "handle", "Const").attr["value"].tensor.dtype = 20


def absolute_asset(meta: Any) -> None:
    meta.asset_file_def.add(filename="/etc/passwd")


def climbing_asset(meta: Any) -> None:
    meta.asset_file_def.add(filename="../../etc/passwd")


def climbing_asset_of_windows(meta: Any) -> None:
    meta.asset_file_def.add(filename="..\\x")


HIDDEN = [
    constant_prefix, joined_prefix, ending_that_climbs, join_that_begins_elsewhere, merge_elsewhere,
    caller_with_a_constant, file_name_that_is_a_constant, bare_restore, signature_that_restores,
    node_behind_the_saver, identity_behind_the_saver, collection_that_restores, function_that_calls,
    function_as_an_operator, branch_that_is_the_saver, list_of_branches, backward_function, other_name_of_the_saver,
    gradient, keras_function, bare_function, concrete_function, two_functions_of_one_name, two_nodes_of_one_name,
    resource_constant, absolute_asset, climbing_asset, climbing_asset_of_windows,
]  # fmt: skip


@pytest.mark.parametrize("attack", HIDDEN, ids=lambda attack: attack.__name__)
def test_nothing_besides_the_saver_reaches_files(tmp_path: Path, attack: Callable[[Any], None]) -> None:
    message = graph()
    attack(message.meta_graphs[0])
    with pytest.raises(ModelError, match="checkpoint|saver|Assets|constant holds|differ in name"):
        check_saved_model(write(tmp_path / "m", message))


@pytest.mark.parametrize("keep", [0, 1, 7, 50, 300])
def test_a_damaged_graph_is_one_error(tmp_path: Path, keep: int) -> None:
    folder = write(tmp_path / "m", graph())
    file = folder / "saved_model.pb"
    file.write_bytes(file.read_bytes()[:keep] + b"\xff" * (keep > 0))
    with pytest.raises(ModelError, match="complete SavedModel"):
        check_saved_model(folder)


def link_out(folder: Path) -> None:
    (folder / "variables").symlink_to("/etc")


def link_to_file(folder: Path) -> None:
    (folder / "assets").mkdir()
    (folder / "assets" / "words.txt").symlink_to("/etc/passwd")


def pipe(folder: Path) -> None:
    (folder / "variables").mkdir()
    os.mkfifo(folder / "variables" / "variables.index")


def link_to_device(folder: Path) -> None:
    (folder / "keras_metadata.pb").symlink_to("/dev/zero")


@pytest.mark.parametrize("attack", [link_out, link_to_file, pipe, link_to_device], ids=lambda attack: attack.__name__)
def test_links_out_of_the_folder_and_pipes_are_refused(tmp_path: Path, attack: Callable[[Path], None]) -> None:
    folder = write(tmp_path / "m", graph())
    attack(folder)
    with pytest.raises(ModelError, match="SavedModel"):
        check_saved_model(folder)


def test_a_missing_graph_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="complete SavedModel"):
        check_saved_model(tmp_path)


HONEST = """
import sys
from pathlib import Path
from edgekit.keras.files.operators import ALLOWED, SAVER
from edgekit.keras.files.saved_model import check_saved_model
assert "tensorflow" not in sys.modules
try:
    check_saved_model(Path(sys.argv[1]) / "none")
except Exception: pass
from edgekit.keras.files.protobuf import message_class
message_class("tensorflow.core.protobuf.saved_model_pb2", "SavedModel")
message_class("tf_keras.protobuf.saved_metadata_pb2", "SavedMetadata")
assert not any(name in sys.modules for name in ("tensorflow", "tf_keras", "tensorflow.core"))
import tensorflow as tf, tf_keras as keras
from tensorflow.python.framework import op_def_registry
unknown = [name for name in sorted(ALLOWED | SAVER) if op_def_registry.get(name) is None]
assert not unknown, unknown
layers = keras.layers
text = layers.TextVectorization(output_sequence_length=3)
text.adapt(["a b", "c"])
model = keras.Sequential([keras.Input((1,), dtype="string"), text, layers.Embedding(9, 2), layers.Dropout(0.2)])
folder = Path(sys.argv[1]) / "text"
model.save(folder, save_format="tf")
facts = check_saved_model(folder)
assert facts.keras_configs[0].path == "root" and facts.keras_configs[0].config["class_name"], facts
keras.models.load_model(folder)
class Module(tf.Module):
    def __init__(self):
        self.weights = tf.Variable([1.0, 2.0])
        self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0)
    @tf.function(input_signature=[tf.TensorSpec([None, 2])])
    def __call__(self, x):
        return tf.while_loop(lambda x: tf.reduce_sum(x) < 10, lambda x: (x + self.weights,), (x,))[0]
tf.saved_model.save(Module(), sys.argv[1] + "/module")
check_saved_model(Path(sys.argv[1]) / "module")
"""


def test_honest_models_pass_and_tensorflow_still_loads_them(tmp_path: Path) -> None:
    """In a process of its own: the messages come before TensorFlow there, as in the child that reads a file."""
    run = subprocess.run(
        [sys.executable, "-c", HONEST, str(tmp_path)], capture_output=True, text=True, timeout=600,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]


def test_what_reads_or_writes_files_is_not_allowed() -> None:
    assert not ALLOWED & {*DANGEROUS, *SAVER}
    suspect = ("Read", "File", "Dataset", "Iterator", "Py", "Print", "Debug", "Summary", "Send", "Recv", "Rpc", "Xla")
    assert {n for n in ALLOWED if any(w in n for w in suspect)} <= {
        "ReadVariableOp", "TensorArrayRead", "TensorArrayReadV2", "TensorArrayReadV3", "RngReadAndSkip",
        "DisableCopyOnRead", "IteratorGetNext", "IteratorGetNextAsOptional",
    }  # fmt: skip
