// Driver API: Green Contexts. SPDX-License-Identifier: Apache-2.0
// A green context is a share of a device's multiprocessors. It works in the device's primary context: with its memory, modules and
// faults, and streams of its own. The host's cores are handed out by the scheduler as always; the share is what limits and queries say.
#include <algorithm>
#include <cstring>

#include "abi/cuda_execution.h"
#include "driver/entry.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct GreenContext {
  CUgreenCtx handle = nullptr;
  CUdevResource resource{};
  std::shared_ptr<Context> context;
  uint64_t id = 0;
};

struct Description {
  CUdevResourceDesc handle = nullptr;
  CUdevResource resource{};
};

using GreenTable = HandleTable<GreenContext, CUgreenCtx, HandleKind::GreenContext>;
GreenTable& greenContexts() {
  static GreenTable& table = *new GreenTable;
  return table;
}

using DescriptionTable = HandleTable<Description, CUdevResourceDesc, HandleKind::ResourceDescription>;
DescriptionTable& descriptions() {
  static DescriptionTable& table = *new DescriptionTable;
  return table;
}

// What a resource carries where programs do not look: that it is ours, of which device, and which multiprocessors.
struct Inside {
  uint64_t mark;
  CUdevice device;
  unsigned first;
};
constexpr uint64_t resourceMark = 0x656372756f736572;
static_assert(sizeof(Inside) <= sizeof(CUdevResource::internal));

// Multiprocessors come in pieces of that many.
unsigned pieceOf(const device::Profile& profile) {
  unsigned piece = profile.ccMajor() >= 9 ? 8 : 2;
  return static_cast<unsigned>(profile.smCount()) >= 2 * piece ? piece : 1;
}

CUdevResource makeResource(const VisibleDevice& device, unsigned first, unsigned count) {
  CUdevResource resource{};
  resource.type = CU_DEV_RESOURCE_TYPE_SM;
  Inside inside{resourceMark, device.ordinal, first};
  std::memcpy(resource.internal, &inside, sizeof(inside));
  unsigned piece = pieceOf(device.profile());
  resource.sm = {count, piece, piece};
  return resource;
}

// The device of a resource that came from us; null for others.
VisibleDevice* deviceOf(const CUdevResource& resource, Inside& inside) {
  std::memcpy(&inside, resource.internal, sizeof(inside));
  if (resource.type != CU_DEV_RESOURCE_TYPE_SM || inside.mark != resourceMark) return nullptr;
  VisibleDevice* device = visibleDevice(inside.device);
  if (!device) return nullptr;
  auto all = static_cast<unsigned>(device->profile().smCount());
  return resource.sm.smCount > 0 && inside.first <= all && resource.sm.smCount <= all - inside.first ? device : nullptr;
}

CUresult giveResource(const VisibleDevice& device, unsigned first, unsigned count, CUdevResource* out, CUdevResourceType type) {
  if (!out) return CUDA_ERROR_INVALID_VALUE;
  if (type != CU_DEV_RESOURCE_TYPE_SM) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
  *out = makeResource(device, first, count);
  return CUDA_SUCCESS;
}

template <class Body>
CUresult withGreen(const char* name, CUgreenCtx handle, Body&& body) {
  return call(name, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    std::shared_ptr<GreenContext> green = greenContexts().find(handle);
    return green ? body(*green) : CUDA_ERROR_INVALID_CONTEXT;
  });
}

// Streams of a green context, now.
std::vector<std::shared_ptr<device::Stream>> streamsOf(CUgreenCtx green) {
  std::vector<std::shared_ptr<device::Stream>> found;
  streams().forEach([&](StreamObject& object) {
    if (object.green == green) found.push_back(object.stream);
  });
  return found;
}

}  // namespace

CUresult cuDeviceGetDevResource(CUdevice ordinal, CUdevResource* resource, CUdevResourceType type) {
  return call(__func__, [&]() -> CUresult {
    VisibleDevice* device = visibleDevice(ordinal);
    return device ? giveResource(*device, 0, static_cast<unsigned>(device->profile().smCount()), resource, type) : CUDA_ERROR_INVALID_DEVICE;
  });
}

