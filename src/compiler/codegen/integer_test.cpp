// Integer arithmetic, logic, permutation and video instructions against plain arithmetic. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "compiler/codegen/pure_harness.h"

namespace anywarp::codegen::testing {
namespace {

using Wide = __int128;

struct IntType {
  const char* name;
  unsigned bits;
  bool isSigned;
};
constexpr IntType intTypes[] = {{"s16", 16, true}, {"u16", 16, false}, {"s32", 32, true},
                                {"u32", 32, false}, {"s64", 64, true}, {"u64", 64, false}};

uint64_t mask(unsigned bits) { return bits >= 64 ? ~0ull : (1ull << bits) - 1; }
Wide value(IntType t, uint64_t v) {
  if (!t.isSigned) return Wide(v & mask(t.bits));
  return Wide(int64_t(v << (64 - t.bits)) >> (64 - t.bits));
}
Wide lowest(IntType t) { return t.isSigned ? -(Wide(1) << (t.bits - 1)) : Wide(0); }
Wide highest(IntType t) { return (Wide(1) << (t.bits - t.isSigned)) - 1; }
uint64_t clampTo(IntType t, Wide v) { return uint64_t(std::clamp(v, lowest(t), highest(t))) & mask(t.bits); }

using Binary = std::function<Wide(IntType, Wide, Wide)>;

Case binary(const std::string& mnemonic, IntType t, Binary op) {
  return {mnemonic + "." + t.name,
          [=](const uint64_t* in, uint64_t* out) { out[0] = uint64_t(op(t, value(t, in[0]), value(t, in[1]))) & mask(t.bits); }};
}

Wide divide(IntType, Wide a, Wide b) { return b == 0 ? Wide(-1) : a / b; }
Wide remainder(IntType, Wide a, Wide b) { return b == 0 ? a : a % b; }

TEST(Integer, Arithmetic) {
  std::vector<Case> cases;
  for (IntType t : intTypes) {
    cases.push_back(binary("add", t, [](IntType, Wide a, Wide b) { return a + b; }));
    cases.push_back(binary("sub", t, [](IntType, Wide a, Wide b) { return a - b; }));
    cases.push_back(binary("mul.lo", t, [](IntType, Wide a, Wide b) { return a * b; }));
    cases.push_back(binary("mul.hi", t, [](IntType t, Wide a, Wide b) {
      // u64 * u64 needs all of an unsigned 128-bit product.
      return t.isSigned ? (a * b) >> t.bits : Wide((unsigned __int128)(a) * (unsigned __int128)(b) >> t.bits);
    }));
    cases.push_back(binary("min", t, [](IntType, Wide a, Wide b) { return std::min(a, b); }));
    cases.push_back(binary("max", t, [](IntType, Wide a, Wide b) { return std::max(a, b); }));
    cases.push_back(binary("div", t, divide));
    cases.push_back(binary("rem", t, remainder));
    for (const char* op : {"div", "rem"}) {
      Case uniform = binary(op, t, op[0] == 'd' ? divide : remainder);
      uniform.uniform = 1;
      cases.push_back(uniform);
      for (uint64_t divisor : {0ull, 1ull, 2ull, 3ull, 7ull, 10ull, 64ull, 641ull, 0x7fffull, ~0ull, 1ull << (t.bits - 1)}) {
        Case known = binary(op, t, op[0] == 'd' ? divide : remainder);
        known.constants = {{1, divisor & mask(t.bits)}};
        cases.push_back(known);
      }
    }
    auto sad = [=](const uint64_t* in, uint64_t* out) {
      Wide d = value(t, in[0]) - value(t, in[1]);
      out[0] = (in[2] + uint64_t(d < 0 ? -d : d)) & mask(t.bits);
    };
    cases.push_back({std::string("sad.") + t.name, sad});
    for (const char* half : {"lo", "hi"}) {
      bool high = half[0] == 'h';
      cases.push_back({std::string("mad.") + half + "." + t.name, [=](const uint64_t* in, uint64_t* out) {
        unsigned __int128 p = (unsigned __int128)(value(t, in[0])) * (unsigned __int128)(value(t, in[1]));
        out[0] = (uint64_t(high ? p >> t.bits : p) + in[2]) & mask(t.bits);
      }});
    }
    if (t.bits < 64) {
      cases.push_back({std::string("mul.wide.") + t.name, [=](const uint64_t* in, uint64_t* out) {
        out[0] = uint64_t(value(t, in[0]) * value(t, in[1])) & mask(2 * t.bits);
      }});
      cases.push_back({std::string("mad.wide.") + t.name, [=](const uint64_t* in, uint64_t* out) {
        out[0] = (uint64_t(value(t, in[0]) * value(t, in[1])) + in[2]) & mask(2 * t.bits);
      }});
    }
    if (t.isSigned) {
      cases.push_back({std::string("abs.") + t.name, [=](const uint64_t* in, uint64_t* out) {
        Wide a = value(t, in[0]);
        out[0] = uint64_t(a < 0 ? -a : a) & mask(t.bits);
      }});
      cases.push_back({std::string("neg.") + t.name, [=](const uint64_t* in, uint64_t* out) { out[0] = -in[0] & mask(t.bits); }});
    }
  }
  IntType s32 = intTypes[2];
  cases.push_back({"add.sat.s32", [=](const uint64_t* in, uint64_t* out) { out[0] = clampTo(s32, value(s32, in[0]) + value(s32, in[1])); }});
  cases.push_back({"sub.sat.s32", [=](const uint64_t* in, uint64_t* out) { out[0] = clampTo(s32, value(s32, in[0]) - value(s32, in[1])); }});
  cases.push_back({"mad.hi.sat.s32", [=](const uint64_t* in, uint64_t* out) {
    out[0] = clampTo(s32, ((value(s32, in[0]) * value(s32, in[1])) >> 32) + value(s32, in[2]));
  }});
  cases.push_back({"min.relu.s32", [=](const uint64_t* in, uint64_t* out) {
    out[0] = uint64_t(std::max(Wide(0), std::min(value(s32, in[0]), value(s32, in[1])))) & mask(32);
  }});
  for (bool isSigned : {false, true}) {
    IntType t = {"", 24, isSigned};
    std::string suffix = isSigned ? ".s32" : ".u32";
    for (bool high : {false, true}) {
      auto product = [=](const uint64_t* in) { return uint64_t(value(t, in[0]) * value(t, in[1])) >> (high ? 16 : 0); };
      std::string half = high ? ".hi" : ".lo";
      cases.push_back({"mul24" + half + suffix, [=](const uint64_t* in, uint64_t* out) { out[0] = product(in) & mask(32); }});
      cases.push_back({"mad24" + half + suffix, [=](const uint64_t* in, uint64_t* out) { out[0] = (product(in) + in[2]) & mask(32); }});
    }
  }
  check(cases);
}

TEST(Integer, Pairs) {
  std::vector<Case> cases;
  for (bool isSigned : {false, true}) {
    IntType t = {"", 16, isSigned};
    std::string suffix = isSigned ? ".s16x2" : ".u16x2";
    auto pairs = [=](Binary op) {
      return [=](const uint64_t* in, uint64_t* out) {
        out[0] = 0;
        for (unsigned k : {0u, 16u}) out[0] |= (uint64_t(op(t, value(t, in[0] >> k), value(t, in[1] >> k))) & 0xffff) << k;
      };
    };
    cases.push_back({"add" + suffix, pairs([](IntType, Wide a, Wide b) { return a + b; })});
    cases.push_back({"min" + suffix, pairs([](IntType, Wide a, Wide b) { return std::min(a, b); })});
    cases.push_back({"max" + suffix, pairs([](IntType, Wide a, Wide b) { return std::max(a, b); })});
    if (isSigned) cases.push_back({"max.relu" + suffix, pairs([](IntType, Wide a, Wide b) { return std::max({Wide(0), a, b}); })});
  }
  check(cases);
}

TEST(Integer, Bits) {
  std::vector<Case> cases;
  for (unsigned n : {32u, 64u}) {
    std::string size = std::to_string(n);
    cases.push_back({"popc.b" + size, [](const uint64_t* in, uint64_t* out) { out[0] = uint64_t(std::popcount(in[0])); }});
    cases.push_back({"clz.b" + size, [=](const uint64_t* in, uint64_t* out) { out[0] = uint64_t(std::countl_zero(in[0])) - (64 - n); }});
    cases.push_back({"brev.b" + size, [=](const uint64_t* in, uint64_t* out) {
      out[0] = 0;
      for (unsigned i = 0; i < n; ++i) out[0] |= (in[0] >> i & 1) << (n - 1 - i);
    }});
    for (bool isSigned : {false, true}) {
      std::string type = (isSigned ? ".s" : ".u") + size;
      auto find = [=](uint64_t v) {
        if (isSigned && (v >> (n - 1) & 1)) v = ~v & mask(n);
        for (int i = int(n) - 1; i >= 0; --i) {
          if (v >> i & 1) return i;
        }
        return -1;
      };
      cases.push_back({"bfind" + type, [=](const uint64_t* in, uint64_t* out) { out[0] = uint32_t(find(in[0])); }});
      cases.push_back({"bfind.shiftamt" + type, [=](const uint64_t* in, uint64_t* out) {
        int p = find(in[0]);
        out[0] = uint32_t(p < 0 ? -1 : int(n) - 1 - p);
      }});
      cases.push_back({"bfe" + type, [=](const uint64_t* in, uint64_t* out) {
        uint64_t kept = n == 64 ? 0xffffffff : 0xff, pos = in[1] & kept, len = in[2] & kept, top = n - 1;
        bool sign = isSigned && len && (in[0] >> std::min(pos + len - 1, top) & 1);
        out[0] = 0;
        for (unsigned i = 0; i < n; ++i) out[0] |= uint64_t(i < len && pos + i <= top ? in[0] >> (pos + i) & 1 : sign) << i;
      }});
      cases.push_back({"shr" + type, [=](const uint64_t* in, uint64_t* out) {
        IntType t = {"", n, isSigned};
        out[0] = uint64_t(value(t, in[0]) >> std::min<uint64_t>(in[1], n)) & mask(n);
      }});
    }
    cases.push_back({"shl.b" + size, [=](const uint64_t* in, uint64_t* out) { out[0] = in[1] >= n ? 0 : in[0] << in[1] & mask(n); }});
    cases.push_back({"bfi.b" + size, [=](const uint64_t* in, uint64_t* out) {
      uint64_t kept = n == 64 ? 0xffffffff : 0xff, pos = in[2] & kept, len = in[3] & kept;
      out[0] = in[1];
      for (uint64_t i = 0; i < len && pos + i < n; ++i) {
        out[0] = (out[0] & ~(1ull << (pos + i))) | (in[0] >> i & 1) << (pos + i);
      }
    }});
    cases.push_back({"cnot.b" + size, [=](const uint64_t* in, uint64_t* out) { out[0] = in[0] == 0; }});
  }
  Case shl16 = {"shl.b16", [](const uint64_t* in, uint64_t* out) { out[0] = in[1] >= 16 ? 0 : in[0] << in[1] & 0xffff; }};
  cases.push_back(shl16);
  shl16.constants = {{1, 0x10003}};
  cases.push_back(shl16);
  cases.push_back({"fns.b32", [](const uint64_t* in, uint64_t* out) {
    uint32_t word = uint32_t(in[0]);
    int base = int(in[1]), offset = int32_t(in[2]);
    out[0] = 0xffffffffu;
    if (offset == 0) {
      if (word >> base & 1) out[0] = uint64_t(base);
      return;
    }
    int step = offset > 0 ? 1 : -1;
    int64_t left = std::abs(int64_t(offset)) - 1;
    for (int pos = base; pos >= 0 && pos < 32; pos += step) {
      if (!(word >> pos & 1)) continue;
      if (left-- == 0) {
        out[0] = uint64_t(pos);
        return;
      }
    }
  }});
  std::vector<uint64_t> bases, offsets;
  for (int i = 0; i < 32; ++i) bases.push_back(uint64_t(i)), offsets.push_back(uint32_t(i - 16));
  cases.back().inputs = {{1, bases}, {2, offsets}};
  for (bool wrap : {false, true}) {
    std::string mode = wrap ? ".wrap" : ".clamp";
    cases.push_back({"bmsk" + mode + ".b32", [=](const uint64_t* in, uint64_t* out) {
      uint64_t a = wrap ? in[0] & 31 : std::min<uint64_t>(in[0], 32), b = wrap ? in[1] & 31 : std::min<uint64_t>(in[1], 32);
      out[0] = mask(unsigned(b)) << a & mask(32);
    }});
    for (bool isSigned : {false, true}) {
      cases.push_back({"szext" + mode + (isSigned ? ".s32" : ".u32"), [=](const uint64_t* in, uint64_t* out) {
        unsigned n = unsigned(wrap ? in[1] & 31 : std::min<uint64_t>(in[1], 32));
        out[0] = n ? uint64_t(value({"", n, isSigned}, in[0])) & mask(32) : 0;
      }});
    }
    for (bool left : {false, true}) {
      Case funnel = {std::string("shf.") + (left ? "l" : "r") + mode + ".b32", [=](const uint64_t* in, uint64_t* out) {
        uint64_t both = in[0] | in[1] << 32;
        uint64_t n = wrap ? in[2] & 31 : std::min<uint64_t>(in[2], 32);
        out[0] = (left ? both << n >> 32 : both >> n) & mask(32);
      }};
      cases.push_back(funnel);
      for (uint64_t n : {0u, 5u, 32u, 40u}) {
        funnel.constants = {{2, n}};
        cases.push_back(funnel);
      }
    }
  }
  check(cases);
}

TEST(Integer, CarryChains) {
  std::vector<Case> cases;
  for (IntType t : intTypes) {
    if (t.bits == 16) continue;
    std::string type = std::string(".") + t.name;
    auto add = [=](unsigned __int128 a, unsigned __int128 b, uint64_t c, uint64_t* out) {
      unsigned __int128 sum = a + b + c;
      out[0] = uint64_t(sum) & mask(t.bits);
      out[1] = uint64_t(sum >> t.bits) & 1;
    };
    auto sub = [=](const uint64_t* in, uint64_t carry, uint64_t* out) { add(in[0], ~in[1] & mask(t.bits), carry, out); };
    cases.push_back({"add.cc" + type, [=](const uint64_t* in, uint64_t* out) { add(in[0], in[1], 0, out); }});
    cases.push_back({"addc.cc" + type, [=](const uint64_t* in, uint64_t* out) { add(in[0], in[1], in[2], out); }});
    cases.push_back({"addc" + type, [=](const uint64_t* in, uint64_t* out) { add(in[0], in[1], in[2], out); }});
    cases.push_back({"sub.cc" + type, [=](const uint64_t* in, uint64_t* out) { sub(in, 1, out); }});
    cases.push_back({"subc.cc" + type, [=](const uint64_t* in, uint64_t* out) { sub(in, in[2], out); }});
    auto product = [=](const uint64_t* in, bool high) {
      unsigned __int128 p = (unsigned __int128)(value(t, in[0])) * (unsigned __int128)(value(t, in[1]));
      return uint64_t(high ? p >> t.bits : p) & mask(t.bits);
    };
    cases.push_back({"mad.lo.cc" + type, [=](const uint64_t* in, uint64_t* out) { add(product(in, false), in[2], 0, out); }});
    cases.push_back({"madc.hi.cc" + type, [=](const uint64_t* in, uint64_t* out) { add(product(in, true), in[2], in[3], out); }});
  }
  check(cases);
}

TEST(Integer, DotProducts) {
  std::vector<Case> cases;
  for (int a = 0; a < 2; ++a) {
    for (int b = 0; b < 2; ++b) {
      std::string types = std::string(a ? ".s32" : ".u32") + (b ? ".s32" : ".u32");
      auto at = [](uint64_t v, unsigned i, unsigned bits, bool isSigned) { return int64_t(value({"", bits, isSigned}, v >> (i * bits))); };
      cases.push_back({"dp4a" + types, [=](const uint64_t* in, uint64_t* out) {
        out[0] = in[2];
        for (unsigned i = 0; i < 4; ++i) out[0] += uint64_t(at(in[0], i, 8, a) * at(in[1], i, 8, b));
        out[0] &= mask(32);
      }});
      for (unsigned high : {0u, 1u}) {
        cases.push_back({std::string("dp2a") + (high ? ".hi" : ".lo") + types, [=](const uint64_t* in, uint64_t* out) {
          out[0] = in[2];
          for (unsigned i = 0; i < 2; ++i) out[0] += uint64_t(at(in[0], i, 16, a) * at(in[1], 2 * high + i, 8, b));
          out[0] &= mask(32);
        }});
      }
    }
  }
  check(cases);
}

TEST(Logic, Lop3AllTables) {
  std::vector<Case> cases;
  for (unsigned table = 0; table < 256; ++table) {
    Case c = {"lop3.b32", [=](const uint64_t* in, uint64_t* out) {
      out[0] = 0;
      for (unsigned i = 0; i < 32; ++i) {
        unsigned index = unsigned((in[0] >> i & 1) * 4 + (in[1] >> i & 1) * 2 + (in[2] >> i & 1));
        out[0] |= uint64_t(table >> index & 1) << i;
      }
    }};
    c.constants = {{3, table}};
    cases.push_back(c);
  }
  check(cases);
}

uint64_t byteOf(uint64_t both, unsigned selector) {
  uint64_t byte = both >> (8 * (selector & 7)) & 0xff;
  return selector & 8 ? (byte & 0x80 ? 0xff : 0) : byte;
}

TEST(Logic, Permute) {
  std::vector<Case> cases;
  auto generic = [](const uint64_t* in, uint64_t* out) {
    uint64_t both = in[0] | in[1] << 32;
    out[0] = 0;
    for (unsigned i = 0; i < 4; ++i) out[0] |= byteOf(both, in[2] >> (4 * i) & 15) << (8 * i);
  };
  cases.push_back({"prmt.b32", generic});
  for (uint64_t selector : {0x3210u, 0x5410u, 0x7632u, 0x0123u, 0xba98u, 0x8cd7u, 0x4440u}) {
    Case known = {"prmt.b32", generic};
    known.constants = {{2, selector}};
    cases.push_back(known);
  }
  using Pick = unsigned (*)(unsigned c, unsigned i);
  const std::pair<const char*, Pick> modes[] = {
      {"f4e", [](unsigned c, unsigned i) { return c + i; }},
      {"b4e", [](unsigned c, unsigned i) { return (c - i) & 7; }},
      {"rc8", [](unsigned c, unsigned) { return c; }},
      {"ecl", [](unsigned c, unsigned i) { return std::max(c, i); }},
      {"ecr", [](unsigned c, unsigned i) { return std::min(c, i); }},
      {"rc16", [](unsigned c, unsigned i) { return (c & 1) * 2 + (i & 1); }},
  };
  for (auto& [name, pick] : modes) {
    cases.push_back({std::string("prmt.b32.") + name, [pick = pick](const uint64_t* in, uint64_t* out) {
      out[0] = 0;
      for (unsigned i = 0; i < 4; ++i) out[0] |= byteOf(in[0] | in[1] << 32, pick(unsigned(in[2] & 3), i)) << (8 * i);
    }});
  }
  check(cases);
}

TEST(Video, Scalar) {
  std::vector<Case> cases;
  IntType s32 = intTypes[2], u32 = intTypes[3];
  cases.push_back({"vadd.s32.s32.u32.sat", [=](const uint64_t* in, uint64_t* out) {
    out[0] = clampTo(s32, value(s32, in[0]) + value(u32, in[1]));
  }});
  cases.push_back({"vabsdiff.u32.s32.s32", [=](const uint64_t* in, uint64_t* out) {
    Wide d = value(s32, in[0]) - value(s32, in[1]);
    out[0] = uint64_t(d < 0 ? -d : d) & mask(32);
  }});
  Case added = {"vsub.s32.u32.s32.sat.add", [=](const uint64_t* in, uint64_t* out) {
    out[0] = (clampTo(s32, value({"", 8, false}, in[0] >> 16) - value({"", 16, true}, in[1] >> 16)) + in[2]) & mask(32);
  }};
  added.optional = true;
  added.selects = {{1, 0x11000002}, {2, 0x21000001}};
  cases.push_back(added);
  Case merged = {"vmax.s32.s32.s32.sat", [=](const uint64_t* in, uint64_t* out) {
    uint64_t v = clampTo({"", 8, true}, std::max(value(s32, in[0]), value(s32, in[1])));
    out[0] = (in[2] & ~0xff00ull) | v << 8;
  }};
  merged.optional = true;
  merged.selects = {{0, 0x11000001}};
  cases.push_back(merged);
  cases.push_back({"vshl.u32.u32.u32.sat.clamp", [=](const uint64_t* in, uint64_t* out) {
    out[0] = clampTo(u32, value(u32, in[0]) << std::min<uint64_t>(in[1], 32));
  }});
  cases.push_back({"vshr.s32.s32.u32.wrap", [=](const uint64_t* in, uint64_t* out) {
    out[0] = uint64_t(value(s32, in[0]) >> (in[1] & 31)) & mask(32);
  }});
  cases.push_back({"vmad.s32.s32.u32.sat.shr7", [=](const uint64_t* in, uint64_t* out) {
    out[0] = clampTo(s32, (value(s32, in[0]) * value(u32, in[1]) + value(s32, in[2])) >> 7);
  }});
  cases.push_back({"vset.s32.s32.lt", [=](const uint64_t* in, uint64_t* out) { out[0] = value(s32, in[0]) < value(s32, in[1]); }});
  check(cases);
}

TEST(Video, Simd) {
  std::vector<Case> cases;
  auto each = [](unsigned parts, bool isSigned, std::function<Wide(Wide, Wide)> op, bool add) {
    return [=](const uint64_t* in, uint64_t* out) {
      unsigned width = 32 / parts;
      IntType t = {"", width, isSigned};
      out[0] = add ? in[2] : 0;
      for (unsigned i = 0; i < parts; ++i) {
        Wide r = op(value(t, in[0] >> (i * width)), value(t, in[1] >> (i * width)));
        if (add) {
          out[0] = (out[0] + uint64_t(value(t, uint64_t(r)))) & mask(32);
        } else {
          out[0] |= (uint64_t(r) & mask(width)) << (i * width);
        }
      }
    };
  };
  auto sum = [](Wide a, Wide b) { return a + b; };
  auto distance = [](Wide a, Wide b) { return a < b ? b - a : a - b; };
  cases.push_back({"vadd2.s32.s32.s32", each(2, true, sum, false)});
  cases.push_back({"vadd4.u32.u32.u32.sat", each(4, false, [](Wide a, Wide b) { return std::min(a + b, Wide(255)); }, false)});
  cases.push_back({"vabsdiff4.u32.u32.u32.add", each(4, false, distance, true)});
  cases.push_back({"vavrg4.s32.s32.s32", each(4, true, [](Wide a, Wide b) { return (a + b + (a + b >= 0)) >> 1; }, false)});
  cases.push_back({"vmin2.s32.s32.s32", each(2, true, [](Wide a, Wide b) { return std::min(a, b); }, false)});
  cases.push_back({"vset4.u32.u32.ge", each(4, false, [](Wide a, Wide b) { return Wide(a >= b); }, false)});
  Case masked = {"vsub2.s32.s32.s32", [](const uint64_t* in, uint64_t* out) {
    // d.h1, a.h03, b.h21: the upper half alone, a's selectors being 0 (upper) and 3, b's 2 and 1.
    out[0] = (in[2] & 0xffff) | ((in[0] - in[1]) & 0xffff) << 16;
  }};
  masked.selects = {{0, 0x21000001}, {1, 0x22000003}, {2, 0x22000021}};
  cases.push_back(masked);
  check(cases);
}

}  // namespace
}  // namespace anywarp::codegen::testing
