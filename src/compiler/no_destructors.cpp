// libanywarp-compiler.so leaves nothing to do at exit: a process may end while a thread of it compiles. SPDX-License-Identifier: Apache-2.0
// Constructors of static objects, LLVM's too, hand their destructors to these in place of the C library's. The system takes
// back what they would have freed.
extern "C" {

[[gnu::visibility("hidden")]] int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
[[gnu::visibility("hidden")]] int atexit(void (*)()) { return 0; }

}
