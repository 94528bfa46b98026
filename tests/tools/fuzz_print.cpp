// Random kernels as PTX, and with statements taken away. SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "fuzz.h"
#include "spec.h"

namespace anywarp::tests {
namespace {

constexpr size_t inputCount = 256;

class Printer {
 public:
  explicit Printer(std::string name) : name_(std::move(name)) {}

  std::string entry(const FuzzKernel& kernel) {
    statements(kernel.statements, true);
    return ".visible .entry " + name_ + "(.param .u64 in, .param .u64 acc, .param .u64 out, .param .u32 n) {\n" + registers() +
           "  .shared .align 4 .b8 box[" + std::to_string(4 * threads(kernel)) + "];\n  .shared .align 4 .b8 totals[320];\n" + prologue(kernel) + code_ + epilogue() + "}\n";
  }

  std::string function(const std::vector<Statement>& body) {
    statements(body, false);
    return ".func (.param .b32 r) " + name_ + "(.param .b32 a, .param .b32 b) {\n" + registers() + functionPrologue() + code_ +
           "  xor.b32 %v0, %v0, %v3;\n  add.u32 %v0, %v0, %v5;\n  st.param.b32 [r], %v0;\n  ret;\n}\n";
  }

 private:
  std::string name_, code_;
  int highest_ = 0;

  static uint32_t threads(const FuzzKernel& kernel) { return kernel.block.x * kernel.block.y * kernel.block.z; }

  void line(const std::string& text) { code_ += "  " + text + (text.back() == ':' || text.back() == '}' ? "\n" : ";\n"); }

  void statements(const std::vector<Statement>& list, bool top) {
    for (const Statement& s : list) {
      statement(s);
      if (top && s.kind != Statement::Kind::Straight) line("vote.sync.ballot.b32 %m0, %true, 0xffffffff");
    }
  }

  void statement(const Statement& s) {
    highest_ = std::max(highest_, s.number);
    for (const std::string& text : s.lines) line(withName(text));
    std::string n = std::to_string(s.number);
    switch (s.kind) {
      case Statement::Kind::Straight: return;
      case Statement::Kind::Return: return line("@" + s.condition + " ret");
      case Statement::Kind::If:
        line("@!" + s.condition + " bra ELSE" + n);
        statements(s.bodies[0], false);
        if (s.bodies.size() > 1) line("bra END" + n);
        line("ELSE" + n + ":");
        if (s.bodies.size() > 1) {
          statements(s.bodies[1], false);
          line("END" + n + ":");
        }
        return;
      case Statement::Kind::Loop:
        line("CONTINUE" + n + ":");
        line("setp.eq.u32 %p" + n + ", " + s.condition + ", 0");
        if (s.masked) line("vote.sync.ballot.b32 %m" + std::to_string(2 * s.number) + ", !%p" + n + ", %m" + std::to_string(2 * s.number));
        line("@%p" + n + " bra BREAK" + n);
        line("sub.u32 " + s.condition + ", " + s.condition + ", 1");
        statements(s.bodies[0], false);
        line("bra CONTINUE" + n);
        line("BREAK" + n + ":");
        return;
      case Statement::Kind::Switch: {
        std::string labels;
        for (size_t i = 0; i < s.bodies.size(); i++) labels += (i ? ", " : "") + std::string("CASE") + n + "_" + std::to_string(i);
        line("TABLE" + n + ": .branchtargets " + labels);
        line("brx.idx " + s.condition + ", TABLE" + n);
        for (size_t i = 0; i < s.bodies.size(); i++) {
          line("CASE" + n + "_" + std::to_string(i) + ":");
          statements(s.bodies[i], false);
          line("bra END" + n);
        }
        line("END" + n + ":");
        return;
      }
    }
  }

  std::string withName(std::string text) const {
    for (size_t at; (at = text.find("KERNEL")) != std::string::npos;) text.replace(at, 6, name_);
    return text;
  }

  std::string registers() const {
    std::string count = std::to_string(highest_ + 1), masks = std::to_string(2 * highest_ + 2);
    return "  .reg .b32 %v<8>;\n  .reg .b32 %u<4>;\n  .reg .b64 %w<4>;\n  .reg .f32 %f<5>;\n  .reg .b32 %t<3>;\n  .reg .b64 %a<2>;\n  .reg .pred %q<6>;\n"
           "  .reg .pred %p<" + count + ">;\n  .reg .b32 %c<" + count + ">;\n  .reg .b32 %m<" + masks + ">;\n  .reg .pred %true;\n"
           "  .reg .b64 %in, %acc, %out;\n  .reg .b32 %lane, %thread, %threads, %slot, %box, %gtid, %n;\n  .local .align 4 .b8 scratch[32];\n";
  }

