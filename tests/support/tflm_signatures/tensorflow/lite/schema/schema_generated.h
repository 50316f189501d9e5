#ifndef TENSORFLOW_LITE_SCHEMA_SCHEMA_GENERATED_H_
#define TENSORFLOW_LITE_SCHEMA_SCHEMA_GENERATED_H_

#include <cstdint>

namespace tflite {
struct Model {
  std::uint32_t version() const;
};
const Model *GetModel(const void *buffer);
}  // namespace tflite

#endif
