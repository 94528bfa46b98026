// Reads `texture:` lines. SPDX-License-Identifier: Apache-2.0
#include "texture_input.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>

#include "spec.h"

namespace anywarp::tests {
namespace {

std::vector<std::string> pieces(const std::string& text, char separator) {
  std::vector<std::string> list;
  std::stringstream stream(text);
  for (std::string piece; std::getline(stream, piece, separator);)
    if (!piece.empty()) list.push_back(piece);
  return list;
}

const std::map<std::string, TextureShape>& shapes() {
  static const auto& table = *new std::map<std::string, TextureShape>{
      {"1d", TextureShape::D1},     {"2d", TextureShape::D2},     {"3d", TextureShape::D3},         {"a1d", TextureShape::A1d},    {"a2d", TextureShape::A2d},
      {"cube", TextureShape::Cube}, {"acube", TextureShape::Acube}, {"linear", TextureShape::Linear}, {"pitch", TextureShape::Pitch}};
  return table;
}

Error bad(const std::string& what) { return Error{ErrorKind::Invalid, "texture: " + what}; }

int addressMode(const std::string& name) {
  const char* names[] = {"wrap", "clamp", "mirror", "border"};
  for (int i = 0; i < 4; i++)
    if (name == names[i]) return i;
  return -1;
}

std::string applyKey(TextureInput& t, const std::string& key, const std::string& value) {
  std::vector<std::string> list = pieces(value, ',');
  auto number = [&](size_t i) { return std::strtof(list[i].c_str(), nullptr); };
  if (key == "levels" && list.size() == 1) t.levels = static_cast<unsigned>(number(0));
  else if (key == "linear") t.linear = true;
  else if (key == "miplinear") t.mipLinear = true;
  else if (key == "normalized") t.normalized = true;
  else if (key == "seamless") t.seamless = true;
  else if (key == "surface") t.surface = true;
  else if (key == "bind") t.bind = true;
  else if (key == "bias" && list.size() == 1) t.bias = number(0);
  else if (key == "clamp" && list.size() == 2) t.minLevel = number(0), t.maxLevel = number(1);
  else if (key == "read") t.read = value == "normalized" ? 1 : value == "srgb" ? 2 : 0;
  else if (key == "border" && list.size() == 4)
    for (size_t i = 0; i < 4; i++) t.border[i] = number(i);
  else if (key == "address" && !list.empty()) {
    for (size_t i = 0; i < 3; i++) {
      int mode = addressMode(list[std::min(i, list.size() - 1)]);
      if (mode < 0) return "unknown address mode in `" + value + "`";
      t.address[i] = static_cast<unsigned>(mode);
    }
  } else {
    return "bad key `" + key + "`";
  }
  return "";
}

}  // namespace

TextureInput::Extent TextureInput::extent(unsigned level) const {
  auto half = [&](uint32_t n) { return std::max(n >> level, 1u); };
  bool flat = layered() || cube();
  return {half(size[0]), half(size[1]), flat ? std::max(size[2], 1u) : half(size[2])};
}

Result<TextureInput> parseTexture(const std::string& text) {
  std::vector<std::string> words = pieces(text, ' ');
  if (words.size() < 5) return bad("needs name, shape, format, size, data");
  TextureInput t;
  t.name = words[0];
  auto shape = shapes().find(words[1]);
  if (shape == shapes().end()) return bad("unknown shape `" + words[1] + "`");
  t.shape = shape->second;
  size_t x = words[2].find('x');
  t.type = ptx::typeFromSpelling(words[2].substr(0, x));
  if (x == std::string::npos || t.type == ptx::Type::None) return bad("unknown format `" + words[2] + "`");
  t.channels = static_cast<unsigned>(std::strtoul(words[2].c_str() + x + 1, nullptr, 10));
  std::vector<std::string> sizes = pieces(words[3], ',');
  for (size_t i = 0; i < sizes.size() && i < 3; i++) t.size[i] = static_cast<uint32_t>(std::strtoul(sizes[i].c_str(), nullptr, 10));
  std::string fill;
  for (size_t i = 4; i < words.size(); i++) {
    size_t equals = words[i].find('=');
    std::string key = words[i].substr(0, equals), value = equals == std::string::npos ? "" : words[i].substr(equals + 1);
    if (key == "data") {
      fill = value;
      continue;
    }
    std::string error = applyKey(t, key, value);
    if (!error.empty()) return bad(error);
  }
  size_t open = fill.find('(');
  if (open == std::string::npos || fill.back() != ')') return bad("bad data `" + fill + "`");
  auto values = makeFill(t.type, fill.substr(0, open), pieces(fill.substr(open + 1, fill.size() - open - 2), ','));
  if (!values) return values.error();
  size_t texels = 0;
  for (unsigned level = 0; level < t.levels; level++) texels += t.extent(level).texels();
  if (values->size() != texels * t.channels) return bad("has " + std::to_string(texels * t.channels) + " elements, data gives " + std::to_string(values->size()));
  t.bytes.resize(values->size() * ptx::bytes(t.type));
  for (size_t i = 0; i < values->size(); i++) std::memcpy(&t.bytes[i * ptx::bytes(t.type)], &(*values)[i], ptx::bytes(t.type));
  return t;
}

}  // namespace anywarp::tests
