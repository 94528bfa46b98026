// Fixed numbers first, then the variable parts with their sizes. SPDX-License-Identifier: Apache-2.0
#include "compiler/plan_serialize.h"

#include <cstring>

namespace anywarp::compiler {
namespace {

constexpr uint32_t formatVersion = 1;

class Writer {
 public:
  void raw(const void* data, size_t size) {
    auto* from = static_cast<const uint8_t*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
  }
  void number(uint64_t value) { raw(&value, sizeof value); }
  template <class Container>
  void sequence(const Container& items) {
    number(items.size());
    raw(items.data(), items.size() * sizeof(items[0]));
  }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool raw(void* to, size_t size) {
    if (size > bytes_.size()) return good_ = false;
    if (size) std::memcpy(to, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return true;
  }
  uint64_t number() {
    uint64_t value = 0;
    raw(&value, sizeof value);
    return value;
  }
  template <class Container>
  void sequence(Container& items) {
    uint64_t count = number();
    if (count > bytes_.size() / sizeof(items[0])) {
      good_ = false;
      return;
    }
    items.resize(count);
    raw(items.data(), count * sizeof(items[0]));
  }
  bool isWhole() const { return good_ && bytes_.empty(); }

 private:
  std::span<const uint8_t> bytes_;
  bool good_ = true;
};

constexpr uint32_t CompiledObject::*numbers[] = {&CompiledObject::width,      &CompiledObject::regionCount,
                                                 &CompiledObject::frameBytes, &CompiledObject::localBytes,
                                                 &CompiledObject::staticSharedBytes, &CompiledObject::usesSpin,
                                                 &CompiledObject::rowsRepeat};

}  // namespace

std::vector<uint8_t> serialize(const CompiledObject& object) {
  Writer out;
  out.number(formatVersion);
  out.number(static_cast<uint64_t>(object.mode));
  for (auto member : numbers) out.number(object.*member);
  out.sequence(object.entrySymbol);
  out.sequence(object.regions);
  out.sequence(object.object);
  return out.take();
}

std::optional<CompiledObject> deserialize(std::span<const uint8_t> bytes) {
  Reader in(bytes);
  CompiledObject object;
  if (in.number() != formatVersion) return std::nullopt;
  object.mode = static_cast<abi::PlanMode>(in.number());
  for (auto member : numbers) object.*member = static_cast<uint32_t>(in.number());
  in.sequence(object.entrySymbol);
  in.sequence(object.regions);
  in.sequence(object.object);
  bool good = in.isWhole() && object.mode <= abi::PlanMode::Free && object.width >= 1 && object.width <= abi::maxWarpWidth;
  return good ? std::optional(std::move(object)) : std::nullopt;
}

}  // namespace anywarp::compiler
