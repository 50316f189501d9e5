#include "@NAME@_selftest.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "@NAME@_data.h"
#include "@NAME@_ops.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tensorflow/lite/schema/schema_generated.h"

#ifndef @UPPER@_ARENA_BYTES
#error "Define @UPPER@_ARENA_BYTES: it was not measured when the model was exported (pip install 'edgekit[mcu]' lets it)."
#endif

namespace {

/* Golden vectors, sample after sample; the answers are those of @ORACLE@. */
@VECTORS@

struct Port {
  TfLiteType type;
  std::size_t bytes; /* of one sample */
  const std::uint8_t *values;
};
@INPUTS@
@OUTPUTS@

constexpr std::int64_t kSteps = @UPPER@_SELFTEST_STEPS;
constexpr float kRelative = @RELATIVE@f; /* the part of an output's largest value that floats may differ by */
constexpr int kVariables = @VARIABLES@;

template <typename T>
bool Far(const std::uint8_t *expected, const void *received, std::size_t bytes) {
  const std::uint8_t *values = static_cast<const std::uint8_t *>(received);
  for (std::size_t at = 0; at < bytes; at += sizeof(T)) {
    T right, value;
    std::memcpy(&right, expected + at, sizeof(T));
    std::memcpy(&value, values + at, sizeof(T));
    const std::int64_t difference = static_cast<std::int64_t>(right) - static_cast<std::int64_t>(value);
    if (difference < -kSteps || difference > kSteps) return true;
  }
  return false;
}

template <>
bool Far<float>(const std::uint8_t *expected, const void *received, std::size_t bytes) {
  const std::uint8_t *values = static_cast<const std::uint8_t *>(received);
  float right, value, largest = 1e-6f;
  for (std::size_t at = 0; at < bytes; at += sizeof(float)) {
    std::memcpy(&right, expected + at, sizeof(float));
    if (right > largest || -right > largest) largest = right < 0 ? -right : right;
  }
  for (std::size_t at = 0; at < bytes; at += sizeof(float)) {
    std::memcpy(&right, expected + at, sizeof(float));
    std::memcpy(&value, values + at, sizeof(float));
    const float difference = right < value ? value - right : right - value;
    if (!(difference <= kRelative * largest)) return true; /* so that what is no number counts */
  }
  return false;
}

bool Differs(const Port &port, const std::uint8_t *expected, const void *received) {
  if (std::memcmp(expected, received, port.bytes) == 0) return false;
  switch (port.type) {
    case kTfLiteFloat32:
      return Far<float>(expected, received, port.bytes);
    case kTfLiteInt8:
      return Far<std::int8_t>(expected, received, port.bytes);
    case kTfLiteUInt8:
      return Far<std::uint8_t>(expected, received, port.bytes);
    case kTfLiteInt16:
      return Far<std::int16_t>(expected, received, port.bytes);
    default:
      return true;
  }
}

bool Fits(const TfLiteTensor *tensor, const Port &port) {
  return tensor != nullptr && tensor->type == port.type && tensor->bytes == port.bytes && tensor->data.data != nullptr;
}

/* 1 where the answers of a sample differ, else 0, or a negative code. */
int Sample(tflite::MicroInterpreter &interpreter, std::size_t sample) {
  std::size_t index = 0;
  for (const Port &port : kInputs) {
    TfLiteTensor *tensor = interpreter.input(index++);
    if (!Fits(tensor, port)) return @UPPER@_SELFTEST_TENSORS;
    std::memcpy(tensor->data.data, port.values + sample * port.bytes, port.bytes);
  }
  if (interpreter.Invoke() != kTfLiteOk) return @UPPER@_SELFTEST_INTERPRETER;
  index = 0;
  int differs = 0;
  for (const Port &port : kOutputs) {
    const TfLiteTensor *tensor = interpreter.output(index++);
    if (!Fits(tensor, port)) return @UPPER@_SELFTEST_TENSORS;
    if (Differs(port, port.values + sample * port.bytes, tensor->data.data)) differs = 1;
  }
  return differs;
}

/* How many samples from `first` to before `end` differ, or a negative code; the interpreter starts afresh. */
int Samples(const @NAME@_resolver &resolver, std::uint8_t *arena, std::size_t arena_bytes, std::size_t first,
            std::size_t end) {
  tflite::MicroAllocator *allocator = tflite::MicroAllocator::Create(arena, arena_bytes);
  if (allocator == nullptr) return @UPPER@_SELFTEST_ARENA_SIZE;
  tflite::MicroResourceVariables *variables =
      kVariables > 0 ? tflite::MicroResourceVariables::Create(allocator, kVariables) : nullptr;
  tflite::MicroInterpreter interpreter(tflite::GetModel(@NAME@_data), resolver, allocator, variables);
  if (interpreter.initialization_status() != kTfLiteOk) return @UPPER@_SELFTEST_INTERPRETER;
  if (interpreter.AllocateTensors() != kTfLiteOk) return @UPPER@_SELFTEST_INTERPRETER;
  if (interpreter.inputs_size() != sizeof(kInputs) / sizeof(kInputs[0]) ||
      interpreter.outputs_size() != sizeof(kOutputs) / sizeof(kOutputs[0])) {
    return @UPPER@_SELFTEST_TENSORS;
  }
  int differing = 0;
  for (std::size_t sample = first; sample < end; sample++) {
    const int verdict = Sample(interpreter, sample);
    if (verdict < 0) return verdict;
    differing += verdict;
  }
  return differing;
}

}  // namespace

int @NAME@_selftest(void *arena, std::size_t arena_bytes) {
  if (arena == nullptr) return @UPPER@_SELFTEST_ARGUMENT;
  if (reinterpret_cast<std::uintptr_t>(arena) % 16 != 0) return @UPPER@_SELFTEST_ARENA_ALIGNMENT;
  if (arena_bytes < @UPPER@_ARENA_BYTES) return @UPPER@_SELFTEST_ARENA_SIZE;
  if (tflite::GetModel(@NAME@_data)->version() != TFLITE_SCHEMA_VERSION) return @UPPER@_SELFTEST_INTERPRETER;
  @NAME@_resolver resolver;
  if (@NAME@_add_operators(resolver) != kTfLiteOk) return @UPPER@_SELFTEST_INTERPRETER;
  /* A model with variables goes on from sample to sample; any other starts each afresh. */
  constexpr std::size_t kTogether = kVariables > 0 ? @UPPER@_SELFTEST_SAMPLES : 1;
  int differing = 0;
  for (std::size_t first = 0; first < @UPPER@_SELFTEST_SAMPLES; first += kTogether) {
    const int verdict = Samples(resolver, static_cast<std::uint8_t *>(arena), arena_bytes, first, first + kTogether);
    if (verdict < 0) return verdict;
    differing += verdict;
  }
  return differing;
}
