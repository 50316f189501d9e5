"""The table of Keras layer kinds: which classes a model file may name, what their keys hold, which weights they have.

It is the allow list of foreign files: a class runs only by a row of it, and `refused.py` gives the reason for each
class that has none. Nothing here imports Keras.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from edgekit.keras.files.holds import KEYS, Holds

__all__ = ["EDGEKIT", "KINDS", "TF_MOT", "LayerKind", "keys_of", "table_lines"]

TF_KERAS_OPS = "tf_keras.src.layers.core.tf_op_layer"
TF_MOT = "tensorflow_model_optimization"
EDGEKIT = "edgekit"


@dataclass(frozen=True)
class LayerKind:
    """One layer class.

    Attributes:
        keys: Its configuration keys beside those that every layer has, with what they hold.
        weights: Shapes that its weights must have in the file, in terms of its keys: "*" is any axis, "units*4" four
            times the key `units`, "kernel_size" one axis for each number of that key. One array of the file must fit
            each. Empty where the sizes follow from the layer's input.
        home: The module that a Keras of today finds it in.
        found_by: Who makes it known to Keras: "keras", "edgekit" or "tensorflow_model_optimization".
    """

    keys: Mapping[str, Holds]
    weights: tuple[tuple[str, ...], ...] = ()
    home: str = "keras.layers"
    found_by: str = "keras"


COMMON = (
    "name trainable dtype activity_regularizer autocast dynamic batch_input_shape batch_shape input_shape input_dtype"
)
"""Keys of the base class, in either Keras and back to Keras 1."""

GROUPS = {
    "KERNEL": "kernel_initializer kernel_regularizer kernel_constraint",
    "BIAS": "use_bias bias_initializer bias_regularizer bias_constraint",
    "RECURRENT": "recurrent_initializer recurrent_regularizer recurrent_constraint",
    "DEPTHWISE": "depthwise_initializer depthwise_regularizer depthwise_constraint",
    "POINTWISE": "pointwise_initializer pointwise_regularizer pointwise_constraint",
    "GAMMA": "gamma_initializer gamma_regularizer gamma_constraint",
    "BETA": "beta_initializer beta_regularizer beta_constraint",
    "WINDOW": "kernel_size strides padding data_format dilation_rate groups rank",
    "POOL": "pool_size strides padding data_format keepdims pool_mode",
    "STEPS": "return_sequences return_state go_backwards stateful unroll time_major zero_output_for_mask input_dim "
    "input_length implementation use_cudnn",
    "DROPS": "dropout recurrent_dropout",
    "RANDOM": "seed rng_type force_generator",
    "IMAGE": "data_format bounding_box_format factor seed value_range rng_type force_generator",
    "LORA": "lora_rank lora_alpha quantization_config",
    "LOOKUP": "vocabulary idf_weights invert mask_token max_tokens num_oov_indices oov_method oov_token output_mode "
    "pad_to_max_tokens salt sparse vocabulary_dtype vocabulary_size encoding",
    "NORM": "axis epsilon center scale",
    "BATCH": "axis momentum epsilon center scale moving_mean_initializer moving_variance_initializer fused renorm "
    "renorm_clipping renorm_momentum virtual_batch_size synchronized adjustment",
    "ATTENTION": "num_heads key_dim value_dim dropout output_shape attention_axes seed flash_attention use_gate "
    "sliding_window softmax_robust_masking query_shape=SHAPE key_shape=SHAPE value_shape=SHAPE",
}

LAYERS = """
Activation: activation
ActivityRegularization: l1 l2
AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D: data_format output_size
AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D: data_format output_size
Add Average Maximum Minimum Multiply Subtract Identity Permute: dims
AdditiveAttention Attention: causal dropout score_mode use_scale RANDOM
AlphaDropout Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D: rate noise_shape data_format RANDOM
AugMix: IMAGE all_ops alpha chain_depth interpolation num_chains
AutoContrast CutMix RandomColorDegeneration RandomGrayscale RandomHue RandomInvert RandomPosterization: IMAGE
RandomSaturation RandomSharpness RandomBrightness RandomContrast: IMAGE
AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D: POOL
BatchNormalization SyncBatchNormalization: BATCH GAMMA BETA
BatchNormalizationV1 BatchNormalizationV2: BATCH GAMMA BETA
Bidirectional: layer backward_layer merge_mode
CategoryEncoding: num_tokens output_mode sparse max_tokens
CenterCrop: height width IMAGE
Concatenate: axis
ContrastLimitedAdaptiveHistogramEqualization: IMAGE clip_limit tile_grid_size
Conv1D: WINDOW KERNEL BIAS activation filters input_dim input_length LORA ; kernel_size * filters
Conv2D Conv3D: WINDOW KERNEL BIAS activation filters LORA ; kernel_size * filters
Conv1DTranspose Conv2DTranspose Conv3DTranspose: WINDOW KERNEL BIAS activation filters output_padding ; kernel_size
    filters *
