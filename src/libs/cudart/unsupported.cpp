// Every function of the table that is not implemented: an error, and one line that names it. SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include "libs/cudart/context.h"
#include "support/log.h"

namespace anywarp::cudart {
namespace {

cudaError_t unsupported(const char* name, std::atomic<bool>& said) {
  if (!said.exchange(true)) log::warn("{} is not implemented", name);
  return record(cudaErrorNotSupported);
}

}  // namespace

#define ANYWARP_UNSUPPORTED(name)                                    \
  ANYWARP_RUNTIME cudaError_t name();                                \
  ANYWARP_RUNTIME cudaError_t name() {                               \
    static std::atomic<bool> said{false};                            \
    return unsupported(#name, said);                                 \
  }
#define ANYWARP_TWIN_Plain(name)
#define ANYWARP_TWIN_Ptsz(name) ANYWARP_UNSUPPORTED(name##_ptsz)
#define ANYWARP_TWIN_Ptds(name) ANYWARP_UNSUPPORTED(name##_ptds)
#define ANYWARP_STATE_Done(name, twin)
#define ANYWARP_STATE_Missing(name, twin) ANYWARP_UNSUPPORTED(name) ANYWARP_TWIN_##twin(name)
#define RUNTIME_CALL(name, twin, versions, state) ANYWARP_IN_##versions(ANYWARP_STATE_##state(name, twin))
#include "libs/cudart/versions.h"
#include "libs/cudart/runtime_api.def"

}  // namespace anywarp::cudart
