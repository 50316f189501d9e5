"""What the keys of a Keras configuration hold, and the bounds of what they may hold."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

__all__ = ["KEYS", "LARGEST_FACTOR", "LARGEST_SHORT", "LARGEST_SIZE", "LARGEST_STEPS", "Holds"]

LARGEST_SIZE = 1 << 24
"""Of a width, a kernel, a vocabulary: the largest embedding tables in use have a few million rows."""
LARGEST_SHORT = 1 << 16
"""Of a frame or a number of bins: two of them are multiplied."""
LARGEST_FACTOR = 1 << 10
"""Of a factor of upsampling, and of a loop that Keras writes out."""
LARGEST_STEPS = 1 << 12
"""Time steps that `unroll` writes out."""


class Holds(Enum):
    """What a key holds. Every kind also takes null, which stands for the default."""

    FLAG = auto()
    NUMBER = auto()
    """A number, or lists of numbers."""
    SIZE = auto()
    """A whole number up to `LARGEST_SIZE`, or lists of such; also a name, as in `paddings: same`."""
    SHORT = auto()
    """A whole number up to `LARGEST_SHORT`, or lists of such."""
    FACTOR = auto()
    """A whole number up to `LARGEST_FACTOR`, or lists of such."""
    SHAPE = auto()
    """Whole numbers and null in lists, or a mapping of names to such."""
    NAME = auto()
    """A short name, or lists of names; Keras looks it up in a list of its own."""
    TEXT = auto()
    """A short text that nothing looks up, such as a layer's name or the token for unknown words."""
    SEED = auto()
    """A number, or a generator of seeds."""
    PATH = auto()
    """Keras would open it as a file where it is a text. Only lists of words or numbers are taken."""
    LAYER = auto()
    LAYERS = auto()
    INITIALIZER = auto()
    REGULARIZER = auto()
    CONSTRAINT = auto()
    ACTIVATION = auto()
    POLICY = auto()
    """A dtype by name, or a dtype policy."""
    POLICIES = auto()
    """A mapping of layer paths to dtype policies."""
    QUANTIZER = auto()
    """TF-MOT's configuration of a wrapper, or one of its quantizers."""
    SCHEDULE = auto()
    """TF-MOT's schedule of pruning."""
    FUNCTION = auto()
    """A symbol of TensorFlow: one of the tensor functions in `functions.py`."""
    OPERATOR = auto()
    """A graph node of TensorFlow: its operator is one of those that SavedModels may hold."""
    PLAIN = auto()
    """Numbers, flags and names, in lists and mappings."""
    NOTHING = auto()
    """Code, tensors or settings of training, which a model file has no need of: null, false or empty."""


def _keys(holds: Holds, names: str) -> dict[str, Holds]:
    return dict.fromkeys(names.split(), holds)


