// From handles to images: what compiled code calls for tex, tld4, txq, suld, sust, sured, suq. Runs as part of the kernel: memory that
// is gone faults as it would there, and no frame here owns anything. SPDX-License-Identifier: Apache-2.0
#include "device/texture/services.h"

#include <bit>

#include "device/sched/worker.h"
#include "device/texture/axis.h"
#include "device/texture/query.h"
#include "device/texture/sample.h"
#include "device/texture/surface.h"

namespace anywarp::device {
namespace {

[[noreturn]] void leave(FaultKind kind, uint32_t warp, uint32_t mask, const void* caller) {
  FaultRecord record;
  record.kind = kind;
  record.hasWarp = true;
  record.warp = warp;
  record.mask = mask;
  record.pc = reinterpret_cast<uintptr_t>(caller);
  Worker::current()->leave(record);
}

// Lanes of `left` that have the same handles as its first one.
uint32_t alike(uint32_t left, const uint64_t* first, const uint64_t* second) {
  auto lead = static_cast<unsigned>(std::countr_zero(left));
  uint32_t same = 0;
  for (uint32_t rest = left; rest; rest &= rest - 1) {
    auto lane = static_cast<unsigned>(std::countr_zero(rest));
    if (first[lane] == first[lead] && (!second || second[lane] == second[lead])) same |= 1u << lane;
  }
  return same;
}

const TextureRecord* imageOf(uint64_t handle, TextureRecord::Kind kind) {
  const TextureRecord* record = TextureTable::instance().find(handle);
  return record && record->kind == kind && record->image.levelCount > 0 ? record : nullptr;
}

const TextureRecord* samplerOf(uint64_t handle) {
  const TextureRecord* record = TextureTable::instance().find(handle);
  return record && record->kind != TextureRecord::Kind::Surface ? record : nullptr;
}

}  // namespace

void textureService(abi::BlockContext*, uint32_t warp, uint32_t mask, uint32_t word, const uint64_t* textures, const uint64_t* samplers,
                    const uint32_t* operands, uint32_t* results) {
  abi::TextureOperation operation = abi::TextureOperation::unpack(word);
  for (uint32_t left = mask; left;) {
    uint32_t same = operation.uniform ? left : alike(left, textures, samplers);
    unsigned lead = operation.uniform ? 0 : static_cast<unsigned>(std::countr_zero(left));
    const TextureRecord* texture = imageOf(textures[lead], TextureRecord::Kind::Texture);
    const TextureRecord* sampler = samplers ? samplerOf(samplers[lead]) : texture;
    if (!texture || !sampler) leave(FaultKind::InvalidTexture, warp, same, __builtin_return_address(0));
    Sampled sampled{texture->image, sampler->sampler, texture->read};
    if (same == mask) return sample(sampled, operation, same, operands, results);
    uint32_t part[4 * maxLanes];
    sample(sampled, operation, same, operands, part);
    for (unsigned c = 0; c < 4; ++c)
      for (uint32_t rest = same; rest; rest &= rest - 1) {
        auto lane = static_cast<unsigned>(std::countr_zero(rest));
        results[c * operation.width + lane] = part[c * operation.width + lane];
      }
    left &= ~same;
  }
}

void surfaceService(abi::BlockContext*, uint32_t warp, uint32_t mask, uint32_t word, const uint64_t* surfaces, const uint32_t* coordinates,
                    void* data) {
  abi::SurfaceOperation operation = abi::SurfaceOperation::unpack(word);
  for (uint32_t left = mask; left;) {
    uint32_t same = operation.uniform ? left : alike(left, surfaces, nullptr);
    unsigned lead = operation.uniform ? 0 : static_cast<unsigned>(std::countr_zero(left));
    const TextureRecord* surface = imageOf(surfaces[lead], TextureRecord::Kind::Surface);
    if (!surface) leave(FaultKind::InvalidSurface, warp, same, __builtin_return_address(0));
    SurfaceFault fault = accessSurface(surface->image, operation, same, coordinates, data);
    if (fault.outside) leave(FaultKind::SurfaceOutOfRange, warp, fault.outside, __builtin_return_address(0));
    if (fault.misaligned) leave(FaultKind::MisalignedAddress, warp, fault.misaligned, __builtin_return_address(0));
    left &= ~same;
  }
}

void textureQueryService(abi::BlockContext*, uint32_t warp, uint32_t mask, uint32_t word, const uint64_t* handles, const uint32_t* levels,
                         uint32_t* results) {
  auto what = static_cast<abi::TextureQuery>(word);
  for (uint32_t left = mask; left; left &= left - 1) {
    auto lane = static_cast<unsigned>(std::countr_zero(left));
    const TextureRecord* record = TextureTable::instance().find(handles[lane]);
    if (what >= abi::TextureQuery::IsTexture) {
      results[lane] = isOfKind(record, what);
      continue;
    }
    if (!record) leave(FaultKind::InvalidTexture, warp, 1u << lane, __builtin_return_address(0));
    results[lane] = query(*record, what, levels ? levels[lane] : 0);
  }
}

}  // namespace anywarp::device
