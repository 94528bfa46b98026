// Reads the header of a text test (spec.h says what it may hold). SPDX-License-Identifier: Apache-2.0
#include "spec.h"

#include <algorithm>
#include <cstring>

namespace anywarp::tests {
namespace {

using ptx::Type;

std::string trimmed(const std::string& text) {
  size_t begin = text.find_first_not_of(" \t\r"), end = text.find_last_not_of(" \t\r");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  int depth = 0;
  std::string part;
  for (char c : text) {
    if (c == '(') depth++;
    if (c == ')') depth--;
    if (c == separator && depth == 0) {
      parts.push_back(trimmed(part));
      part.clear();
    } else {
      part += c;
    }
  }
  parts.push_back(trimmed(part));
  return parts;
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> list;
  for (const std::string& word : split(text, ' '))
    if (!word.empty()) list.push_back(word);
  return list;
}

// `name(inside)`: true where text has that form.
bool callForm(const std::string& text, std::string* name, std::string* inside) {
  size_t open = text.find('(');
  if (open == std::string::npos || text.back() != ')') return false;
  *name = text.substr(0, open);
  *inside = text.substr(open + 1, text.size() - open - 2);
  return true;
}

std::vector<uint8_t> bytesOf(Type type, uint64_t bits) {
  std::vector<uint8_t> bytes(ptx::bytes(type));
  std::memcpy(bytes.data(), &bits, std::min<size_t>(bytes.size(), 8));
  return bytes;
}

class Parser {
 public:
  Parser(const std::string& name, const std::string& text) {
    spec_.program.name = name;
    spec_.program.ptx = text;
  }

  Result<Spec> parse() {
    size_t begin = 0;
    std::string error;
    for (line_ = 1; begin < spec_.program.ptx.size(); line_++) {
      size_t end = std::min(spec_.program.ptx.find('\n', begin), spec_.program.ptx.size());
      error = directive(trimmed(spec_.program.ptx.substr(begin, end - begin)));
      if (!error.empty()) return Error{ErrorKind::Invalid, spec_.program.name + ":" + std::to_string(line_) + ": " + error};
      begin = end + 1;
    }
    if (spec_.program.launches.empty()) return Error{ErrorKind::Invalid, spec_.program.name + ": no `launch:` line"};
    spec_.tolerances.resize(spec_.program.buffers.size());
    return std::move(spec_);
  }

 private:
  Spec spec_;
  int line_ = 0;
  bool anyNaN_ = false;

  // Each returns the error, empty where all is well.
  std::string directive(const std::string& line) {
    if (line.rfind("//", 0) != 0) return "";
    std::string text = trimmed(line.substr(2));
    size_t colon = text.find(':');
    if (colon == std::string::npos) return "";
    std::string key = text.substr(0, colon), value = trimmed(text.substr(colon + 1));
    if (key == "launch") return launch(value);
    if (key == "texture") return texture(value);
    if (key == "expect") return expect(value);
    if (key == "expect-fault") return expectFault(value);
    if (key == "expect-print") return spec_.printed.push_back(value), "";
    if (key == "tolerance") return tolerance(value);
    if (key == "nan") return nan(value);
    if (key == "engines") return spec_.engines = words(value)[0], "";
    return "";
  }

  std::string texture(const std::string& text) {
    auto input = parseTexture(text);
    if (!input) return input.error().message;
    spec_.program.textures.push_back(std::move(*input));
    return "";
  }

  std::string launch(const std::string& text) {
    Launch launch;
    std::vector<std::string> parts = words(text);
    if (parts.empty()) return "launch names no kernel";
    launch.kernel = parts[0];
    for (size_t i = 1; i < parts.size(); i++) {
      size_t equals = parts[i].find('=');
      std::string key = parts[i].substr(0, equals), value = equals == std::string::npos ? "" : parts[i].substr(equals + 1);
      std::string error;
      if (key == "grid") {
        error = dimension(value, &launch.grid);
      } else if (key == "block") {
        error = dimension(value, &launch.block);
      } else if (key == "shared") {
        launch.shared = static_cast<uint32_t>(std::strtoul(value.c_str(), nullptr, 0));
      } else if (key == "cooperative") {
        launch.cooperative = true;
      } else {
        error = argument(key, value, &launch.arguments.emplace_back());
      }
      if (!error.empty()) return error;
    }
    spec_.program.launches.push_back(std::move(launch));
    return "";
  }

