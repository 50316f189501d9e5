// SPDX-License-Identifier: Apache-2.0
//
// Runs a .tflite with LiteRT's compiled-model API, one inference per request; built for and run on arm64.
//
// It declares the part of the API that it calls, because the wheel brings the library without headers. The signatures
// are those of LiteRT 2.3 (litert/c/litert_*.h, Apache-2.0).
//
// Everything on stdin and stdout is little-endian and packed:
//   greeting    u32 magic; then for the inputs and for the outputs: u32 count, and each u32 rank, i32 dims[], u64 bytes
//   request     u32 1 and the bytes of every input, in the graph's order; or u32 2 for an inference on the last ones
//   reply       u32 magic and, to 1, the bytes of every output
// An inference asked for by 2 runs between two marker system calls, which counter.c sees. A refusal is a line on stderr
// and exit code 3.

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAGIC 0x314d5241u  // "ARM1"
#define MARKER 0x45444745  // "EDGE": no kernel takes this as a `which` of getpriority, so the call changes nothing
#define MOST 256           // inputs or outputs

typedef int Status;
typedef void *Handle;

typedef struct {
  unsigned int rank : 7;
  bool has_strides : 1;
  int32_t dims[8];
  uint32_t strides[8];
} Layout;

typedef struct {
  int element;
  Layout layout;
} TensorType;

_Static_assert(sizeof(TensorType) == 72, "LiteRtRankedTensorType is 72 bytes");

Status LiteRtCreateEnvironment(int count, const void *options, Handle *environment);
Status LiteRtCreateOptions(Handle *options);
Status LiteRtSetOptionsHardwareAccelerators(Handle options, int accelerators);
Status LiteRtCreateOpaqueOptions(const char *name, void *payload, void (*destroy)(void *), Handle *opaque);
Status LiteRtAddOpaqueOptions(Handle options, Handle opaque);
Status LiteRtCreateModelFromFile(Handle environment, const char *path, Handle *model);
Status LiteRtGetMainModelSubgraphIndex(Handle model, size_t *index);
Status LiteRtGetModelSubgraph(Handle model, size_t index, Handle *subgraph);
Status LiteRtGetNumModelSignatures(Handle model, size_t *count);
Status LiteRtGetModelSignature(Handle model, size_t index, Handle *signature);
Status LiteRtGetSignatureSubgraph(Handle signature, Handle *subgraph);
Status LiteRtGetNumSignatureInputs(Handle signature, size_t *count);
Status LiteRtGetNumSignatureOutputs(Handle signature, size_t *count);
Status LiteRtGetSignatureInputTensorByIndex(Handle signature, size_t index, Handle *tensor);
Status LiteRtGetSignatureOutputTensorByIndex(Handle signature, size_t index, Handle *tensor);
Status LiteRtGetNumSubgraphInputs(Handle subgraph, size_t *count);
Status LiteRtGetNumSubgraphOutputs(Handle subgraph, size_t *count);
Status LiteRtGetSubgraphInput(Handle subgraph, size_t index, Handle *tensor);
Status LiteRtGetSubgraphOutput(Handle subgraph, size_t index, Handle *tensor);
Status LiteRtGetRankedTensorType(Handle tensor, TensorType *type);
Status LiteRtCreateCompiledModel(Handle environment, Handle model, Handle options, Handle *compiled);
Status LiteRtGetCompiledModelInputTensorLayout(Handle compiled, size_t signature, size_t index, Layout *layout);
Status LiteRtGetCompiledModelOutputTensorLayouts(Handle compiled, size_t signature, size_t count, Layout *layouts,
                                                 bool update);
Status LiteRtGetCompiledModelInputBufferRequirements(Handle compiled, size_t signature, size_t index, Handle *needs);
Status LiteRtGetCompiledModelOutputBufferRequirements(Handle compiled, size_t signature, size_t index, Handle *needs);
Status LiteRtCreateManagedTensorBufferFromRequirements(Handle environment, const TensorType *type, Handle needs,
                                                       Handle *buffer);
