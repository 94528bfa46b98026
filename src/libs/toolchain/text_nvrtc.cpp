// Plays the toolkit's NVRTC for the test of our nvJitLink: the LTO-IR of a source is its text. SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstring>
#include <string>

#pragma GCC visibility push(default)
extern "C" {

int nvrtcCreateProgram(std::string** program, const char* source, const char*, int, const char* const*, const char* const*) {
  *program = new std::string(source);
  return 0;
}
int nvrtcDestroyProgram(std::string** program) {
  delete *program;
  *program = nullptr;
  return 0;
}
int nvrtcCompileProgram(std::string*, int count, const char* const* options) {
  for (int i = 0; i < count; ++i)
    if (std::strcmp(options[i], "-dlto") == 0) return 0;
  return 5;
}
int nvrtcGetLTOIRSize(const std::string* program, size_t* size) {
  *size = program->size();
  return 0;
}
int nvrtcGetLTOIR(const std::string* program, char* to) {
  std::memcpy(to, program->data(), program->size());
  return 0;
}
}
#pragma GCC visibility pop
