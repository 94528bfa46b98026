// Driver API: Graph Management, cuGraphDebugDotPrint. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <fstream>

#include "driver/graph_call.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

const char* const typeNames[] = {"KERNEL",    "MEMCPY",       "MEMSET",        "HOST",           "GRAPH",     "EMPTY",    "WAIT_EVENT",
                                 "EVENT_RECORD", "EXT_SEMAS_SIGNAL", "EXT_SEMAS_WAIT", "MEM_ALLOC", "MEM_FREE", "BATCH_MEM_OP", "CONDITIONAL"};

struct Describe {
  std::string operator()(const KernelWork& work) const {
    const CUDA_KERNEL_NODE_PARAMS& p = work.params;
    return fmt::format("\\n{}\\n<<<({},{},{}), ({},{},{}), {}>>>", work.ref.kernel->function().name, p.gridDimX, p.gridDimY, p.gridDimZ, p.blockDimX,
                       p.blockDimY, p.blockDimZ, p.sharedMemBytes);
  }
  std::string operator()(const CopyWork& work) const {
    return fmt::format("\\n{} x {} x {} bytes", work.params.WidthInBytes, work.params.Height, work.params.Depth);
  }
  std::string operator()(const FillWork& work) const {
    const CUDA_MEMSET_NODE_PARAMS& p = work.params;
    return fmt::format("\\n{:#x}: {} x {} elements of {} bytes = {:#x}", p.dst, p.width, p.height, p.elementSize, p.value);
  }
  std::string operator()(const AllocationWork& work) const { return fmt::format("\\n{} bytes at {:#x}", work.memory->bytes, work.params.dptr); }
  std::string operator()(const FreeWork& work) const { return fmt::format("\\n{}", work.memory->base); }
  template <class Other>
  std::string operator()(const Other&) const {
    return "";
  }
};

std::string print(const Graph& graph, unsigned flags, unsigned& clusters) {
  std::string text, inner;
  unsigned cluster = clusters++;
  text += fmt::format("subgraph cluster_{} {{\nlabel=\"graph_{}\"\n", cluster, cluster);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const GraphNode& node = *graph.nodes[i];
    std::string label = fmt::format("{}\\n{}", i, typeNames[node.type]);
    if (flags) label += std::visit(Describe{}, node.work);
    text += fmt::format("\"graph_{}_node_{}\"[shape=\"record\" label=\"{}\"];\n", cluster, i, label);
    if (auto* child = std::get_if<ChildWork>(&node.work)) inner += print(*child->child->graph, flags, clusters);
    if (auto* conditional = std::get_if<ConditionalWork>(&node.work))
      for (const auto& body : conditional->bodies) inner += print(*body->graph, flags, clusters);
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    for (size_t j = 0; j < graph.nodes.size(); ++j)
      for (const GraphEdge& edge : graph.nodes[i]->dependents)
        if (edge.node == graph.nodes[j].get()) text += fmt::format("\"graph_{0}_node_{1}\" -> \"graph_{0}_node_{2}\";\n", cluster, i, j);
  return text + "}\n" + inner;
}

}  // namespace

CUresult cuGraphDebugDotPrint(CUgraph handle, const char* path, unsigned flags) {
  return withGraph(__func__, handle, [&](Graph& graph) -> CUresult {
    if (!path || flags & ~CU_GRAPH_DEBUG_DOT_FLAGS_ALL) return CUDA_ERROR_INVALID_VALUE;
    std::ofstream file(path);
    if (!file) return CUDA_ERROR_OPERATING_SYSTEM;
    unsigned clusters = 0;
    file << "digraph dot {\n" << print(graph, flags, clusters) << "}\n";
    return file ? CUDA_SUCCESS : CUDA_ERROR_OPERATING_SYSTEM;
  });
}