ConvLSTM1D ConvLSTM2D ConvLSTM3D: WINDOW KERNEL RECURRENT BIAS STEPS DROPS activation recurrent_activation filters
    unit_forget_bias RANDOM ; kernel_size * filters*4
ConvLSTMCell: WINDOW KERNEL RECURRENT BIAS DROPS activation recurrent_activation filters unit_forget_bias RANDOM ;
    kernel_size * filters*4
Cropping1D Cropping2D Cropping3D: cropping data_format
CuDNNGRU: KERNEL RECURRENT BIAS STEPS units ; * units*3
CuDNNLSTM: KERNEL RECURRENT BIAS STEPS units unit_forget_bias ; * units*4
Dense: units activation KERNEL BIAS input_dim LORA ; * units
DepthwiseConv1D DepthwiseConv2D: WINDOW DEPTHWISE KERNEL BIAS activation depth_multiplier filters ; kernel_size *
    depth_multiplier
Discretization: bin_boundaries num_bins epsilon output_mode sparse
Dot: axes normalize
ELU LeakyReLU: alpha negative_slope
EinsumDense: equation output_shape bias_axes activation KERNEL BIAS LORA gptq_unpacked_column_size
Embedding: input_dim output_dim input_length mask_zero sparse embeddings_initializer embeddings_regularizer
    embeddings_constraint LORA ; input_dim output_dim
ReversibleEmbedding: input_dim output_dim mask_zero tie_weights reverse_dtype logit_soft_cap embeddings_initializer
    embeddings_regularizer embeddings_constraint LORA ; input_dim output_dim
Equalization: IMAGE bins
Flatten: data_format
GRU: units activation recurrent_activation KERNEL RECURRENT BIAS STEPS DROPS reset_after RANDOM ; * units*3
GRUCell: units activation recurrent_activation KERNEL RECURRENT BIAS DROPS reset_after implementation RANDOM ; * units*3
GaussianDropout: rate RANDOM
GaussianNoise: stddev RANDOM
GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D: data_format keepdims
GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D: data_format keepdims
GroupNormalization: groups NORM GAMMA BETA
GroupedQueryAttention: head_dim num_query_heads num_key_value_heads dropout use_bias flash_attention use_gate
    sliding_window seed KERNEL BIAS
HashedCrossing: num_bins output_mode sparse
Hashing: num_bins mask_value=PLAIN salt output_mode sparse
InputLayer: batch_size shape sparse ragged optional input_tensor type_spec
IntegerLookup StringLookup: LOOKUP mask_value=NUMBER oov_value=NUMBER mask_token=PLAIN oov_token=PLAIN
LSTM: units activation recurrent_activation KERNEL RECURRENT BIAS STEPS DROPS unit_forget_bias RANDOM ; * units*4
LSTMCell: units activation recurrent_activation KERNEL RECURRENT BIAS DROPS unit_forget_bias implementation RANDOM ; *
    units*4