CUresult cuCtxGetDevResource(CUcontext handle, CUdevResource* resource, CUdevResourceType type) {
  return call(__func__, [&]() -> CUresult {
    std::shared_ptr<Context> context = handle ? contexts().find(handle) : currentContext();
    if (!context) return CUDA_ERROR_INVALID_CONTEXT;
    if (context->green) return cuGreenCtxGetDevResource(context->green, resource, type);
    return giveResource(context->device, 0, static_cast<unsigned>(context->smCount()), resource, type);
  });
}

CUresult cuGreenCtxGetDevResource(CUgreenCtx handle, CUdevResource* resource, CUdevResourceType type) {
  return withGreen(__func__, handle, [&](GreenContext& green) -> CUresult {
    if (!resource) return CUDA_ERROR_INVALID_VALUE;
    if (type != CU_DEV_RESOURCE_TYPE_SM) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
    *resource = green.resource;
    return CUDA_SUCCESS;
  });
}

// Groups of at least `least` multiprocessors out of `input`; without `groups` it only tells how many there would be.
CUresult cuDevSmResourceSplitByCount(CUdevResource* groups, unsigned* count, const CUdevResource* input, CUdevResource* remaining, unsigned flags,
                                     unsigned least) {
  return call(__func__, [&]() -> CUresult {
    constexpr unsigned known = CU_DEV_SM_RESOURCE_SPLIT_IGNORE_SM_COSCHEDULING | CU_DEV_SM_RESOURCE_SPLIT_MAX_POTENTIAL_CLUSTER_SIZE;
    if (!count || !input || flags & ~known) return CUDA_ERROR_INVALID_VALUE;
    Inside inside;
    VisibleDevice* device = deviceOf(*input, inside);
    if (!device) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
    unsigned all = input->sm.smCount;
    unsigned piece = flags & CU_DEV_SM_RESOURCE_SPLIT_IGNORE_SM_COSCHEDULING ? 1 : pieceOf(device->profile());
    if (least > all) return CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION;
    unsigned size = (std::max(least, 1u) + piece - 1) / piece * piece;
    unsigned possible = all / size;
    if (possible == 0) return CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION;
    if (!groups) {
      *count = possible;
      return CUDA_SUCCESS;
    }
    unsigned made = std::min(*count, possible);
    for (unsigned i = 0; i < made; ++i) groups[i] = makeResource(*device, inside.first + i * size, size);
    *count = made;
    unsigned left = all - made * size;
    if (remaining) *remaining = left ? makeResource(*device, inside.first + made * size, left) : CUdevResource{};
    return CUDA_SUCCESS;
  });
}

CUresult cuDevResourceGenerateDesc(CUdevResourceDesc* handle, CUdevResource* resources, unsigned count) {
  return call(__func__, [&]() -> CUresult {
    if (!handle || !resources || count == 0) return CUDA_ERROR_INVALID_VALUE;
    // Several must be neighbours of one device: together they are one.
    Inside first;
    VisibleDevice* device = deviceOf(resources[0], first);
    if (!device) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
    unsigned total = resources[0].sm.smCount;
    for (unsigned i = 1; i < count; ++i) {
      Inside next;
      if (deviceOf(resources[i], next) != device || next.first != first.first + total) return CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION;
      total += resources[i].sm.smCount;
    }
    auto description = std::make_shared<Description>();
    description->resource = makeResource(*device, first.first, total);
    *handle = descriptions().add(description);
    return CUDA_SUCCESS;
  });
}

