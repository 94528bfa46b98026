// Draws random kernels. Registers: v0..7 varying, u0..3 the same for the whole block, w0..3 64-bit, f0..3, m membermask.
// SPDX-License-Identifier: Apache-2.0
#include "fuzz.h"

namespace anywarp::tests {
namespace {

// What may be done at a place in the kernel.
struct Context {
  bool blockUniform = true;  // every live thread of the block comes here together: barriers are allowed
  bool maskValid = true;     // the membermask register holds the lanes that come here together
  int mask = 0;              // its number
  bool inLoop = false;       // break and continue are allowed
  int loop = 0;
  bool inFunction = false;
  int depth = 0;
};

class Drawer {
 public:
  explicit Drawer(uint64_t seed) : random_(seed) {}

  FuzzKernel draw(uint64_t seed) {
    FuzzKernel kernel;
    kernel.seed = seed;
    constexpr abi::Dim3 blocks[] = {{32, 1, 1}, {64, 1, 1}, {48, 1, 1}, {128, 1, 1}, {100, 1, 1}, {17, 1, 1}, {16, 4, 1}, {8, 5, 3}, {7, 9, 1}, {256, 1, 1}, {32, 4, 1}, {96, 1, 1}};
    kernel.block = blocks[below(std::size(blocks))];
    kernel.grid = 1 + below(3);
    waits_ = chance(25);
    Context inside;
    inside.inFunction = true;
    inside.blockUniform = inside.maskValid = false;
    inside.depth = 2;
    for (int i = 0; i < 2; i++) kernel.functions.push_back(list(inside, 6));
    kernel.statements = list(Context{}, 10 + below(10));
    return kernel;
  }

 private:
  std::mt19937_64 random_;
  int next_ = 1;
  bool waits_ = false;  // the kernel has divergent barriers and locks: lanes of a warp wait for each other

  uint32_t below(uint64_t n) { return static_cast<uint32_t>(random_() % n); }
  bool chance(uint32_t percent) { return below(100) < percent; }
  template <class... T>
  std::string pick(T... choices) {
    const std::string list[] = {choices...};
    return list[below(sizeof...(choices))];
  }
  std::string v() { return "%v" + std::to_string(below(8)); }
  std::string u() { return "%u" + std::to_string(below(4)); }
  std::string w() { return "%w" + std::to_string(below(4)); }
  std::string f() { return "%f" + std::to_string(below(4)); }
  std::string constant() { return chance(50) ? std::to_string(below(32)) : std::to_string(static_cast<int32_t>(random_())); }
  std::string operand() { return chance(60) ? v() : chance(50) ? u() : constant(); }
  std::string uniformOperand() { return chance(60) ? u() : std::to_string(below(100)); }

  std::vector<Statement> list(Context& context, size_t count) {
    std::vector<Statement> statements;
    for (size_t i = 0; i < count; i++) {
      statements.push_back(statement(context));
      // At the top level the membermask is drawn anew after every compound statement.
      if (context.depth == 0) context.maskValid = true;
    }
    return statements;
  }
  std::vector<Statement> list(Context&& context, size_t count) { return list(context, count); }

  Statement statement(Context& context) {
    uint32_t kind = below(100);
    if (context.depth < 4) {
      if (kind < 12) return ifStatement(context);
      if (kind < 20) return loop(context);
      if (kind < 23) return switchStatement(context);
    }
    if (kind < 25 && context.depth > 0 && !context.inFunction) return leave(context);
    if (kind < 29 && context.inLoop) return jump(context);
    if (waits_ && kind < 33 && context.blockUniform && !context.inFunction) return divergentBarrier();
    if (waits_ && kind < 36 && !context.inFunction) return lock();
    if (kind < 38 && context.blockUniform && !context.inFunction) return exchange();
    if (kind < 48 && context.maskValid && !context.inFunction) return warpOperation(context);
    if (kind < 53 && !context.inFunction) return atomic();
    if (kind < 60) return localMemory();
    if (kind < 64 && !context.inFunction) return callFunction();
    if (kind < 70 && !context.inFunction) return load();
    if (kind < 76) return float32();
    if (kind < 82) return wide();
    if (kind < 86 && !context.inFunction && context.blockUniform) return uniform();
    return integer();
  }

