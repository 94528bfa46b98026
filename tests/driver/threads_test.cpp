// Many host threads share handles that others destroy at any moment: nothing crashes, hangs or is lost (run it with ThreadSanitizer too).
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "abi/cuda_execution.h"
#include "abi/cuda_graph.h"
#include "abi/cuda_memory.h"
#include "driver_fixture.h"
#include "kernels.h"

namespace anywarp::test {
namespace {

constexpr unsigned threadCount = 4, steps = 400, slotCount = 3;

template <class Handle>
using Slots = std::atomic<Handle>[slotCount];

// What all threads see. A slot's handle may be gone by the time it is used.
struct Shared {
  Slots<CUstream> streams{};
  Slots<CUevent> events{};
  Slots<CUmodule> modules{};
  Slots<CUgraph> graphs{};
  Slots<CUgraphExec> execs{};
  Slots<CUcontext> contexts{};
  Slots<CUmemoryPool> pools{};
  Slots<CUlibrary> libraries{};
};

class User {
 public:
  User(Shared& shared, CUcontext context, unsigned seed) : s_(shared), context_(context), random_(seed) {}

  void run() {
    ASSERT_OK(cuCtxSetCurrent(context_));
    ASSERT_OK(cuMemAlloc_v2(&mine_, 64));
    for (unsigned i = 0; i < steps; ++i) step();
    CUcontext left = nullptr;
    EXPECT_OK(cuCtxGetCurrent(&left));
    EXPECT_EQ(left, context_);
    EXPECT_OK(cuCtxSynchronize());
    EXPECT_OK(cuMemFree_v2(mine_));
  }

 private:
  unsigned pick(unsigned below) { return std::uniform_int_distribution<unsigned>(0, below - 1)(random_); }
  template <class Handle>
  std::atomic<Handle>& slot(Slots<Handle>& all) {
    return all[pick(slotCount)];
  }
  // Puts a new handle into a slot and destroys the one before it, which others may be using.
  template <class Handle, class Destroy>
  void replace(Slots<Handle>& all, CUresult made, Handle handle, Destroy destroy) {
    ASSERT_OK(made);
    if (Handle old = slot(all).exchange(handle)) { EXPECT_OK(destroy(old)); }
  }

  void step() {
    CUstream stream = slot(s_.streams);
    CUevent event = slot(s_.events);
    switch (pick(18)) {
      case 0: {
        CUstream made = nullptr;
        return replace(s_.streams, cuStreamCreate(&made, pick(2) ? CU_STREAM_NON_BLOCKING : CU_STREAM_DEFAULT), made, cuStreamDestroy_v2);
      }
      case 1: {
        CUevent made = nullptr;
        return replace(s_.events, cuEventCreate(&made, pick(2) ? CU_EVENT_DISABLE_TIMING : CU_EVENT_DEFAULT), made, cuEventDestroy_v2);
      }
      case 2: {
        CUmodule made = nullptr;
        return replace(s_.modules, cuModuleLoadData(&made, kernelsPtx), made, cuModuleUnload);
      }
      case 3: {
        CUlibrary made = nullptr;
        return replace(s_.libraries, cuLibraryLoadData(&made, kernelsPtx, nullptr, nullptr, 0, nullptr, nullptr, 0), made, cuLibraryUnload);
      }
      case 4: return launch(stream);
      case 5: return launchFromLibrary(stream);
      case 6: (void)cuEventRecord(event, stream); return;
      case 7: (void)cuStreamWaitEvent(stream, event, 0); return;
      case 8: (void)cuEventSynchronize(event); return;
      case 9: {
        float milliseconds = 0;
        (void)cuEventElapsedTime_v2(&milliseconds, event, slot(s_.events));
        (void)cuEventQuery(event);
        (void)cuStreamQuery(stream);
        return;
      }
      case 10: (void)cuMemsetD32Async(mine_, 5, 16, stream); return;
      case 11: return makeGraph();
      case 12: return launchGraph(stream);
      case 13: {
        CUmemPoolProps props = devicePoolProps();
        CUmemoryPool made = nullptr;
        return replace(s_.pools, cuMemPoolCreate(&made, &props), made, cuMemPoolDestroy);
      }
      case 14: {
        CUdeviceptr memory = 0;
        if (cuMemAllocFromPoolAsync(&memory, 256, slot(s_.pools), stream) == CUDA_SUCCESS) {
          if (cuMemFreeAsync(memory, stream) != CUDA_SUCCESS) {
            EXPECT_OK(cuMemFree_v2(memory));
          }
        }
        return;
      }
      case 15: {
        CUcontext made = nullptr, before = nullptr;
        CUresult result = cuCtxCreate_v2(&made, 0, 0);
        EXPECT_OK(cuCtxPopCurrent_v2(&before));
        return replace(s_.contexts, result, made, cuCtxDestroy_v2);
      }
      case 16: return workElsewhere();
      default: (void)cuStreamSynchronize(stream); return;
    }
  }

