"""Why a class of Keras has no row in the tables: nobody has to guess whether it was forgotten."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["REASONS", "reason_against"]

_CODE = "it holds code"
_READS = "it reads a file that the model names"
_ABSTRACT = "it is a base class, of which no model has an instance"
_TRAINING = "it belongs to training, which a model file has no say in"
_FUNCTION = "it calls a function that the file names"

_BY_REASON = {
    _CODE: "Lambda __lambda__ TorchModuleWrapper JaxLayer FlaxLayer ModuleWrapper ResidualWrapper DropoutWrapper "
    "DeviceWrapper",
    _READS: "TFSMLayer ReloadedLayer",
    _FUNCTION: "ClassMethod InstanceMethod InstanceProperty AssociativeScan Cond CustomGradientFunction ForiLoop "
    "Function JVP Map Scan Switch VectorizedMap WhileLoop",
    _ABSTRACT: "AbstractRNNCell Layer Wrapper PreprocessingLayer IndexLookup Merge _Merge BaseConv Conv "
    "BaseConvTranspose BaseDepthwiseConv DepthwiseConv BaseSeparableConv SeparableConv BasePooling Pooling1D "
    "Pooling2D Pooling3D BaseGlobalPooling GlobalPooling1D GlobalPooling2D GlobalPooling3D BaseAdaptivePooling "
    "BaseAdaptiveAveragePooling BaseAdaptiveMaxPooling BaseSpatialDropout BaseRandomLayer BaseDenseAttention "
    "BaseImagePreprocessingLayer BatchNormalizationBase ConvLSTM ConvRNN _CuDNNRNN DataLayer Operation "
    "SegmentReduction Initializer RandomInitializer Regularizer Constraint Quantizer _RNNCellWrapper "
    "_RNNCellWrapperV1 LayerRNNCell RNNCell _BaseFeaturesLayer",
    _TRAINING: "Distiller SharpnessAwareMinimization DistributedCallbackModel GPTQQuantizer",
    "it makes its output anew from a range or a shape, and takes no tensor": "Arange Full",
    "it keeps a state of training": "DynamicEmbedding DynamicLookup",
    "it is made of feature columns, which Keras has given up": "DenseFeatures SequenceFeatures LinearModel "
    "WideDeepModel",
    "it is a pipeline of data, whose layers can be loaded one by one": "Pipeline FeatureSpace PreprocessingStage "
    "FunctionalPreprocessingStage TFDConcat TFDIdentity",
    "it belongs to graphs of TensorFlow 1": "BasicLSTMCell BasicRNNCell MultiRNNCell VariableScopeLayer",
    "it is an example in Keras's own sources": "MySubclassModel _SimpleModel",
    "it holds weights packed by a quantiser of its own, which no `.tflite` can carry": "AbsMaxQuantizer "
    "AWQDTypePolicy GPTQDTypePolicy Int4DTypePolicy",
}
REASONS: Mapping[str, str] = {name: why for why, names in _BY_REASON.items() for name in names.split()}
"""By class name."""


def reason_against(name: str) -> str:
    """Why a class is not on the list, as the second half of a sentence; "" where Keras has no such class."""
    return REASONS.get(name.rpartition(">")[2], "")