  static Statement straight(std::vector<std::string> lines) {
    Statement s;
    s.lines = std::move(lines);
    return s;
  }

  Statement integer() {
    std::string d = v(), a = v();
    switch (below(13)) {
      case 0: return straight({"mad.lo.u32 " + d + ", " + a + ", " + operand() + ", " + v()});
      case 1: return straight({pick("shl.b32 ", "shr.u32 ", "shr.s32 ") + d + ", " + a + ", " + std::to_string(below(33))});
      case 2: return straight({pick("shl.b32 ", "shr.u32 ", "shr.s32 ") + d + ", " + a + ", " + v()});
      case 3: return straight({pick("popc.b32 ", "clz.b32 ", "brev.b32 ", "not.b32 ", "neg.s32 ", "abs.s32 ", "bfind.u32 ") + d + ", " + a});
      case 4: return straight({"or.b32 %t0, " + v() + ", 1", pick("div.u32 ", "rem.u32 ", "rem.s32 ") + d + ", " + a + ", %t0"});
      case 5: return straight({condition("%q0", false), "selp.b32 " + d + ", " + a + ", " + operand() + ", %q0"});
      case 6: return straight({pick("min.s32 ", "max.s32 ", "min.u32 ", "max.u32 ") + d + ", " + a + ", " + operand()});
      case 7: return straight({"prmt.b32 " + d + ", " + a + ", " + v() + ", " + std::to_string(below(65536))});
      case 8: return straight({"lop3.b32 " + d + ", " + a + ", " + v() + ", " + v() + ", " + std::to_string(below(256))});
      case 9: return straight({condition("%q0", false), "@%q0 " + pick("add.s32 ", "xor.b32 ", "mul.lo.u32 ") + d + ", " + a + ", " + operand()});
      case 10: return straight({"mul.hi.u32 " + d + ", " + a + ", " + operand()});
      default: return straight({pick("add.s32 ", "sub.s32 ", "xor.b32 ", "and.b32 ", "or.b32 ", "mul.lo.s32 ") + d + ", " + a + ", " + operand()});
    }
  }

  Statement uniform() { return straight({pick("add.s32 ", "xor.b32 ", "mul.lo.s32 ", "sub.s32 ") + u() + ", " + u() + ", " + uniformOperand()}); }

  Statement wide() {
    switch (below(5)) {
      case 0: return straight({pick("mul.wide.u32 ", "mul.wide.s32 ") + w() + ", " + v() + ", " + v()});
      case 1: return straight({pick("cvt.u64.u32 ", "cvt.s64.s32 ") + w() + ", " + v()});
      case 2: return straight({"cvt.u32.u64 " + v() + ", " + w()});
      case 3: return straight({pick("shl.b64 ", "shr.u64 ", "shr.s64 ") + w() + ", " + w() + ", " + std::to_string(below(70))});
      default: return straight({pick("add.s64 ", "sub.s64 ", "xor.b64 ", "mul.lo.s64 ", "and.b64 ", "max.s64 ", "min.u64 ") + w() + ", " + w() + ", " + w()});
    }
  }

  Statement float32() {
    switch (below(7)) {
      case 0: return straight({"and.b32 %t0, " + v() + ", 0xffff", "cvt.rn.f32.u32 " + f() + ", %t0"});
      case 1: return straight({"cvt.rzi.s32.f32 " + v() + ", " + f()});
      case 2: return straight({"fma.rn.f32 " + f() + ", " + f() + ", " + f() + ", " + f()});
      case 3: return straight({"abs.f32 %f4, " + f(), "sqrt.rn.f32 " + f() + ", %f4"});
      case 4: return straight({"div.rn.f32 " + f() + ", " + f() + ", " + f()});
      default: return straight({pick("add.rn.f32 ", "sub.rn.f32 ", "mul.rn.f32 ", "min.f32 ", "max.f32 ") + f() + ", " + f() + ", " + f()});
    }
  }

