// Plays the toolkit's NVRTC for the test of our stand-in: compiles nothing, answers with the options that it was given.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstring>
#include <string>

namespace {

struct Program {
  std::string options;
};

int give(const std::string& text, char* to) {
  std::memcpy(to, text.c_str(), text.size() + 1);
  return 0;
}

std::string ptx(const Program* p) { return "ptx:" + p->options; }
std::string cubin(const Program* p) { return "machine code:" + p->options; }

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int nvrtcVersion(int* major, int* minor) {
  *major = 13;
  *minor = 7;
  return 0;
}
const char* nvrtcGetErrorString(int result) { return result == 5 ? "five" : "other"; }
int nvrtcCreateProgram(Program** program, const char*, const char*, int, const char* const*, const char* const*) {
  *program = new Program;
  return 0;
}
int nvrtcDestroyProgram(Program** program) {
  delete *program;
  *program = nullptr;
  return 0;
}
int nvrtcCompileProgram(Program* program, int count, const char* const* options) {
  program->options.clear();
  for (int i = 0; i < count; ++i) program->options += std::string(" ") + options[i];
  return program->options.find("wrong") == std::string::npos ? 0 : 5;
}
int nvrtcGetPTXSize(Program* program, size_t* size) {
  *size = ptx(program).size() + 1;
  return 0;
}
int nvrtcGetPTX(Program* program, char* to) { return give(ptx(program), to); }
int nvrtcGetCUBINSize(Program* program, size_t* size) {
  *size = cubin(program).size() + 1;
  return 0;
}
int nvrtcGetCUBIN(Program* program, char* to) { return give(cubin(program), to); }
}
#pragma GCC visibility pop
