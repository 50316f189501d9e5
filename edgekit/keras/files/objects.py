"""What stands inside a layer's configuration: initializers, regularizers, constraints, dtype policies, and the
configurations of TF-MOT's wrappers. Each class that a model file may name has a row that says what its keys hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from edgekit.keras.files.functions import ACTIVATIONS
from edgekit.keras.files.holds import Holds
from edgekit.keras.files.kinds import EDGEKIT, TF_MOT, keys_of, table_lines

__all__ = ["FAMILIES", "Family", "ObjectKind"]


@dataclass(frozen=True)
class ObjectKind:
    """One class that is no layer.

    Attributes:
        keys: Its configuration keys, with what they hold.
        home: The module that Keras finds it in, or who makes it known to Keras.
    """

    keys: Mapping[str, Holds]
    home: str


@dataclass(frozen=True)
class Family:
    """The classes of one kind.

    Attributes:
        title: In messages.
        rows: By class name.
        names: What may be given by name alone.
    """

    title: str
    rows: Mapping[str, ObjectKind]
    names: frozenset[str] = frozenset()


_RANDOM = "seed input_axes output_axes dtype"
_INITIALIZERS = f"""
Constant: value dtype
Identity: gain dtype
Ones Zeros: dtype
STFT: side=NAME window scaling periodic
GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform: {_RANDOM}
Orthogonal OrthogonalInitializer: gain seed dtype
RandomNormal TruncatedNormal: mean=NUMBER stddev seed dtype
RandomUniform: minval maxval seed dtype
VarianceScaling: scale=NUMBER mode distribution {_RANDOM}
"""
_REGULARIZERS = """
L1: l1
L2: l2
L1L2: l1 l2
OrthogonalRegularizer: factor mode
"""
_CONSTRAINTS = """
MaxNorm: max_value axis
MinMaxNorm: min_value max_value rate axis
NonNeg:
RadialConstraint:
UnitNorm: axis
"""
_POLICIES = """
DTypePolicy FloatDTypePolicy Policy: name
QuantizedDTypePolicy: mode source_name
QuantizedFloat8DTypePolicy: mode source_name amax_history_length
DTypePolicyMap: default_policy policy_map
"""
_OLD_POLICIES = """
PolicyV1: name loss_scale=NUMBER
"""
_ATTRS = "weight_attrs activation_attrs quantize_output"
_BITS = "num_bits per_axis symmetric narrow_range"
_QUANTIZERS = f"""
AllValuesQuantizer LastValueQuantizer MovingAverageQuantizer: {_BITS}
FixedQuantizer: num_bits init_min init_max narrow_range
Default8BitConvWeightsQuantizer NoQuantizer: {_BITS}
Default8BitActivationQuantizeConfig Default8BitOutputQuantizeConfig: quantize_output
Default8BitQuantizeConfig Default8BitQuantizeConfigRNN: {_ATTRS}
Default8BitConvQuantizeConfig Default8BitConvTransposeQuantizeConfig: {_ATTRS}
FixedQuantizeConfig: config=QUANTIZER num_bits init_min init_max narrow_range
DefaultNBitActivationQuantizeConfig DefaultNBitOutputQuantizeConfig: quantize_output num_bits_weight=SIZE
    num_bits_activation=SIZE
DefaultNBitQuantizeConfig DefaultNBitConvQuantizeConfig DefaultNBitConvTransposeQuantizeConfig: {_ATTRS}
    num_bits_weight=SIZE num_bits_activation=SIZE
DefaultNBitConvWeightsQuantizer DefaultNBitConvTransposeWeightsQuantizer: {_BITS}
NoOpQuantizeConfig:
OutputOnlyConfig: quantize_config
"""
_OWN_QUANTIZERS = f"""
edgekit>DepthwiseConfig: {_ATTRS}
edgekit>InputRange edgekit>MovingRange: {_BITS}
edgekit>LearnedRange:
"""
_AWARE_ACTIVATIONS = """
NoOpActivation:
QuantizeAwareActivation: activation
"""
_SCHEDULES = """
ConstantSparsity: target_sparsity begin_step end_step frequency
PolynomialDecay: initial_sparsity final_sparsity power begin_step end_step frequency
"""
_SEEDS = """
SeedGenerator: seed name
"""


def _rows(text: str, home: str) -> dict[str, ObjectKind]:
    rows: dict[str, ObjectKind] = {}
    for line in table_lines(text):
        names, _, keys = line.partition(":")
        rows |= dict.fromkeys(names.split(), ObjectKind(keys_of(keys), home))
    return rows


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _named(rows: Mapping[str, ObjectKind], more: str = "") -> frozenset[str]:
    return frozenset([*rows, *(_snake(name) for name in rows), *more.split()])


_initializers = _rows(_INITIALIZERS, "keras.initializers")
_initializers |= {f"{name}V2": row for name, row in list(_initializers.items())}
_regularizers = _rows(_REGULARIZERS, "keras.regularizers")
_constraints = _rows(_CONSTRAINTS, "keras.constraints")

FAMILIES: Mapping[Holds, Family] = {
    Holds.INITIALIZER: Family(
        "initializer", _initializers, _named(_initializers, "normal uniform one zero gaussian laplacian")
    ),
    Holds.REGULARIZER: Family("regularizer", _regularizers, _named(_regularizers, "l1 l2 l1_l2 l1l2 orthogonal")),
    Holds.CONSTRAINT: Family(
        "constraint", _constraints, _named(_constraints, "maxnorm minmaxnorm nonneg unitnorm non_neg")
    ),
    Holds.ACTIVATION: Family("activation", _rows(_AWARE_ACTIVATIONS, TF_MOT), ACTIVATIONS),
    Holds.POLICY: Family(
        "dtype policy", {**_rows(_POLICIES, "keras"), **_rows(_OLD_POLICIES, "keras.mixed_precision")}
    ),
    Holds.QUANTIZER: Family("quantizer", {**_rows(_QUANTIZERS, TF_MOT), **_rows(_OWN_QUANTIZERS, EDGEKIT)}),
    Holds.SCHEDULE: Family("pruning schedule", _rows(_SCHEDULES, TF_MOT)),
    Holds.SEED: Family("seed", _rows(_SEEDS, "keras.random")),
}
"""By what a key holds."""
