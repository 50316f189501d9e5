/* A program that prints whether the model answers on this device as it must, and shows how an application runs it:
   the functions of @NAME@_selftest.cc. Leave this file out of a firmware that has a main of its own. */

#include <cstdint>

#include "@NAME@_data.h"
#include "@NAME@_selftest.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/system_setup.h"

#ifdef TF_LITE_STRIP_ERROR_STRINGS /* then MicroPrintf prints nothing */
#include <cstdio>
#define @UPPER@_PRINT(...) (std::printf(__VA_ARGS__), std::printf("\n"))
#else
#define @UPPER@_PRINT MicroPrintf
#endif

namespace {
alignas(16) std::uint8_t arena[@UPPER@_ARENA_BYTES];
}

int main() {
  tflite::InitializeTarget();
  const int verdict = @NAME@_selftest(arena, sizeof(arena));
  if (verdict == 0) {
    @UPPER@_PRINT("@NAME@: self-test passed, samples: %d", @UPPER@_SELFTEST_SAMPLES);
  } else if (verdict > 0) {
    @UPPER@_PRINT("@NAME@: self-test FAILED, samples that differ: %d of %d", verdict, @UPPER@_SELFTEST_SAMPLES);
  } else {
    @UPPER@_PRINT("@NAME@: self-test FAILED, error %d of @NAME@_selftest.h", verdict);
  }
  return verdict == 0 ? 0 : 1;
}