LayerNormalization: NORM GAMMA BETA rms_scaling=FLAG
LocallyConnected1D LocallyConnected2D: kernel_size strides padding data_format implementation filters activation
    KERNEL BIAS
Masking: mask_value
MaxNumBoundingBoxes: IMAGE max_number fill_value
MelSpectrogram: fft_length sequence_stride sequence_length window sampling_rate num_mel_bins min_freq max_freq
    power_to_db top_db mag_exp min_power ref_power
MixUp: IMAGE alpha
MultiHeadAttention: ATTENTION KERNEL BIAS ; * num_heads key_dim
Normalization: axis mean variance invert
PReLU: alpha_initializer alpha_regularizer alpha_constraint shared_axes
RMSNormalization: axis epsilon scale GAMMA
RNN StackedRNNCells: cell cells STEPS
RandAugment: IMAGE interpolation num_ops
RandomColorJitter: IMAGE brightness_factor contrast_factor hue_factor saturation_factor
RandomCrop: height width IMAGE
RandomElasticTransform: IMAGE fill_mode fill_value interpolation scale=NUMBER
RandomErasing: IMAGE fill_value scale=NUMBER
RandomFlip: mode IMAGE
RandomFourierFeatures: output_dim scale=NUMBER kernel_initializer
RandomGaussianBlur: IMAGE kernel_size sigma
RandomHeight RandomWidth: interpolation IMAGE
RandomPerspective: IMAGE fill_value interpolation scale=NUMBER
RandomRotation RandomTranslation RandomZoom: IMAGE fill_mode fill_value interpolation height_factor width_factor
RandomShear: IMAGE fill_mode fill_value interpolation x_factor y_factor
ReLU: max_value negative_slope threshold
RepeatVector: n
Rescaling: scale=NUMBER offset
Reshape: target_shape
Resizing: height width interpolation IMAGE fill_mode fill_value antialias crop_to_aspect_ratio pad_to_aspect_ratio
STFTSpectrogram: mode frame_length frame_step fft_length window periodic scaling=NAME padding expand_dims data_format
SeparableConv1D SeparableConv2D: WINDOW DEPTHWISE POINTWISE KERNEL BIAS activation filters depth_multiplier ;
    kernel_size * depth_multiplier
SeparableConvolution1D SeparableConvolution2D: WINDOW DEPTHWISE POINTWISE KERNEL BIAS activation filters
    depth_multiplier
SimpleRNN: units activation KERNEL RECURRENT BIAS STEPS DROPS RANDOM ; * units
SimpleRNNCell: units activation KERNEL RECURRENT BIAS DROPS RANDOM ; * units
Softmax: axis robust_masking
Solarization: IMAGE addition_factor threshold_factor
SpectralNormalization: layer power_iterations
TextVectorization: max_tokens standardize split ngrams output_mode output_sequence_length pad_to_max_tokens vocabulary
    idf_weights sparse ragged encoding vocabulary_size
ThresholdedReLU: theta
TimeDistributed: layer
UnitNormalization: axis
UpSampling1D UpSampling2D UpSampling3D: size data_format interpolation
ZeroPadding1D ZeroPadding2D ZeroPadding3D: padding data_format
"""
"""Layers of both Keras: names, their keys, and after ";" the shape of the weight that their sizes stand in."""

OLD_NAMES = {
    "AtrousConvolution1D": "Conv1D", "AtrousConvolution2D": "Conv2D", "Convolution1D": "Conv1D",
    "Convolution1DTranspose": "Conv1DTranspose", "Convolution2D": "Conv2D", "Convolution2DTranspose": "Conv2DTranspose",
    "Convolution3D": "Conv3D", "Convolution3DTranspose": "Conv3DTranspose", "Deconvolution2D": "Conv2DTranspose",
    "DepthwiseConvolution1D": "DepthwiseConv1D", "DepthwiseConvolution2D": "DepthwiseConv2D",
    "AvgPool1D": "AveragePooling1D", "AvgPool2D": "AveragePooling2D", "AvgPool3D": "AveragePooling3D",
    "MaxPool1D": "MaxPooling1D", "MaxPool2D": "MaxPooling2D", "MaxPool3D": "MaxPooling3D",
    "GlobalAvgPool1D": "GlobalAveragePooling1D", "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalAvgPool3D": "GlobalAveragePooling3D", "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D", "GlobalMaxPool3D": "GlobalMaxPooling3D",
}  # fmt: skip
"""Names that older files have for a layer of today."""

OTHERS = {
    TF_KERAS_OPS: """