Status LiteRtGetTensorBufferPackedSize(Handle buffer, size_t *bytes);
Status LiteRtLockTensorBuffer(Handle buffer, void **memory, int mode);
Status LiteRtUnlockTensorBuffer(Handle buffer);
Status LiteRtRunCompiledModel(Handle compiled, size_t signature, size_t inputs, Handle *input_buffers, size_t outputs,
                              Handle *output_buffers);

// Inputs or outputs: `place` leads from the graph's order to the signature's, in which LiteRT takes the buffers.
typedef struct {
  size_t count, place[MOST], bytes[MOST];
  Handle tensors[MOST], buffers[MOST];
  Layout layouts[MOST];
} Ports;

static Handle environment, model, compiled, signature;
static size_t signature_index;
static Ports inputs, outputs;
static int channel;

static void refuse(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("refused: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(3);
}

static void check(Status status, const char *what) {
  if (status != 0) refuse("%s fails with LiteRT status %d", what, status);
}

static bool take(void *data, size_t size) {
  for (char *at = data; size > 0;) {
    ssize_t got = read(0, at, size);
    if (got <= 0) return false;
    at += got, size -= got;
  }
  return true;
}

static void give(const void *data, size_t size) {
  for (const char *at = data; size > 0;) {
    ssize_t put = write(channel, at, size);
    if (put <= 0) exit(0);
    at += put, size -= put;
  }
}

static void give_u32(uint32_t value) { give(&value, sizeof value); }

static void choose_signature(void) {
  size_t main_index, count;
  Handle main_subgraph, subgraph;
  check(LiteRtGetMainModelSubgraphIndex(model, &main_index), "finding the main graph");
  check(LiteRtGetModelSubgraph(model, main_index, &main_subgraph), "finding the main graph");
  check(LiteRtGetNumModelSignatures(model, &count), "counting signatures");
  for (signature_index = 0; signature_index < count; signature_index++) {
    check(LiteRtGetModelSignature(model, signature_index, &signature), "reading a signature");
    check(LiteRtGetSignatureSubgraph(signature, &subgraph), "reading a signature");
    if (subgraph == main_subgraph) break;
  }
  if (signature_index == count) refuse("no signature names the main graph");
  check(LiteRtGetNumSubgraphInputs(main_subgraph, &inputs.count), "counting inputs");
  check(LiteRtGetNumSubgraphOutputs(main_subgraph, &outputs.count), "counting outputs");
  if (inputs.count > MOST || outputs.count > MOST) refuse("more than %d inputs or outputs", MOST);
  for (size_t i = 0; i < inputs.count; i++)
    check(LiteRtGetSubgraphInput(main_subgraph, i, &inputs.tensors[i]), "reading an input");
  for (size_t i = 0; i < outputs.count; i++)
    check(LiteRtGetSubgraphOutput(main_subgraph, i, &outputs.tensors[i]), "reading an output");
}

static void order(Ports *ports, const char *what, Status (*count)(Handle, size_t *),
                  Status (*tensor)(Handle, size_t, Handle *)) {
  size_t named;
  bool taken[MOST] = {false};
  check(count(signature, &named), "reading a signature");
  if (named != ports->count) refuse("the signature names %zu of the graph's %zu %ss", named, ports->count, what);
  for (size_t i = 0; i < ports->count; i++) {
    size_t place = 0;
    for (; place < named; place++) {
      Handle found;
      check(tensor(signature, place, &found), "reading a signature");
      if (found == ports->tensors[i] && !taken[place]) break;
    }
    if (place == named) refuse("the signature leaves out %s %zu", what, i);
    taken[place] = true;
    ports->place[i] = place;
  }
}

static void compile(void) {
  Handle options, opaque;
  check(LiteRtCreateOptions(&options), "making options");
  check(LiteRtSetOptionsHardwareAccelerators(options, 1), "choosing the CPU");
  check(LiteRtCreateOpaqueOptions("xnnpack", strdup("num_threads = 1\n"), free, &opaque), "choosing one thread");
  check(LiteRtAddOpaqueOptions(options, opaque), "choosing one thread");
  check(LiteRtCreateCompiledModel(environment, model, options, &compiled), "preparing the model");
  Layout layouts[MOST];
  for (size_t i = 0; i < inputs.count; i++)
    check(LiteRtGetCompiledModelInputTensorLayout(compiled, signature_index, inputs.place[i], &inputs.layouts[i]),
          "asking for an input's shape");
  check(LiteRtGetCompiledModelOutputTensorLayouts(compiled, signature_index, outputs.count, layouts, true),
        "asking for the outputs' shapes");
  for (size_t i = 0; i < outputs.count; i++) outputs.layouts[i] = layouts[outputs.place[i]];
}

static void allocate(Ports *ports, const char *what, Status (*requirements)(Handle, size_t, size_t, Handle *)) {
  for (size_t i = 0; i < ports->count; i++) {
    TensorType type;
    Handle needs;
    check(LiteRtGetRankedTensorType(ports->tensors[i], &type), "asking for a tensor's type");
    type.layout = ports->layouts[i];
    for (unsigned k = 0; k < type.layout.rank; k++)
      if (type.layout.dims[k] < 0) refuse("the shape of %s %zu is only known while the model runs", what, i);
    check(requirements(compiled, signature_index, ports->place[i], &needs), "asking what a buffer needs");
    Handle *buffer = &ports->buffers[ports->place[i]];
    check(LiteRtCreateManagedTensorBufferFromRequirements(environment, &type, needs, buffer), "making a buffer");
    check(LiteRtGetTensorBufferPackedSize(*buffer, &ports->bytes[i]), "asking for a buffer's size");
  }
}

static void greet(const Ports *ports) {
  give_u32(ports->count);
  for (size_t i = 0; i < ports->count; i++) {
    const Layout *layout = &ports->layouts[i];
    give_u32(layout->rank);
    give(layout->dims, layout->rank * sizeof layout->dims[0]);
    uint64_t bytes = ports->bytes[i];
    give(&bytes, sizeof bytes);
  }
}

static void infer(void) {
  check(LiteRtRunCompiledModel(compiled, signature_index, inputs.count, inputs.buffers, outputs.count, outputs.buffers),
        "the inference");
}

static bool transfer(Ports *ports, int mode) {
  for (size_t i = 0; i < ports->count; i++) {
    Handle buffer = ports->buffers[ports->place[i]];
    void *memory;
    check(LiteRtLockTensorBuffer(buffer, &memory, mode), "opening a buffer");
    if (mode == 0) give(memory, ports->bytes[i]);
    else if (!take(memory, ports->bytes[i])) return false;
    check(LiteRtUnlockTensorBuffer(buffer), "closing a buffer");
  }
  return true;
}

int main(int count, char **arguments) {
  if (count != 2) refuse("usage: runner MODEL");
  channel = dup(1);
  dup2(2, 1);  // what the library prints is no part of the conversation
  check(LiteRtCreateEnvironment(0, NULL, &environment), "starting LiteRT");
  check(LiteRtCreateModelFromFile(environment, arguments[1], &model), "reading the model");
  choose_signature();
  order(&inputs, "input", LiteRtGetNumSignatureInputs, LiteRtGetSignatureInputTensorByIndex);
  order(&outputs, "output", LiteRtGetNumSignatureOutputs, LiteRtGetSignatureOutputTensorByIndex);
  compile();
  allocate(&inputs, "input", LiteRtGetCompiledModelInputBufferRequirements);
  allocate(&outputs, "output", LiteRtGetCompiledModelOutputBufferRequirements);
  give_u32(MAGIC);
  greet(&inputs);
  greet(&outputs);
  for (uint32_t request; take(&request, sizeof request);) {
    if (request == 1) {
      if (!transfer(&inputs, 1)) return 0;
      infer();
      give_u32(MAGIC);
      transfer(&outputs, 0);
    } else {
      syscall(SYS_getpriority, MARKER, 1);
      infer();
      syscall(SYS_getpriority, MARKER, 0);
      give_u32(MAGIC);
    }
  }
  _exit(0);
}