  // Sets a predicate from data that differ by thread, or that the whole block shares.
  std::string condition(const std::string& predicate, bool sameForBlock) {
    if (sameForBlock) return "setp." + pick("lt", "gt", "eq", "ne", "ge") + ".s32 " + predicate + ", " + u() + ", " + uniformOperand();
    switch (below(5)) {
      case 0: return "setp." + pick("lt", "ge", "geu", "neu") + ".f32 " + predicate + ", " + f() + ", " + f();
      case 1: return "setp." + pick("lt", "gt") + ".s64 " + predicate + ", " + w() + ", " + w();
      case 2: return "setp." + pick("lt", "gt") + ".u32 " + predicate + ", %lane, " + std::to_string(below(32));
      default: return "setp." + pick("lt", "gt", "le", "ge", "eq", "ne") + pick(".s32 ", ".u32 ") + predicate + ", " + v() + ", " + operand();
    }
  }

  // A loop over memory in steps that are large enough for warps to take turns.
  Statement strided() {
    std::string n = std::to_string(next_++), sum = v();
    std::vector<std::string> lines = {"mov.u32 %t0, %thread", "STRIDE" + n + ":", "mul.wide.u32 %a0, %t0, 4", "add.s64 %a0, %a0, %in", "ld.global.u32 %t1, [%a0]"};
    lines.push_back(pick("add.u32 ", "xor.b32 ") + sum + ", " + sum + ", %t1");
    if (chance(40)) lines.insert(lines.end(), {condition("%q1", false), "@%q1 add.u32 " + v() + ", " + v() + ", %t0"});
    std::string step = chance(50) ? "%threads" : pick("64", "96", "128");
    lines.insert(lines.end(), {"add.u32 %t0, %t0, " + step, "setp.lt.u32 %q1, %t0, " + std::to_string(100 + below(157)), "@%q1 bra STRIDE" + n});
    return straight(lines);
  }

  Statement load() {
    if (chance(25)) return strided();
    std::string base = chance(70) ? "ld.global.u32 " : chance(50) ? "ld.global.nc.u32 " : "ld.u32 ";
    std::string index = chance(30) ? "%lane" : chance(20) ? u() : v();
    return straight({"and.b32 %t0, " + index + ", 255", "mul.wide.u32 %a0, %t0, 4", "add.s64 %a0, %a0, %in", base + v() + ", [%a0]"});
  }

  Statement localMemory() {
    std::string address = "and.b32 %t0, " + v() + ", 7";
    std::vector<std::string> lines = {address, "mul.wide.u32 %a0, %t0, 4", "mov.u64 %a1, scratch", "add.s64 %a0, %a0, %a1"};
    bool generic = chance(30);
    if (generic) lines.push_back("cvta.local.u64 %a0, %a0");
    std::string space = generic ? "" : ".local";
    lines.push_back(chance(50) ? "st" + space + ".u32 [%a0], " + v() : "ld" + space + ".u32 " + v() + ", [%a0]");
    return straight(lines);
  }

  Statement atomic() {
    bool shared = chance(40);
    std::vector<std::string> lines = {"and.b32 %t0, " + v() + ", 15"};
    std::string op = pick("add.u32", "xor.b32", "max.s32", "or.b32", "min.u32");
    // One operation per cell, or the result would depend on the order.
    int group = op[0] == 'a' ? 0 : op[0] == 'x' ? 1 : op == "max.s32" ? 2 : op[0] == 'o' ? 3 : 4;
    lines.push_back("add.u32 %t0, %t0, " + std::to_string(group * 16));
    if (shared) {
      lines.insert(lines.end(), {"shl.b32 %t0, %t0, 2", "mov.u32 %t1, totals", "add.u32 %t0, %t0, %t1", "red.shared." + op + " [%t0], " + v()});
    } else {
      lines.insert(lines.end(), {"mul.wide.u32 %a0, %t0, 4", "add.s64 %a0, %a0, %acc", "red.global." + op + " [%a0], " + v()});
    }
    if (chance(40)) {
      lines.insert(lines.begin(), condition("%q1", false));
      lines.back() = "@%q1 " + lines.back();
    }
    return straight(lines);
  }

