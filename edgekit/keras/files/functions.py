"""The functions that a model file may name: all of them compute tensors from tensors, and touch nothing else.

Left out on purpose: what takes a function (`map_fn`, `cond`), opens a file (`io`, `fixed_unigram_candidate_sampler` has
a `vocab_file`), decodes images, prints, talks to devices, or makes variables, random state or models.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ACTIVATIONS", "OPERATIONS", "TENSOR_FUNCTIONS"]

ACTIVATIONS = frozenset(
    "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear "
    "log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus "
    "sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold".split()
)
"""Activations by name, in either Keras."""

_ROOT = """
abs acos acosh add add_n argmax argmin argsort asin asinh atan atan2 atanh batch_to_space bitcast boolean_mask
broadcast_to cast clip_by_global_norm clip_by_norm clip_by_value complex concat constant convert_to_tensor cos cosh
cumsum divide einsum ensure_shape equal exp expand_dims eye fill floor gather gather_nd greater greater_equal
grad_pass_through identity identity_n less less_equal linspace logical_and logical_not logical_or matmul maximum
meshgrid minimum multiply negative norm not_equal one_hot ones ones_like pad pow range rank realdiv reduce_all
reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum repeat reshape reverse
reverse_sequence roll round saturate_cast scalar_mul scatter_nd searchsorted sequence_mask shape shape_n sigmoid sign
sin sinh size slice sort space_to_batch space_to_batch_nd split sqrt square squeeze stack stop_gradient strided_slice
subtract tan tanh tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min tensor_scatter_nd_sub
tensor_scatter_nd_update tensordot tile transpose truediv truncatediv truncatemod unique unique_with_counts
unravel_index unstack where zeros zeros_like
"""
_MATH = """
abs accumulate_n acos acosh add add_n angle argmax argmin asin asinh atan atan2 atanh bessel_i0 bessel_i0e bessel_i1
bessel_i1e betainc bincount ceil conj cos cosh count_nonzero cumprod cumsum cumulative_logsumexp digamma divide
divide_no_nan equal erf erfc erfcinv erfinv exp expm1 floor floordiv floormod greater greater_equal igamma igammac imag
in_top_k invert_permutation is_finite is_inf is_nan l2_normalize lbeta less less_equal lgamma log log1p log_sigmoid
log_softmax logical_and logical_not logical_or logical_xor maximum minimum mod multiply multiply_no_nan ndtri negative
nextafter not_equal polygamma polyval pow real reciprocal reciprocal_no_nan reduce_all reduce_any reduce_euclidean_norm
reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_std reduce_sum reduce_variance rint round rsqrt
scalar_mul segment_max segment_mean segment_min segment_prod segment_sum sigmoid sign sin sinh softmax softplus softsign
sqrt square squared_difference subtract tan tanh top_k truediv unsorted_segment_max unsorted_segment_mean
unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum xdivy xlog1py xlogy
zero_fraction zeta
"""
_NN = """
atrous_conv2d atrous_conv2d_transpose avg_pool avg_pool1d avg_pool2d avg_pool3d batch_norm_with_global_normalization
batch_normalization bias_add conv1d conv1d_transpose conv2d conv2d_transpose conv3d conv3d_transpose conv_transpose
convolution crelu depth_to_space depthwise_conv2d dilation2d dropout elu embedding_lookup erosion2d fractional_avg_pool
fractional_max_pool gelu in_top_k l2_loss l2_normalize leaky_relu local_response_normalization log_softmax lrn max_pool
max_pool1d max_pool2d max_pool3d max_pool_with_argmax moments normalize_moments pool relu relu6 selu separable_conv2d
sigmoid sigmoid_cross_entropy_with_logits silu softmax softmax_cross_entropy_with_logits softplus softsign
space_to_batch space_to_depth sparse_softmax_cross_entropy_with_logits sufficient_statistics swish tanh top_k
weighted_moments with_space_to_batch zero_fraction
"""
_LINALG = """
adjoint band_part cholesky cholesky_solve cross det diag diag_part eigh einsum expm eye global_norm inv l2_normalize
logdet lstsq matmul matrix_transpose matvec norm normalize pinv qr set_diag slogdet solve sqrtm svd tensor_diag
tensor_diag_part tensordot trace triangular_solve
"""
_IMAGE = """
adjust_brightness adjust_contrast adjust_gamma adjust_hue adjust_saturation central_crop convert_image_dtype
crop_and_resize crop_to_bounding_box extract_glimpse extract_patches flip_left_right flip_up_down grayscale_to_rgb
hsv_to_rgb image_gradients pad_to_bounding_box per_image_standardization resize resize_with_crop_or_pad resize_with_pad
rgb_to_grayscale rgb_to_hsv rgb_to_yiq rgb_to_yuv rot90 sobel_edges ssim total_variation transpose yiq_to_rgb yuv_to_rgb
"""
_SIGNAL = """
dct fft fft2d fft3d fftshift frame hamming_window hann_window idct ifft ifft2d ifft3d ifftshift inverse_stft irfft
irfft2d irfft3d linear_to_mel_weight_matrix mfccs_from_log_mel_spectrograms overlap_and_add rfft rfft2d rfft3d stft
"""
_STRINGS = """
as_string bytes_split join length lower ngrams reduce_join regex_full_match regex_replace split strip substr
to_hash_bucket to_hash_bucket_fast to_hash_bucket_strong to_number unicode_decode unicode_encode unicode_split upper
"""
_BACKEND = """
abs all any arange argmax argmin batch_dot batch_flatten batch_normalization bias_add cast clip concatenate constant
conv1d conv2d conv2d_transpose conv3d cos cumprod cumsum depthwise_conv2d dot elu equal exp expand_dims flatten gather
greater greater_equal hard_sigmoid identity l2_normalize less less_equal local_conv1d local_conv2d log logsumexp max
maximum mean min minimum ndim not_equal one_hot ones_like permute_dimensions pool2d pool3d pow prod relu repeat
repeat_elements reshape resize_images resize_volumes reverse round separable_conv2d shape sigmoid sign sin
softmax softplus softsign spatial_2d_padding spatial_3d_padding sqrt square squeeze stack std stop_gradient sum switch
tanh temporal_padding tile transpose var zeros_like
"""
_GROUPS = {
    "": _ROOT,
    "math.": _MATH,
    "nn.": _NN,
    "linalg.": _LINALG,
    "image.": _IMAGE,
    "signal.": _SIGNAL,
    "strings.": _STRINGS,
    "keras.backend.": _BACKEND,
    "bitwise.": "bitwise_and bitwise_or bitwise_xor invert left_shift right_shift",
    "quantization.": "fake_quant_with_min_max_args fake_quant_with_min_max_vars "
    "fake_quant_with_min_max_vars_per_channel quantize_and_dequantize quantize_and_dequantize_v2",
    "random.": "categorical gamma normal poisson stateless_categorical stateless_gamma stateless_normal "
    "stateless_truncated_normal stateless_uniform truncated_normal uniform",
    "sparse.": "add concat expand_dims from_dense reduce_max reduce_sum reorder reshape slice sparse_dense_matmul "
    "to_dense transpose",
    "__operators__.": "add eq getitem ne ragged_getitem",
    "dtypes.": "cast complex saturate_cast",
    "ragged.": "boolean_mask range stack",
}

_CURRENT = {prefix + name for prefix, names in _GROUPS.items() for name in names.split()}
TENSOR_FUNCTIONS = frozenset(_CURRENT | {f"compat.v1.{name}" for name in _CURRENT if not name.startswith("keras.")})
"""TensorFlow symbols, without `tf.`, that `TFOpLambda` and `SlicingOpLambda` may call."""

OPERATIONS: Mapping[str, frozenset[str]] = {
    "keras.src.ops.numpy": frozenset(
        """
        Abs Absolute Add All AllClose Amax Amin Angle Any Append Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh
        Argmax Argmin Argpartition Argsort Array ArraySplit Average Bincount BitwiseAnd BitwiseInvert BitwiseLeftShift
        BitwiseNot BitwiseOr BitwiseRightShift BitwiseXor BroadcastTo Cbrt Ceil Clip Concatenate Conj Conjugate Copy
        Corrcoef Correlate Cos Cosh CountNonzero Cross Cumprod Cumsum Deg2rad Diag Diagflat Diagonal Diff Digitize
        Divide DivideNoNan Dot Dsplit Dstack Einsum EmptyLike Equal Exp Exp2 ExpandDims Expm1 Fabs Flip Fliplr Flipud
        Floor FloorDivide Fmax Fmin Fmod FullLike Gcd GetItem Greater GreaterEqual Heaviside Histogram Hsplit Hstack
        Hypot I0 Imag Inner IsIn Isclose Isfinite Isinf Isnan Isneginf Isposinf Isreal Kron Lcm Ldexp LeftShift Less
        LessEqual Linspace Log Log10 Log1p Log2 Logaddexp Logaddexp2 LogicalAnd LogicalNot LogicalOr LogicalXor
        Logspace Geomspace Matmul Max Maximum Mean Median Meshgrid Min Minimum Mod Moveaxis Multiply NanToNum Nanargmax
        Nanargmin Nancumprod Nancumsum Nanmax Nanmean Nanmedian Nanmin Nanpercentile Nanprod Nanquantile Nanstd Nansum
        Nanvar Ndim Negative Nextafter Nonzero NotEqual OnesLike Outer Pad Percentile Power Prod Ptp Quantile Rad2deg
        Ravel Real Reciprocal Repeat Reshape RightShift Roll Rot90 Round SearchSorted Select Sign Signbit Sin Sinc Sinh
        Size Slogdet Sort Split Sqrt Square Squeeze Stack Std Subtract Sum Swapaxes Take TakeAlongAxis Tan Tanh
        Tensordot Tile Trace Transpose Trapezoid Tril Triu TrueDivide Trunc Unique UnravelIndex Vander Var Vdot View
        Vsplit Vstack Where ZerosLike
        """.split()
    ),
    "keras.src.ops.nn": frozenset(
        """
        AdaptiveAveragePool AdaptiveMaxPool AveragePool BatchNorm BinaryCrossentropy CTCDecode CTCLoss
        CategoricalCrossentropy Celu Conv ConvTranspose DepthToSpace DepthwiseConv DotProductAttention Elu Fold Gelu
        Glu HardShrink HardSigmoid HardSilu HardTanh LayerNorm LeakyRelu LogSigmoid LogSoftmax MaxPool Moments MultiHot
        Normalize OneHot PSNR Polar RMSNorm Relu Relu6 Selu SeparableConv Sigmoid Silu SoftShrink Softmax Softplus
        Softsign SpaceToDepth SparseCategoricalCrossentropy SparsePlus SparseSigmoid Sparsemax Squareplus TanhShrink
        Threshold Unfold
        """.split()
    ),
    "keras.src.ops.math": frozenset(
        """
        CDist Erf Erfc Erfinv ExtractSequences FFT FFT2 IFFT2 IRFFT ISTFT InTopK Logdet Logsumexp RFFT Rsqrt STFT
        SegmentMax SegmentMin SegmentProd SegmentSum TopK ViewAsComplex ViewAsReal
        """.split()
    ),
    "keras.src.ops.core": frozenset(
        "Cast ConvertToTensor SaturateCast Scatter ScatterUpdate Slice SliceUpdate StopGradient Unstack".split()
    ),
    "keras.src.ops.einops": frozenset(["Rearrange"]),
    "keras.src.ops.image": frozenset(
        """
        AffineTransform CropImages ElasticTransform ExtractPatches GaussianBlur HSVToRGB MapCoordinates PadImages
        PerspectiveTransform RGBToGrayscale RGBToHSV Resize SSIM ScaleAndTranslate SobelEdges
        """.split()
    ),
    "keras.src.ops.linalg": frozenset(
        """
        Cholesky CholeskyInverse Det Eig Eigh Inv Lstsq LuFactor MatrixRank Norm Pinv Qr SVD Solve SolveTriangular
        """.split()
    ),
    "keras.src.activations.activations": frozenset(["Mish", "ReLU"]),
    "keras.src.quantizers.quantizers": frozenset(["FakeQuantWithMinMaxVars"]),
}
"""Operations of Keras 3 that stand in a graph as a class, by module."""