  std::string dimension(const std::string& text, abi::Dim3* out) {
    uint32_t values[3] = {1, 1, 1};
    std::vector<std::string> parts = split(text, ',');
    for (size_t i = 0; i < parts.size() && i < 3; i++) values[i] = static_cast<uint32_t>(std::strtoul(parts[i].c_str(), nullptr, 0));
    *out = {values[0], values[1], values[2]};
    return parts.size() <= 3 && values[0] && values[1] && values[2] ? "" : "bad dimensions `" + text + "`";
  }

  std::string argument(const std::string& name, const std::string& text, Argument* argument) {
    if (text.empty()) return "argument `" + name + "` has no value";
    if (text[0] == '@') return earlierBuffer(text.substr(1), argument);
    size_t colon = text.find(':'), bracket = text.find('[');
    if (colon != std::string::npos && (text.find('(') == std::string::npos || colon < text.find('('))) return filledBuffer(name, text.substr(0, colon), text.substr(colon + 1), argument);
    if (bracket != std::string::npos) return zeroedBuffer(name, text.substr(0, bracket), text.substr(bracket + 1), argument);
    return scalar(text, argument);
  }

  std::string earlierBuffer(const std::string& text, Argument* argument) {
    size_t plus = text.find('+');
    argument->buffer = findBuffer(text.substr(0, plus));
    if (plus != std::string::npos) argument->offset = std::strtoull(text.c_str() + plus + 1, nullptr, 0);
    return argument->buffer < 0 ? "no buffer `" + text + "`" : "";
  }

  std::string zeroedBuffer(const std::string& name, const std::string& typeName, const std::string& count, Argument* argument) {
    return addBuffer(name, typeName, std::vector<uint64_t>(std::strtoull(count.c_str(), nullptr, 0)), argument);
  }

  std::string filledBuffer(const std::string& name, const std::string& typeName, const std::string& fillText, Argument* argument) {
    std::string fill, inside;
    if (!callForm(fillText, &fill, &inside)) return "bad fill `" + fillText + "`";
    Type type = ptx::typeFromSpelling(typeName);
    if (type == Type::None) return "unknown type `" + typeName + "`";
    auto values = makeFill(type, fill, split(inside, ','));
    return values ? addBuffer(name, typeName, *values, argument) : values.error().message;
  }

  std::string addBuffer(const std::string& name, const std::string& typeName, const std::vector<uint64_t>& values, Argument* argument) {
    Type type = ptx::typeFromSpelling(typeName);
    if (type == Type::None) return "unknown type `" + typeName + "`";
    if (findBuffer(name) >= 0) return "buffer `" + name + "` is there already";
    argument->buffer = static_cast<int>(spec_.program.buffers.size());
    Buffer& buffer = spec_.program.buffers.emplace_back();
    buffer.name = name;
    buffer.type = type;
    buffer.bytes.resize(values.size() * ptx::bytes(type));
    for (size_t i = 0; i < values.size(); i++) buffer.setElement(i, values[i]);
    return "";
  }

  std::string scalar(const std::string& text, Argument* argument) {
    std::string name, inside;
    if (!callForm(text, &name, &inside)) return "bad argument `" + text + "`";
    if (name == "struct") return structure(inside, argument);
    if (name == "texture") {
      for (size_t i = 0; i < spec_.program.textures.size(); i++)
        if (spec_.program.textures[i].name == inside) argument->texture = static_cast<int>(i);
      return argument->texture < 0 ? "no texture `" + inside + "`" : "";
    }
    Type type = ptx::typeFromSpelling(name);
    if (type == Type::None) return "unknown type `" + name + "`";
    auto value = parseValue(type, inside);
    if (!value) return value.error().message;
    argument->bytes = bytesOf(type, *value);
    return "";
  }

  std::string structure(const std::string& inside, Argument* argument) {
    size_t align = 1;
    auto pad = [&](size_t to) { argument->bytes.resize((argument->bytes.size() + to - 1) / to * to); };
    for (const std::string& member : split(inside, ';')) {
      Argument part;
      std::string error = scalar(member, &part);
      if (!error.empty()) return error;
      align = std::max(align, part.bytes.size());
      pad(part.bytes.size());
      argument->bytes.insert(argument->bytes.end(), part.bytes.begin(), part.bytes.end());
    }
    pad(align);
    return "";
  }