  void launch(CUstream stream) {
    CUfunction poke = nullptr;
    if (cuModuleGetFunction(&poke, slot(s_.modules), "poke") != CUDA_SUCCESS) return;
    void* params[] = {&mine_};
    (void)cuLaunchKernel(poke, 1, 1, 1, 1, 1, 1, 0, stream, params, nullptr);
  }

  void launchFromLibrary(CUstream stream) {
    CUkernel poke = nullptr;
    if (cuLibraryGetKernel(&poke, slot(s_.libraries), "poke") != CUDA_SUCCESS) return;
    void* params[] = {&mine_};
    (void)cuLaunchKernel(reinterpret_cast<CUfunction>(poke), 1, 1, 1, 1, 1, 1, 0, stream, params, nullptr);
  }

  void makeGraph() {
    CUgraph graph = nullptr;
    CUgraphNode node = nullptr;
    EXPECT_OK(cuGraphCreate(&graph, 0));
    EXPECT_OK(cuGraphAddEmptyNode(&node, graph, nullptr, 0));
    CUgraphExec exec = nullptr;
    replace(s_.execs, cuGraphInstantiateWithFlags(&exec, graph, 0), exec, cuGraphExecDestroy);
    replace(s_.graphs, CUDA_SUCCESS, graph, cuGraphDestroy);
  }

  void launchGraph(CUstream stream) {
    CUgraphNode node = nullptr;
    (void)cuGraphAddEmptyNode(&node, slot(s_.graphs), nullptr, 0);
    (void)cuGraphLaunch(slot(s_.execs), stream);
  }

  void workElsewhere() {
    if (cuCtxPushCurrent_v2(slot(s_.contexts)) != CUDA_SUCCESS) return;
    CUdeviceptr memory = 0;
    (void)cuMemAlloc_v2(&memory, 128);  // goes with its context, at any moment
    CUcontext popped = nullptr;
    (void)cuCtxPopCurrent_v2(&popped);
    EXPECT_OK(cuCtxSetCurrent(context_));
  }

  Shared& s_;
  CUcontext context_;
  std::mt19937 random_;
  CUdeviceptr mine_ = 0;
};

class Threads : public Driver {};

TEST_F(Threads, UseWhatOthersDestroy) {
  Shared& shared = *new Shared;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < threadCount; ++i) threads.emplace_back([&shared, this, i] { User(shared, context, i + 1).run(); });
  for (std::thread& t : threads) t.join();
  CUdeviceptr target = allocate(4);
  void* params[] = {&target};
  EXPECT_OK(cuLaunchKernel(function(load(kernelsPtx), "poke"), 1, 1, 1, 1, 1, 1, 0, nullptr, params, nullptr));
  EXPECT_EQ(download<uint32_t>(target, 1)[0], 7u);
  for (unsigned i = 0; i < slotCount; ++i) {
    if (CUcontext c = shared.contexts[i]) { EXPECT_OK(cuCtxDestroy_v2(c)); }
    if (CUmemoryPool p = shared.pools[i]) { EXPECT_OK(cuMemPoolDestroy(p)); }
    if (CUgraphExec e = shared.execs[i]) { EXPECT_OK(cuGraphExecDestroy(e)); }
    if (CUgraph g = shared.graphs[i]) { EXPECT_OK(cuGraphDestroy(g)); }
    if (CUlibrary l = shared.libraries[i]) { EXPECT_OK(cuLibraryUnload(l)); }
  }
}

}  // namespace
}  // namespace anywarp::test