  static std::string prologue(const FuzzKernel& kernel) {
    std::string code =
        "  ld.param.u64 %in, [in];\n  ld.param.u64 %acc, [acc];\n  ld.param.u64 %out, [out];\n  ld.param.u32 %n, [n];\n"
        "  mov.u32 %lane, %laneid;\n  mov.u32 %thread, %tid.z;\n  mov.u32 %t0, %ntid.y;\n  mov.u32 %t1, %tid.y;\n  mad.lo.u32 %thread, %thread, %t0, %t1;\n"
        "  mov.u32 %t0, %ntid.x;\n  mov.u32 %t1, %tid.x;\n  mad.lo.u32 %thread, %thread, %t0, %t1;\n"
        "  mov.u32 %threads, " + std::to_string(threads(kernel)) + ";\n  mov.u32 %t0, %ctaid.x;\n  mad.lo.u32 %gtid, %t0, %threads, %thread;\n"
        "  shl.b32 %slot, %thread, 2;\n  mov.u32 %box, box;\n  add.u32 %slot, %slot, %box;\n  setp.eq.u32 %true, %thread, %thread;\n"
        "  vote.sync.ballot.b32 %m0, %true, 0xffffffff;\n";
    for (int i = 0; i < 4; i++)
      code += "  mad.lo.u32 %u" + std::to_string(i) + ", %t0, " + std::to_string(i + 1) + ", %n;\n  and.b32 %u" + std::to_string(i) + ", %u" + std::to_string(i) + ", " +
              std::to_string(7 + 8 * i) + ";\n";
    code += data();
    code += "  st.shared.u32 [%slot], %v0;\n  mov.u32 %t1, %thread;\nFILL:\n  setp.ge.u32 %q0, %t1, 80;\n  @%q0 bra FILLED;\n  shl.b32 %t0, %t1, 2;\n"
            "  mov.u32 %t2, totals;\n  add.u32 %t0, %t0, %t2;\n  st.shared.u32 [%t0], %t1;\n  add.u32 %t1, %t1, %threads;\n  bra FILL;\nFILLED:\n  bar.sync 0;\n";
    return code;
  }

  // Registers from the input, and the local array.
  static std::string data() {
    std::string code;
    for (int i = 0; i < 8; i++) {
      std::string n = std::to_string(i);
      code += "  mad.lo.u32 %t0, %gtid, 8, " + n + ";\n  and.b32 %t0, %t0, 255;\n  mul.wide.u32 %a0, %t0, 4;\n  add.s64 %a0, %a0, %in;\n  ld.global.u32 %v" + n + ", [%a0];\n";
    }
    return code + spread();
  }

  static std::string spread() {
    std::string code;
    for (int i = 0; i < 4; i++) {
      std::string n = std::to_string(i), m = std::to_string(i + 4);
      code += "  mov.b64 %w" + n + ", {%v" + n + ", %v" + m + "};\n  and.b32 %t0, %v" + n + ", 0xffff;\n  cvt.rn.f32.u32 %f" + n + ", %t0;\n";
    }
    for (int i = 0; i < 8; i++) code += "  st.local.u32 [scratch+" + std::to_string(4 * i) + "], %v" + std::to_string(i) + ";\n";
    return code;
  }

  static std::string functionPrologue() {
    std::string code = "  mov.u32 %lane, %laneid;\n  ld.param.b32 %v0, [a];\n  ld.param.b32 %v1, [b];\n";
    for (int i = 2; i < 8; i++) code += "  mad.lo.u32 %v" + std::to_string(i) + ", %v0, " + std::to_string(i * 77 + 1) + ", %v1;\n";
    for (int i = 0; i < 4; i++) code += "  mov.u32 %u" + std::to_string(i) + ", " + std::to_string(i * 5 + 2) + ";\n";
    return code + spread();
  }