  int findBuffer(const std::string& name) const {
    for (size_t i = 0; i < spec_.program.buffers.size(); i++)
      if (spec_.program.buffers[i].name == name) return static_cast<int>(i);
    return -1;
  }

  std::string expect(const std::string& text) {
    size_t equals = text.find('=');
    if (equals == std::string::npos) return "expect needs `NAME = VALUES`";
    std::string name = trimmed(text.substr(0, equals));
    Expectation expectation;
    expectation.line = line_;
    size_t bracket = name.find('['), at = 0;
    if (bracket != std::string::npos) at = std::strtoull(name.c_str() + bracket + 1, nullptr, 0);
    expectation.buffer = findBuffer(name.substr(0, bracket));
    if (expectation.buffer < 0) return "no buffer `" + name + "`";
    const Buffer& buffer = spec_.program.buffers[expectation.buffer];
    bool open = bracket != std::string::npos;
    for (const std::string& item : split(text.substr(equals + 1), ',')) {
      if (item == "...") {
        open = true;
        continue;
      }
      std::string error = expectItem(buffer, item, &at, &expectation);
      if (!error.empty()) return error;
    }
    if (at > buffer.count() || (at < buffer.count() && !open))
      return "expect gives " + std::to_string(at) + " values, `" + buffer.name + "` has " + std::to_string(buffer.count());
    spec_.expectations.push_back(std::move(expectation));
    return "";
  }

  // VALUE, VALUE*COUNT or FIRST..LAST (upwards or downwards).
  std::string expectItem(const Buffer& buffer, const std::string& item, size_t* at, Expectation* expectation) {
    size_t dots = item.find(".."), star = item.find('*');
    if (dots != std::string::npos) {
      int64_t first = std::strtoll(item.c_str(), nullptr, 0), last = std::strtoll(item.c_str() + dots + 2, nullptr, 0);
      int64_t step = first <= last ? 1 : -1;
      for (int64_t value = first;; value += step) {
        expectation->elements[(*at)++] = *parseValue(buffer.type, std::to_string(value));
        if (value == last || *at > buffer.count()) return "";
      }
    }
    auto value = parseValue(buffer.type, trimmed(item.substr(0, star)));
    if (!value) return value.error().message;
    size_t count = star == std::string::npos ? 1 : std::strtoull(item.c_str() + star + 1, nullptr, 0);
    for (size_t i = 0; i < count && *at <= buffer.count(); i++) expectation->elements[(*at)++] = *value;
    return "";
  }

  std::string expectFault(const std::string& text) {
    size_t space = text.find(' ');
    spec_.fault = text.substr(0, space);
    if (space != std::string::npos) spec_.faultText = trimmed(text.substr(space));
    return "";
  }

  std::string tolerance(const std::string& text) {
    std::vector<std::string> parts = words(text);
    int buffer = parts.size() < 2 ? -1 : findBuffer(parts[0]);
    if (buffer < 0) return "tolerance needs `NAME KIND AMOUNT`";
    const std::pair<const char*, Tolerance::Kind> kinds[] = {
        {"ulp", Tolerance::Kind::Ulp}, {"abs", Tolerance::Kind::Absolute}, {"rel", Tolerance::Kind::Relative}, {"any", Tolerance::Kind::Any}};
    for (const auto& [name, kind] : kinds) {
      if (parts[1] != name) continue;
      Tolerance& tolerance = toleranceOf(buffer);
      tolerance.kind = kind;
      tolerance.amount = parts.size() > 2 ? std::strtod(parts[2].c_str(), nullptr) : 0;
      return "";
    }
    return "unknown tolerance `" + parts[1] + "`";
  }

  Tolerance& toleranceOf(int buffer) {
    spec_.tolerances.resize(spec_.program.buffers.size(), Tolerance{Tolerance::Kind::Exact, 0, 0, anyNaN_});
    return spec_.tolerances[buffer];
  }

  std::string nan(const std::string& text) {
    if (text != "any") return "nan: only `any` is known";
    anyNaN_ = true;
    spec_.tolerances.resize(spec_.program.buffers.size());
    for (Tolerance& tolerance : spec_.tolerances) tolerance.anyNaN = true;
    return "";
  }
};

}  // namespace

Result<Spec> parseSpec(const std::string& name, const std::string& text) { return Parser(name, text).parse(); }

}  // namespace anywarp::tests
