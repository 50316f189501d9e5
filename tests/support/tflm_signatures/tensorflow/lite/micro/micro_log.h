#ifndef TENSORFLOW_LITE_MICRO_MICRO_LOG_H_
#define TENSORFLOW_LITE_MICRO_MICRO_LOG_H_

#ifdef TF_LITE_STRIP_ERROR_STRINGS
#define MicroPrintf(...)
#else
void MicroPrintf(const char *format, ...);
#endif

#endif
