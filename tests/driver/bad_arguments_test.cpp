// Driver API: every function with nulls, and with handles that never existed, exist no more, or are of another kind.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <tuple>
#include <type_traits>

#include "abi/cuda_execution.h"
#include "abi/cuda_graph.h"
#include "abi/cuda_memory.h"
#include "abi/cuda_texture.h"
#include "child.h"
#include "driver_fixture.h"
#include "kernels.h"

namespace anywarp::test {
namespace {

using Handles = std::tuple<CUcontext, CUstream, CUevent, CUmodule, CUfunction, CUkernel, CUlibrary, CUarray, CUmipmappedArray, CUmemoryPool, CUgraph,
                           CUgraphNode, CUgraphExec, CUtexref, CUsurfref, CUlinkState, CUuserObject, CUgreenCtx, CUdevResourceDesc, CUexternalMemory,
                           CUlogsCallbackHandle, CUasyncCallbackHandle>;

template <class T, class... All>
constexpr bool isOneOf(std::tuple<All...>*) {
  return (std::is_same_v<T, All> || ...);
}
template <class T>
constexpr bool isHandle = isOneOf<T>(static_cast<Handles*>(nullptr));

// A function with its arguments but for one: zeros, and `given` for the `index`th of its handles.
template <class T>
T argument([[maybe_unused]] void* given, [[maybe_unused]] int& index) {
  if constexpr (isHandle<T>) return index-- == 0 ? reinterpret_cast<T>(given) : nullptr;
  else return T{};
}

template <class... Arguments>
CUresult callWith(CUresult (*function)(Arguments...), [[maybe_unused]] void* given, [[maybe_unused]] int index) {
  std::tuple<Arguments...> arguments{argument<Arguments>(given, index)...};
  return std::apply(function, arguments);
}

template <class... Arguments>
constexpr int handleCount(CUresult (*)(Arguments...)) {
  return (0 + ... + int{isHandle<Arguments>});
}

struct Row {
  const char* name;
  CUresult (*call)(void* given, int index);
  int handles;
};

#define ANYWARP_ROW_Missing(symbol)
#define ANYWARP_ROW_Done(symbol) {#symbol, [](void* given, int index) { return callWith(&::symbol, given, index); }, handleCount(&::symbol)},
const Row rows[] = {
#define ANYWARP_API(base, version, symbol, stream, status) ANYWARP_ROW_##status(symbol)
#include "driver/api.def"
#undef ANYWARP_API
};

class BadArguments : public Driver {
 protected:
  // Calls with zeros do what they are for here and there: pop the context, begin a capture.
  void restore() {
    CUgraph captured = nullptr;
    ASSERT_OK(cuCtxSetCurrent(context));
    if (cuStreamEndCapture_ptsz(nullptr, &captured) == CUDA_SUCCESS && captured) {
      EXPECT_OK(cuGraphDestroy(captured));
    }
  }
};

// Outputs that are null, and handles that are: what succeeds has neither, or means a default stream or the current context.
TEST_F(BadArguments, ZerosAreNoCrash) {
  int succeeded = 0;
  for (const Row& row : rows) {
    succeeded += row.call(nullptr, -1) == CUDA_SUCCESS;
    restore();
  }
  EXPECT_LT(succeeded, static_cast<int>(std::size(rows)) / 4);
}

TEST_F(BadArguments, HandlesThatAreNoneAreAnErrorAndNoCrash) {
  CUstream stream = nullptr;
  CUevent event = nullptr, stale = nullptr;
  CUgraph graph = nullptr;
  CUmodule module = load(kernelsPtx);
  CUfunction bump = function(module, "bump");
  ASSERT_OK(cuStreamCreate(&stream, 0));
  ASSERT_OK(cuEventCreate(&event, 0));
  ASSERT_OK(cuEventCreate(&stale, 0));
  ASSERT_OK(cuEventDestroy_v2(stale));
  ASSERT_OK(cuGraphCreate(&graph, 0));
  int own = 0;
  // Live handles of five kinds: for most parameters the wrong ones; for some the right one.
  void* live[] = {stream, event, graph, module, bump};
  void* dead[] = {stale, bogus<void*>(), reinterpret_cast<void*>(8), &own};
  std::string succeeded;
  for (const Row& row : rows) {
    for (int index = 0; index < row.handles; ++index) {
      for (void* handle : dead) {
        if (row.call(handle, index) == CUDA_SUCCESS) succeeded += std::string(row.name) + " ";
        restore();
      }
    }
  }
  EXPECT_EQ(succeeded, "");
  for (const Row& row : rows) {
    std::string name = row.name;
    // With zeros for the rest these do something to the right handle: they end it, or wait for what nobody does.
    if (name.find("Destroy") != name.npos || name.find("Unload") != name.npos || name.find("BeginCapture") != name.npos) continue;
    for (int index = 0; index < row.handles; ++index)
      for (void* handle : live) {
        (void)row.call(handle, index);
        restore();
      }
  }
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(cuEventDestroy_v2(event));
  EXPECT_OK(cuGraphDestroy(graph));
  EXPECT_OK(cuStreamDestroy_v2(stream));
  EXPECT_OK(cuModuleUnload(module));
}

TEST(Process, EveryCallBeforeInit) { EXPECT_EQ(runChild("EveryCallBeforeInit", {}), 0); }

TEST(Child, DISABLED_EveryCallBeforeInit) {
  std::string succeeded;
  for (const Row& row : rows)
    if (std::string(row.name) != "cuInit" && row.call(nullptr, -1) == CUDA_SUCCESS) succeeded += std::string(row.name) + " ";
  EXPECT_EQ(succeeded, "");
}

}  // namespace
}  // namespace anywarp::test
