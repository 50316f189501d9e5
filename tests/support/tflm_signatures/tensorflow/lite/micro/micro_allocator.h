#ifndef TENSORFLOW_LITE_MICRO_MICRO_ALLOCATOR_H_
#define TENSORFLOW_LITE_MICRO_MICRO_ALLOCATOR_H_

#include <cstddef>
#include <cstdint>

namespace tflite {
class MicroAllocator {
 public:
  static MicroAllocator *Create(uint8_t *arena, size_t bytes);
};
}  // namespace tflite

#endif
