#ifndef TENSORFLOW_LITE_MICRO_MICRO_RESOURCE_VARIABLE_H_
#define TENSORFLOW_LITE_MICRO_MICRO_RESOURCE_VARIABLE_H_

#include "tensorflow/lite/micro/micro_allocator.h"

namespace tflite {
class MicroResourceVariables {
 public:
  static MicroResourceVariables *Create(MicroAllocator *allocator, int variables);
};
}  // namespace tflite

#endif