  // Own slot, barrier, another thread's slot, barrier.
  Statement exchange() {
    std::vector<std::string> lines = {"st.shared.u32 [%slot], " + v(), "bar.sync 0"};
    if (chance(50)) {
      lines.insert(lines.end(), {"add.u32 %t0, %thread, " + uniformOperand(), "rem.u32 %t0, %t0, %threads"});
    } else {
      lines.insert(lines.end(), {"rem.u32 %t0, " + v() + ", %threads"});
    }
    lines.insert(lines.end(), {"shl.b32 %t0, %t0, 2", "add.u32 %t0, %t0, %box", "ld.shared.u32 " + v() + ", [%t0]"});
    if (chance(30)) {
      lines.insert(lines.end(), {"mov.u32 %t1, totals", "ld.shared.u32 " + v() + ", [%t1+" + std::to_string(4 * below(80)) + "]"});
    }
    if (chance(20)) {
      lines.push_back(condition("%q2", false));
      lines.push_back(chance(50) ? "bar.red.popc.u32 " + u() + ", 0, %q2" : "bar.sync 0");
    } else {
      lines.push_back("bar.sync 0");
    }
    return straight(lines);
  }

  // Lanes of one warp arrive at a barrier from two places, and read what others left before it.
  Statement divergentBarrier() {
    std::string n = std::to_string(next_++), value = v();
    return straight({"barrier.sync 0", condition("%q2", false), "@%q2 bra LEFT" + n, "st.shared.u32 [%slot], " + value, "barrier.sync 0", "add.u32 " + v() + ", " + v() + ", 1", "bra MET" + n,
                     "LEFT" + n + ":", "xor.b32 %t0, " + value + ", 5", "st.shared.u32 [%slot], %t0", "barrier.sync 0", "MET" + n + ":", "rem.u32 %t0, " + v() + ", %threads",
                     "shl.b32 %t0, %t0, 2", "add.u32 %t0, %t0, %box", "ld.shared.u32 " + v() + ", [%t0]", "barrier.sync 0"});
  }

  // A spin lock around a sum: every thread gets its turn, in whatever order.
  Statement lock() {
    std::string n = std::to_string(next_++);
    return straight({"SPIN" + n + ":", "atom.global.cas.b32 %t0, [%acc+320], 0, 1", "setp.ne.u32 %q1, %t0, 0", "@%q1 bra SPIN" + n, "membar.gl", "ld.volatile.global.u32 %t0, [%acc+324]",
                     "add.u32 %t0, %t0, " + v(), "st.volatile.global.u32 [%acc+324], %t0", "membar.gl", "atom.global.exch.b32 %t0, [%acc+320], 0"});
  }

  Statement warpOperation(const Context& context) {
    std::string mask = "%m" + std::to_string(context.mask);
    switch (below(6)) {
      case 0: return butterfly(mask);
      case 1: return straight({condition("%q3", false), "vote.sync.ballot.b32 " + v() + ", %q3, " + mask});
      case 2: return straight({condition("%q3", false), "vote.sync." + pick("any", "all") + ".pred %q3, %q3, " + mask, "selp.b32 %t0, 1, 2, %q3", "add.u32 " + v() + ", " + v() + ", %t0"});
      case 3: return straight({"redux.sync." + pick("add.u32", "min.s32", "max.u32", "xor.b32", "and.b32") + " " + v() + ", " + v() + ", " + mask});
      case 4: return straight({"and.b32 %t0, " + v() + ", 3", "match.any.sync.b32 " + v() + ", %t0, " + mask});
      default: return straight({"bar.warp.sync " + mask, "and.b32 %t0, " + v() + ", " + mask, "bfind.u32 %t1, " + mask, "shfl.sync.idx.b32 " + v() + ", " + v() + ", %t1, 31, " + mask});
    }
  }

  // A lane outside the mask gives nothing defined: then the lane keeps its own value.
  Statement butterfly(const std::string& mask) {
    std::string distance = std::to_string(below(32)), value = v();
    return straight({"xor.b32 %t1, %lane, " + distance, "shr.u32 %t1, " + mask + ", %t1", "and.b32 %t1, %t1, 1", "setp.ne.u32 %q3, %t1, 0",
                     "shfl.sync.bfly.b32 %t0, " + value + ", " + distance + ", 31, " + mask, "selp.b32 " + v() + ", %t0, " + value + ", %q3"});
  }