TFOpLambda SlicingOpLambda: function
""",
    "tf_keras.src.engine.base_layer": """
TensorFlowOpLayer: node_def constants
AddLoss: unconditional
AddMetric: aggregation metric_name
""",
    TF_MOT: """
ClusterWeights ClusterWeightsMHA ClusterWeightsRNN: layer number_of_clusters cluster_centroids_init preserve_sparsity
    cluster_gradient_aggregation cluster_per_channel
PruneLowMagnitude: layer pruning_schedule block_size block_pooling_type sparsity_m_by_n
QuantizeAnnotate: layer quantize_config
QuantizeLayer: quantizer
QuantizeWrapper QuantizeWrapperV2: layer quantize_config
""",
    EDGEKIT: """
edgekit>LowRankConv2D: filters kernel_size rank=SIZE method strides padding dilation_rate activation use_bias
    kernel_initializer bias_initializer kernel_regularizer
edgekit>LowRankDense: units rank=SIZE activation use_bias kernel_initializer bias_initializer kernel_regularizer ; *
    units
""",
    "keras.src.applications.convnext": """
LayerScale: init_values=NUMBER projection_dim=SIZE
StochasticDepth: drop_path_rate=NUMBER
""",
    "keras.src.applications.inception_resnet_v2": """
CustomScaleLayer Custom>CustomScaleLayer: scale=NUMBER
""",
}
"""Layers that Keras finds in another place, or somebody else makes known to it."""


def table_lines(text: str) -> Iterator[str]:
    """The rows of a table in a text; a line that starts with blanks goes on with the one before."""
    return filter(None, text.replace("\n    ", " ").splitlines())


def keys_of(text: str) -> dict[str, Holds]:
    """`axis seed NORM scale=NUMBER`: keys, groups of keys, and keys that hold something else than usual."""
    keys: dict[str, Holds] = {}
    for word in text.split():
        if word in GROUPS:
            keys = {**keys_of(GROUPS[word]), **keys}
            continue
        name, _, other = word.partition("=")
        keys[name] = Holds[other] if other else KEYS[name]
    return keys


@cache
def _common() -> Mapping[str, Holds]:
    return keys_of(COMMON)


def _rows(text: str, home: str) -> dict[str, LayerKind]:
    rows: dict[str, LayerKind] = {}
    found_by = home if home in (TF_MOT, EDGEKIT) else "keras"
    for line in table_lines(text):
        names, _, rest = line.partition(": ")
        keys, _, weights = rest.partition(" ; ")
        shapes = (tuple(weights.split()),) if weights else ()
        row = LayerKind({**_common(), **keys_of(keys)}, shapes, home, found_by)
        rows |= dict.fromkeys(names.split(), row)
    return rows


def _table() -> dict[str, LayerKind]:
    table = _rows(LAYERS, "keras.layers")
    table |= {old: table[new] for old, new in OLD_NAMES.items()}
    for home, text in OTHERS.items():
        table |= _rows(text, home)
    return table


KINDS: Mapping[str, LayerKind] = _table()
"""By class name; EdgeKit's own are called `edgekit>NAME`, as Keras registers them."""