  static std::string epilogue() {
    std::string code = "  mul.wide.u32 %a0, %gtid, 96;\n  add.s64 %a0, %a0, %out;\n";
    for (int i = 0; i < 8; i++) code += "  st.global.u32 [%a0+" + std::to_string(4 * i) + "], %v" + std::to_string(i) + ";\n";
    for (int i = 0; i < 4; i++) code += "  st.global.u32 [%a0+" + std::to_string(32 + 4 * i) + "], %u" + std::to_string(i) + ";\n";
    for (int i = 0; i < 4; i++) code += "  st.global.u64 [%a0+" + std::to_string(48 + 8 * i) + "], %w" + std::to_string(i) + ";\n";
    // NaNs have no defined bits here: only whether a value is less than another.
    for (int i = 0; i < 4; i++)
      code += "  add.f32 %f4, %f" + std::to_string(i) + ", %f" + std::to_string(i) + ";\n  setp.nan.f32 %q0, %f4, %f4;\n  mov.b32 %t0, %f4;\n  selp.b32 %t0, 0, %t0, %q0;\n  st.global.u32 [%a0+" +
              std::to_string(80 + 4 * i) + "], %t0;\n";
    return code + "  ret;\n";
  }
};

Buffer makeBuffer(const std::string& name, std::vector<uint64_t> values) {
  Buffer buffer;
  buffer.name = name;
  buffer.bytes.resize(values.size() * 4);
  for (size_t i = 0; i < values.size(); i++) buffer.setElement(i, values[i]);
  return buffer;
}

// Cells for atomics, then a lock and what it guards.
std::vector<uint64_t> accumulators(uint64_t seed) {
  std::vector<uint64_t> values = randomBits(ptx::Type::U32, 82, seed);
  values[80] = 0;
  return values;
}

void collect(std::vector<Statement>& list, size_t* index, size_t wanted, Removal removal, bool* done) {
  for (size_t i = 0; i < list.size() && !*done; i++) {
    if ((*index)++ == wanted) {
      std::vector<Statement> body;
      if (removal == Removal::KeepFirstBody && !list[i].bodies.empty()) body = list[i].bodies[0];
      list.erase(list.begin() + static_cast<long>(i));
      list.insert(list.begin() + static_cast<long>(i), body.begin(), body.end());
      *done = true;
      return;
    }
    for (auto& body : list[i].bodies) collect(body, index, wanted, removal, done);
  }
}

size_t countIn(const std::vector<Statement>& list) {
  size_t count = 0;
  for (const Statement& s : list) {
    count++;
    for (const auto& body : s.bodies) count += countIn(body);
  }
  return count;
}

}  // namespace

Program programOf(const std::vector<FuzzKernel>& kernels) {
  Program program;
  program.name = "fuzz";
  program.ptx = ".version 8.0\n.target sm_80\n.address_size 64\n";
  for (size_t k = 0; k < kernels.size(); k++) {
    const FuzzKernel& kernel = kernels[k];
    std::string name = "k" + std::to_string(k);
    for (size_t i = 0; i < kernel.functions.size(); i++) program.ptx += Printer(name + "_function" + std::to_string(i)).function(kernel.functions[i]);
    program.ptx += Printer(name).entry(kernel);
    size_t threads = size_t{kernel.grid} * kernel.block.x * kernel.block.y * kernel.block.z;
    Launch launch;
    launch.kernel = name;
    launch.grid.x = kernel.grid;
    launch.block = kernel.block;
    for (Buffer buffer : {makeBuffer("in" + std::to_string(k), randomBits(ptx::Type::U32, inputCount, kernel.seed)),
                          makeBuffer("acc" + std::to_string(k), accumulators(kernel.seed + 1)), makeBuffer("out" + std::to_string(k), std::vector<uint64_t>(threads * 24))}) {
      Argument& argument = launch.arguments.emplace_back();
      argument.buffer = static_cast<int>(program.buffers.size());
      program.buffers.push_back(std::move(buffer));
    }
    Argument& n = launch.arguments.emplace_back();
    uint32_t value = static_cast<uint32_t>(kernel.seed * 7 + 3);
    n.bytes.resize(4);
    std::memcpy(n.bytes.data(), &value, 4);
    program.launches.push_back(launch);
  }
  return program;
}

size_t countStatements(const FuzzKernel& kernel) {
  size_t count = countIn(kernel.statements);
  for (const auto& function : kernel.functions) count += countIn(function);
  return count;
}

FuzzKernel without(const FuzzKernel& kernel, size_t index, Removal removal) {
  FuzzKernel smaller = kernel;
  size_t at = 0;
  bool done = false;
  collect(smaller.statements, &at, index, removal, &done);
  for (auto& function : smaller.functions) collect(function, &at, index, removal, &done);
  return smaller;
}

}  // namespace anywarp::tests