  Statement callFunction() {
    std::string number = std::to_string(below(2));
    return straight({"{ .param .b32 a; .param .b32 b; .param .b32 r; st.param.b32 [a], " + v() + "; st.param.b32 [b], " + operandRegister() +
                     "; call (r), KERNEL_function" + number + ", (a, b); ld.param.b32 " + v() + ", [r]; }"});
  }
  std::string operandRegister() { return chance(60) ? v() : u(); }

  Statement ifStatement(Context& context) {
    Statement s;
    s.kind = Statement::Kind::If;
    s.number = next_++;
    bool same = !context.inFunction && chance(25);
    s.condition = "%p" + std::to_string(s.number);
    s.lines = {condition(s.condition, same)};
    Context inside = context;
    inside.depth++;
    inside.blockUniform &= same;
    s.masked = context.maskValid && !same;
    if (s.masked) {
      inside.mask = s.number * 2;
      s.lines.push_back("vote.sync.ballot.b32 %m" + std::to_string(s.number * 2) + ", " + s.condition + ", %m" + std::to_string(context.mask));
      s.lines.push_back("vote.sync.ballot.b32 %m" + std::to_string(s.number * 2 + 1) + ", !" + s.condition + ", %m" + std::to_string(context.mask));
    }
    Context then = inside, otherwise = inside;
    if (s.masked) otherwise.mask = s.number * 2 + 1;
    s.bodies.push_back(list(then, 1 + below(4)));
    if (chance(50)) s.bodies.push_back(list(otherwise, 1 + below(4)));
    // Lanes that jumped away from inside are still in the mask here.
    if (!then.maskValid || !otherwise.maskValid) context.maskValid = false;
    return s;
  }

  Statement loop(Context& context) {
    Statement s;
    s.kind = Statement::Kind::Loop;
    s.number = next_++;
    bool same = !context.inFunction && chance(40);
    s.condition = "%c" + std::to_string(s.number);
    s.lines = {"and.b32 " + s.condition + ", " + (same ? u() : v()) + ", " + (chance(70) ? "3" : "7")};
    Context inside = context;
    inside.depth++;
    inside.blockUniform &= same;
    bool jumps = chance(40);
    inside.inLoop = jumps;
    inside.loop = s.number;
    if (jumps) inside.maskValid = inside.blockUniform = false;
    s.masked = inside.maskValid;
    if (s.masked) {
      inside.mask = s.number * 2;
      s.lines.push_back("mov.b32 %m" + std::to_string(inside.mask) + ", %m" + std::to_string(context.mask));
    }
    s.bodies.push_back(list(inside, 1 + below(5)));
    if (!inside.maskValid) context.maskValid = false;
    return s;
  }

  Statement switchStatement(Context& context) {
    Statement s;
    s.kind = Statement::Kind::Switch;
    s.number = next_++;
    s.condition = "%t2";
    s.lines = {"and.b32 %t2, " + v() + ", 3"};
    Context inside = context;
    inside.depth++;
    inside.blockUniform = inside.maskValid = false;
    for (int i = 0; i < 4; i++) s.bodies.push_back(list(inside, 1 + below(2)));
    context.maskValid = false;
    return s;
  }

  // Some threads leave the kernel. Those that stay need no more than barriers that count live threads.
  Statement leave(Context& context) {
    context.maskValid = false;
    Statement s;
    s.kind = Statement::Kind::Return;
    s.condition = "%q4";
    s.lines = {condition("%q4", false)};
    return s;
  }

  Statement jump(Context& context) {
    context.maskValid = false;
    std::string target = chance(50) ? "BREAK" : "CONTINUE";
    return straight({condition("%q5", false), "@%q5 bra " + target + std::to_string(context.loop)});
  }
};

}  // namespace

FuzzKernel generateKernel(uint64_t seed) { return Drawer(seed).draw(seed); }

}  // namespace anywarp::tests
