#ifndef @UPPER@_SELFTEST_H_
#define @UPPER@_SELFTEST_H_

#include <stddef.h>

#define @UPPER@_SELFTEST_SAMPLES @SAMPLES@
#ifndef @UPPER@_SELFTEST_STEPS /* least significant bits that integer answers may differ by, for kernels that round */
#define @UPPER@_SELFTEST_STEPS @STEPS@
#endif

enum {
  @UPPER@_SELFTEST_ARGUMENT = -1,        /* no arena */
  @UPPER@_SELFTEST_ARENA_SIZE = -2,      /* fewer than @UPPER@_ARENA_BYTES */
  @UPPER@_SELFTEST_ARENA_ALIGNMENT = -3, /* the arena does not begin at a multiple of 16 */
  @UPPER@_SELFTEST_INTERPRETER = -4,     /* TensorFlow Lite Micro refused the model, an operator, the arena: it prints what */
  @UPPER@_SELFTEST_TENSORS = -5          /* inputs or outputs are others than those of the golden vectors */
};

#ifdef __cplusplus
extern "C" {
#endif
/* Run golden inputs: 0 where all answers are right, else how many samples differ, or a negative code of the above. */
int @NAME@_selftest(void *arena, size_t arena_bytes);
#ifdef __cplusplus
}
#endif

#endif /* @UPPER@_SELFTEST_H_ */