CUresult cuGreenCtxCreate(CUgreenCtx* handle, CUdevResourceDesc descriptionHandle, CUdevice ordinal, unsigned flags) {
  return call(__func__, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    VisibleDevice* device = visibleDevice(ordinal);
    if (!device) return CUDA_ERROR_INVALID_DEVICE;
    std::shared_ptr<Description> description = descriptions().find(descriptionHandle);
    Inside inside;
    if (!handle || !description || flags != CU_GREEN_CTX_DEFAULT_STREAM || deviceOf(description->resource, inside) != device) return CUDA_ERROR_INVALID_VALUE;
    device->primary->retain();
    auto green = std::make_shared<GreenContext>();
    green->resource = description->resource;
    green->context = Context::makeGreen(device->primary, static_cast<int>(description->resource.sm.smCount));
    *handle = greenContexts().add(green);
    green->context->green = *handle;
    static std::atomic<uint64_t> lastId{0};
    green->id = (uint64_t{1} << 32) + lastId.fetch_add(1) + 1;
    return CUDA_SUCCESS;
  });
}

CUresult cuGreenCtxDestroy(CUgreenCtx handle) {
  return call(__func__, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    std::shared_ptr<GreenContext> green = greenContexts().take(handle);
    if (!green) return CUDA_ERROR_INVALID_CONTEXT;
    for (auto& stream : streamsOf(handle)) stream->synchronize();
    auto gone = streams().takeIf([&](const StreamObject& object) { return object.green == handle; });
    contexts().take(green->context->handle);
    auto& stack = currentStack();
    if (!stack.empty() && stack.back() == green->context) stack.pop_back();
    return green->context->device.primary->release();
  });
}

CUresult cuCtxFromGreenCtx(CUcontext* context, CUgreenCtx handle) {
  return withGreen(__func__, handle, [&](GreenContext& green) -> CUresult {
    if (!context) return CUDA_ERROR_INVALID_VALUE;
    *context = green.context->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuGreenCtxGetId(CUgreenCtx handle, unsigned long long* id) {
  return withGreen(__func__, handle, [&](GreenContext& green) -> CUresult {
    if (!id) return CUDA_ERROR_INVALID_VALUE;
    *id = green.id;
    return CUDA_SUCCESS;
  });
}

CUresult cuGreenCtxStreamCreate(CUstream* stream, CUgreenCtx handle, unsigned flags, int priority) {
  return withGreen(__func__, handle, [&](GreenContext& green) -> CUresult {
    constexpr int highest = -5, lowest = 0;
    if (!stream || flags != CU_STREAM_NON_BLOCKING) return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<device::Context> impl = green.context->active();
    if (!impl) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    auto object = std::make_shared<StreamObject>();
    object->impl = impl;
    object->stream = impl->createStream(device::StreamKind::NonBlocking, std::clamp(priority, highest, lowest));
    object->context = green.context;
    object->flags = flags;
    object->green = handle;
    *stream = streams().add(object);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetGreenCtx(CUstream handle, CUgreenCtx* green) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    StreamRef stream = enterStream(current, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (!green) return CUDA_ERROR_INVALID_VALUE;
    *green = stream.object ? stream.object->green : nullptr;
    return CUDA_SUCCESS;
  });
}

CUresult cuGreenCtxRecordEvent(CUgreenCtx handle, CUevent eventHandle) {
  return withGreen(__func__, handle, [&](GreenContext& green) -> CUresult {
    std::shared_ptr<EventObject> event = events().find(eventHandle);
    std::shared_ptr<device::Context> impl = green.context->active();
    if (!event || event->impl != impl) return CUDA_ERROR_INVALID_HANDLE;
    auto collector = impl->createStream(device::StreamKind::NonBlocking);
    for (auto& stream : streamsOf(handle)) {
      auto reached = std::make_shared<device::Event>(device::EventTiming::Off);
      stream->record(reached);
      collector->wait(reached);
    }
    recordOn(*collector, *event);
    return CUDA_SUCCESS;
  });
}

CUresult cuGreenCtxWaitEvent(CUgreenCtx handle, CUevent eventHandle) {
  return withGreen(__func__, handle, [&](GreenContext&) -> CUresult {
    std::shared_ptr<EventObject> event = events().find(eventHandle);
    if (!event) return CUDA_ERROR_INVALID_HANDLE;
    for (auto& stream : streamsOf(handle)) waitOn(*stream, *event);
    return CUDA_SUCCESS;
  });
}
