// SPDX-License-Identifier: Apache-2.0
// One model in TensorFlow Lite Micro, as the firmware of the runtime cortex_m asks it: port.h says how.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "model.h"
#include "net_ops.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

alignas(16) unsigned char arena[ARENA_BYTES];
alignas(net_resolver) unsigned char resolver_room[sizeof(net_resolver)];
alignas(tflite::MicroInterpreter) unsigned char interpreter_room[sizeof(tflite::MicroInterpreter)];
tflite::MicroInterpreter *interpreter = nullptr;
bool ready = false;

}  // namespace

extern "C" {

// The firmware reads these from another file, and only after model_reset.
struct Port {
  unsigned char *at;
  std::size_t bytes;
};
extern const std::uint32_t model_inputs, model_outputs;
const std::uint32_t model_inputs = MODEL_INPUTS, model_outputs = MODEL_OUTPUTS + 1;
Port model_input[MODEL_INPUTS], model_output[MODEL_OUTPUTS + 1];
unsigned char model_arena[1];
alignas(8) unsigned char model_kept[MODEL_INPUT_BYTES];
std::uint32_t arena_used = 0;

// There is one model for the life of the firmware, so that it is set up once.
void model_reset(void) {
  auto *resolver = new (resolver_room) net_resolver();
  if (net_add_operators(*resolver) != kTfLiteOk) return;
  interpreter =
      new (interpreter_room) tflite::MicroInterpreter(tflite::GetModel(net_data), *resolver, arena, sizeof arena);
  if (interpreter->AllocateTensors() != kTfLiteOk) return;
  arena_used = static_cast<std::uint32_t>(interpreter->arena_used_bytes());
  for (std::size_t i = 0; i < MODEL_INPUTS; i++) {
    model_input[i] = {interpreter->input(i)->data.uint8, interpreter->input(i)->bytes};
  }
  for (std::size_t i = 0; i < MODEL_OUTPUTS; i++) {
    model_output[i] = {interpreter->output(i)->data.uint8, interpreter->output(i)->bytes};
  }
  model_output[MODEL_OUTPUTS] = {reinterpret_cast<unsigned char *>(&arena_used), sizeof arena_used};
  ready = true;
}

int model_run(void) { return ready ? static_cast<int>(interpreter->Invoke()) : -1; }

// What the C and C++ libraries ask of a system: nothing of it is there.
[[noreturn]] void abort(void) {
  for (;;) __asm__ volatile("udf #1");
}
[[noreturn]] void __cxa_pure_virtual(void) { abort(); }
void DebugLog(const char *, __builtin_va_list) {}
int DebugVsnprintf(char *, std::size_t, const char *, __builtin_va_list) { return 0; }

}  // extern "C"

void operator delete(void *) noexcept {}
void operator delete(void *, std::size_t) noexcept {}