KEYS: Mapping[str, Holds] = {
    **_keys(
        Holds.FLAG,
        "trainable autocast dynamic sparse ragged optional use_bias unit_forget_bias return_sequences return_state "
        "go_backwards stateful unroll time_major zero_output_for_mask reset_after use_cudnn use_scale keepdims center "
        "scale fused renorm synchronized mask_zero tie_weights normalize invert pad_to_max_tokens antialias "
        "crop_to_aspect_ratio pad_to_aspect_ratio force_generator robust_masking softmax_robust_masking use_gate "
        "flash_attention unconditional expand_dims periodic scaling power_to_db all_ops causal per_axis symmetric "
        "narrow_range quantize_output preserve_sparsity cluster_per_channel default_quantize",
    ),
    **_keys(
        Holds.NUMBER,
        "rate noise_shape dropout recurrent_dropout stddev alpha negative_slope max_value min_value threshold "
        "theta l1 l2 factor mask_value momentum epsilon renorm_clipping renorm_momentum mean variance stddev offset "
        "value gain minval maxval brightness_factor contrast_factor hue_factor saturation_factor value_range "
        "height_factor width_factor x_factor y_factor fill_value clip_limit sigma addition_factor threshold_factor "
        "bin_boundaries logit_soft_cap mag_exp max_freq min_freq min_power ref_power top_db lora_alpha salt "
        "power target_sparsity initial_sparsity final_sparsity begin_step end_step frequency init_min init_max "
        "axis axes attention_axes shared_axes dims implementation score_scale input_axes output_axes",
    ),
    **_keys(
        Holds.SIZE,
        "units filters kernel_size strides dilation_rate groups depth_multiplier pool_size output_size output_padding "
        "padding cropping n input_dim output_dim input_length num_tokens num_bins max_tokens num_oov_indices "
        "num_heads key_dim value_dim head_dim num_key_value_heads num_query_heads sliding_window "
        "output_sequence_length ngrams lora_rank height width virtual_batch_size block_size number_of_clusters "
        "max_number batch_size amax_history_length num_bits tile_grid_size rank vocabulary_size",
    ),
    **_keys(
        Holds.SHORT,
        "fft_length frame_length frame_step sequence_length sequence_stride sampling_rate num_mel_bins bins",
    ),
    **_keys(Holds.FACTOR, "size power_iterations num_chains chain_depth num_ops"),
    **_keys(
        Holds.SHAPE,
        "batch_input_shape batch_shape input_shape output_shape target_shape shape build_input_shape",
    ),
    **_keys(
        Holds.NAME,
        "data_format merge_mode rng_type score_mode pool_mode output_mode oov_method encoding "
        "vocabulary_dtype standardize split interpolation fill_mode mode bounding_box_format aggregation "
        "distribution window input_dtype reverse_dtype method padding_mode block_pooling_type weight_attrs "
        "activation_attrs cluster_centroids_init cluster_gradient_aggregation side bias_axes",
    ),
    **_keys(Holds.SEED, "seed"),
    **_keys(Holds.TEXT, "name metric_name source_name oov_token mask_token equation"),
    **_keys(Holds.PATH, "vocabulary idf_weights initial_vocabulary"),
    **_keys(Holds.LAYER, "layer backward_layer"),
    **_keys(Holds.LAYERS, "layers cells cell"),
    **_keys(
        Holds.INITIALIZER,
        "kernel_initializer bias_initializer recurrent_initializer depthwise_initializer pointwise_initializer "
        "gamma_initializer beta_initializer moving_mean_initializer moving_variance_initializer "
        "embeddings_initializer alpha_initializer embedding_initializer",
    ),
    **_keys(
        Holds.REGULARIZER,
        "kernel_regularizer bias_regularizer recurrent_regularizer depthwise_regularizer pointwise_regularizer "
        "gamma_regularizer beta_regularizer embeddings_regularizer alpha_regularizer activity_regularizer",
    ),
    **_keys(
        Holds.CONSTRAINT,
        "kernel_constraint bias_constraint recurrent_constraint depthwise_constraint pointwise_constraint "
        "gamma_constraint beta_constraint embeddings_constraint alpha_constraint",
    ),
    **_keys(Holds.ACTIVATION, "activation recurrent_activation"),
    **_keys(Holds.POLICY, "dtype default_policy"),
    **_keys(Holds.POLICIES, "policy_map"),
    **_keys(Holds.QUANTIZER, "quantize_config quantizer weight_quantizer activation_quantizer"),
    **_keys(Holds.SCHEDULE, "pruning_schedule"),
    **_keys(Holds.FUNCTION, "function"),
    **_keys(Holds.OPERATOR, "node_def"),
    **_keys(Holds.PLAIN, "constants"),
    **_keys(
        Holds.NOTHING,
        "input_tensor type_spec adjustment quantization_config gptq_unpacked_column_size weights sparsity_m_by_n",
    ),
}
"""What a key holds in every class that has it; a row of `kinds.KINDS` says otherwise where a class differs."""
