// Runs a test program in the oracle interpreter. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "compiler/ptx/ast.h"
#include "interp/interp.h"
#include "program.h"

namespace anywarp::tests {
namespace {

// The driver gives buffers from cuMemAlloc, which aligns to 256 bytes.
struct Placed {
  std::vector<uint64_t> storage;
  uint8_t* begin = nullptr;

  explicit Placed(const std::vector<uint8_t>& bytes) : storage(bytes.size() / 8 + 34) {
    begin = reinterpret_cast<uint8_t*>((reinterpret_cast<uint64_t>(storage.data()) + 255) & ~uint64_t{255});
    std::memcpy(begin, bytes.data(), bytes.size());
  }
};

// Handles of objects are their places in the list, beyond anything that is an address.
uint64_t textureHandle(size_t index) { return 0xa700'0000'0000'0000 + index; }

Result<std::vector<uint8_t>> packParams(const ptx::Function& kernel, const Launch& launch, const std::vector<Placed>& buffers) {
  if (kernel.params.size() != launch.arguments.size())
    return Error{ErrorKind::Invalid, "kernel " + kernel.name + " has " + std::to_string(kernel.params.size()) +
                                         " parameters, the launch line gives " + std::to_string(launch.arguments.size())};
  std::vector<uint8_t> image;
  for (size_t i = 0; i < kernel.params.size(); i++) {
    const ptx::Variable& param = kernel.params[i];
    const Argument& argument = launch.arguments[i];
    std::vector<uint8_t> value = argument.bytes;
    if (argument.buffer >= 0) {
      uint64_t address = reinterpret_cast<uint64_t>(buffers[argument.buffer].begin) + argument.offset;
      value.resize(8);
      std::memcpy(value.data(), &address, 8);
    }
    if (argument.texture >= 0) {
      uint64_t handle = textureHandle(static_cast<size_t>(argument.texture));
      value.resize(8);
      std::memcpy(value.data(), &handle, 8);
    }
    if (value.size() != param.size)
      return Error{ErrorKind::Invalid, "parameter " + param.name + " has " + std::to_string(param.size) + " bytes, the launch line gives " +
                                           std::to_string(value.size())};
    uint64_t align = std::max<uint64_t>(param.align, 1);
    image.resize((image.size() + align - 1) / align * align);
    image.insert(image.end(), value.begin(), value.end());
  }
  return image;
}

interp::TextureObject textureObject(const TextureInput& t, std::vector<uint8_t>& bytes) {
  interp::TextureObject object;
  object.kind = t.surface ? interp::TextureObject::Kind::Surface : interp::TextureObject::Kind::Texture;
  object.reading = static_cast<interp::Reading>(t.read);
  interp::TextureImage& image = object.image;
  image.channel = ptx::isFloat(t.type) ? interp::Channel::Float : ptx::isSigned(t.type) ? interp::Channel::Signed : interp::Channel::Unsigned;
  image.channelBytes = static_cast<int>(ptx::bytes(t.type));
  image.channels = static_cast<int>(t.channels);
  image.layered = t.layered();
  image.cube = t.cube();
  image.buffer = t.shape == TextureShape::Linear;
  image.pitched = t.shape == TextureShape::Pitch;
  image.dimensions = t.size[1] == 0 ? 1 : t.size[2] > 0 && !image.layered && !image.cube ? 3 : 2;
  bytes = t.bytes;
  size_t at = 0;
  for (unsigned level = 0; level < t.levels; level++) {
    TextureInput::Extent e = t.extent(level);
    size_t row = e.width * t.texelBytes();
    image.levels.push_back({static_cast<int>(e.width), static_cast<int>(e.height), static_cast<int>(e.depth), bytes.data() + at, row, row * e.height});
    at += row * e.height * e.depth;
  }
  interp::TextureSampling& sampling = object.sampling;
  for (int i = 0; i < 3; i++) sampling.addressing[i] = static_cast<interp::Addressing>(t.address[i]);
  sampling.linear = t.linear, sampling.mipLinear = t.mipLinear, sampling.normalized = t.normalized, sampling.seamless = t.seamless;
  sampling.bias = t.bias, sampling.minLevel = t.minLevel, sampling.maxLevel = t.maxLevel;
  std::copy(t.border, t.border + 4, sampling.border);
  return object;
}

}  // namespace

Outcome runInterpreter(const Program& program) {
  auto module = ptx::parseModule(program.ptx, program.name);
  if (!module) return broken(module.error().message);
  auto image = interp::ModuleImage::create(**module);
  if (!image) return broken(image.error().message);

  interp::DeviceMemory memory;
  memory.ranges = (*image)->ranges();
  std::vector<Placed> buffers;
  for (const Buffer& buffer : program.buffers) {
    buffers.emplace_back(buffer.bytes);
    memory.ranges.push_back({reinterpret_cast<uint64_t>(buffers.back().begin), buffer.bytes.size(), true});
  }

  interp::TextureSet textures = (*image)->samplers(**module);
  std::vector<std::vector<uint8_t>> texels(program.textures.size());
  for (size_t i = 0; i < program.textures.size(); i++) {
    const TextureInput& input = program.textures[i];
    int variable = input.bind ? (*module)->findVariable(input.name) : -1;
    if (input.bind && variable < 0) return broken("no variable " + input.name);
    uint64_t handle = input.bind ? (*image)->symbols()[static_cast<size_t>(variable)] : textureHandle(i);
    textures[handle] = textureObject(input, texels[i]);
  }

  Outcome outcome;
  for (const Launch& launch : program.launches) {
    int function = (*module)->findFunction(launch.kernel);
    if (function < 0) return broken("no kernel " + launch.kernel);
    interp::LaunchConfig config;
    config.grid = {launch.grid.x, launch.grid.y, launch.grid.z};
    config.block = {launch.block.x, launch.block.y, launch.block.z};
    config.dynamicShared = launch.shared;
    config.cooperative = launch.cooperative;
    config.symbols = (*image)->symbols();
    config.memory = &memory;
    config.textures = &textures;
    config.print = [&](std::string_view text) { outcome.printed += text; };
    auto params = packParams((*module)->functions[function], launch, buffers);
    if (!params) return broken(params.error().message);
    config.params = std::move(*params);
    if (auto fault = interp::run(**module, static_cast<uint32_t>(function), config)) {
      outcome.fault = interp::name(fault->kind);
      outcome.message = fault->message;
      break;
    }
  }
  for (size_t i = 0; i < buffers.size(); i++)
    outcome.buffers.emplace_back(buffers[i].begin, buffers[i].begin + program.buffers[i].bytes.size());
  return outcome;
}

}  // namespace anywarp::tests
