// Products of matrix fragments as lane operations. Each lane computes the elements of D that it holds: what it needs of A and B comes
// from other lanes by shuffles known beforehand. The order of sums: docs/decisions/0011-order-of-matrix-sums.md.
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/matrix_product.h"

#include <map>

#include <llvm/Analysis/VectorUtils.h>

#include "compiler/codegen/formats.h"
#include "compiler/codegen/half_lanes.h"
#include "compiler/codegen/x86/host_ops.h"

namespace anywarp::codegen {

using llvm::FixedVectorType;
using ptx::Fragment;
using ptx::MatrixPlace;
using ptx::MatrixProduct;
using ptx::Mod;
using ptx::Type;

namespace {

using Registers = llvm::SmallVector<Value*, 8>;

// Where each lane of a shuffled vector comes from.
struct Source {
  unsigned index;  // which vector
  unsigned lane;
};
using Sources = std::array<Source, warp>;

// Who holds an element.
class Holders {
 public:
  explicit Holders(const Fragment& f) : rows_(f.rows), columns_(f.columns), holders_(f.matrices * f.rows * f.columns) {
    for (unsigned lane = 0; lane < warp; ++lane)
      for (unsigned i = 0; i < f.elements; ++i) holders_[indexOf(f.at(lane, i))] = {i, lane};
  }
  Source of(MatrixPlace p) const { return holders_[indexOf(p)]; }

 private:
  size_t indexOf(MatrixPlace p) const { return (p.matrix * rows_ + p.row) * columns_ + p.column; }
  size_t rows_, columns_;
  std::vector<Source> holders_;
};

class Product {
 public:
  Product(PureEmitter& e, const MatrixProduct& product, const MatrixOperands& operands)
      : e_(e), b_(e.b), p_(product), o_(operands), holdersA_(product.fragmentA), holdersB_(product.fragmentB) {}

  Registers run() {
    if (p_.d == Type::S32) return integers();
    return p_.d == Type::F64 ? doubles() : singles();
  }

 private:
  // --- fragments as elements: one vector of lanes each

  Value* elementOf(Value* reg, Type type, unsigned part) {
    switch (type) {
      case Type::F32: case Type::F64: case Type::S32: return reg;
      case Type::TF32: return asFloat(e_, b_.CreateAnd(reg, intConst(reg, 0xffffe000)));  // the lower bits are not looked at
      case Type::BF16: return asFloat(e_, part ? b_.CreateAnd(reg, intConst(reg, 0xffff0000)) : b_.CreateShl(reg, 16));
      case Type::F16: return halvesToFloat(e_, trunc(e_, part ? b_.CreateLShr(reg, 16) : reg, 16), Type::F16);
      default: break;
    }
    const unsigned bits = ptx::bits(type);
    if (ptx::isSigned(type)) return b_.CreateAShr(b_.CreateShl(reg, 32 - bits * (part + 1)), 32 - bits);
    Value* code = b_.CreateAnd(part ? b_.CreateLShr(reg, bits * part) : reg, intConst(reg, (1u << bits) - 1));
    return ptx::isFloat(type) ? decode(e_, code, *formatOf(type)) : code;
  }

  Registers elements(const Registers& registers, const Fragment& f) {
    Registers result;
    for (unsigned i = 0; i < f.elements; ++i) result.push_back(elementOf(registers[i / f.perRegister], f.type, i % f.perRegister));
    return result;
  }

  Value* shuffle(const Registers& vectors, const Sources& sources) {
    Value* result = nullptr;
    for (unsigned v = 0; v < vectors.size(); ++v) {
      llvm::SmallVector<int, warp> pick(warp, -1), merge(warp);
      bool any = false;
      for (unsigned lane = 0; lane < warp; ++lane) {
        const bool here = sources[lane].index == v;
        any |= here;
        if (here) pick[lane] = int(sources[lane].lane);
        merge[lane] = int(here ? warp + lane : lane);
      }
      if (!any) continue;
      Value* picked = b_.CreateShuffleVector(vectors[v], pick);
      result = result ? b_.CreateShuffleVector(result, picked, merge) : picked;
    }
    return result;
  }

  // For element i of D in each lane: what stands at `column` of its row of A, and in its column of B at `row`.
  Value* pickA(const Registers& a, unsigned i, unsigned column, unsigned perVector = 1) {
    Sources sources;
    for (unsigned lane = 0; lane < warp; ++lane) {
      const MatrixPlace at = p_.fragmentD.at(lane, i);
      sources[lane] = holdersA_.of({at.matrix, at.row, column});
      sources[lane].index /= perVector;
    }
    return shuffle(a, sources);
  }
  Value* pickB(const Registers& b, unsigned i, unsigned row, unsigned perVector = 1) {
    Sources sources;
    for (unsigned lane = 0; lane < warp; ++lane) {
      const MatrixPlace at = p_.fragmentD.at(lane, i);
      sources[lane] = holdersB_.of({at.matrix, row, at.column});
      sources[lane].index /= perVector;
    }
    return shuffle(b, sources);
  }

  // --- sparse A: the metadata of a row chooses among the elements of B

  Value* choiceOf(unsigned i, unsigned column, const ptx::SparseChoice& choice) {
    Sources sources;
    unsigned shift = 0;
    for (unsigned lane = 0; lane < warp; ++lane) {
      const ptx::SparseIndex index = ptx::sparseIndex(p_, o_.selector, p_.fragmentD.at(lane, i).row, column);
      sources[lane] = {0, index.lane};
      shift = index.shift;  // rows of one element of D differ by less than eight: the same for all
    }
    Value* bits = b_.CreateLShr(shuffle({o_.metadata}, sources), shift + choice.skip);
    return b_.CreateAnd(bits, intConst(bits, (1u << choice.bits) - 1));
  }

  Value* metInB(const Registers& b, unsigned i, unsigned column) {
    if (!p_.sparse) return pickB(b, i, column);
    const ptx::SparseChoice choice = ptx::sparseChoice(p_, column);
    Value* which = choiceOf(i, column, choice);
    Registers candidates;
    for (unsigned v = 0; v < 1u << choice.bits; ++v) candidates.push_back(pickB(b, i, choice.first + choice.step * v));
    for (unsigned bit = 0; candidates.size() > 1; ++bit) {
      Value* high = b_.CreateICmpNE(b_.CreateAnd(which, intConst(which, 1u << bit)), intConst(which, 0));
      Registers half;
      for (unsigned v = 0; v < candidates.size(); v += 2) half.push_back(b_.CreateSelect(high, candidates[v + 1], candidates[v]));
      candidates = half;
    }
    return candidates[0];
  }

  // --- sums

  // Calls sum(i, k) for every element of D and every column of A: neighbours in a row together, so that they share their picks of A.
  template <class Sum>
  void eachTerm(unsigned columns, Sum sum) {
    for (unsigned pair = 0; pair < p_.fragmentD.elements; pair += 2)
      for (unsigned k = 0; k < columns; ++k)
        for (unsigned i = pair; i < pair + 2; ++i) sum(i, k);
  }

  Value* fused(Value* a, Value* b, Value* c) {
    // Products of f16 and fp8 are exact as floats: no need of the instruction.
    const bool exact = p_.a == Type::F16 || ptx::bits(p_.a) == 8;
    if (exact && !e_.host.fma && !e_.host.avx512f) return b_.CreateFAdd(b_.CreateFMul(a, b), c);
    if (e_.host.fma || e_.host.avx512f) return fmaFloat(e_, a, b, c, Rounding::Near);
    return outOfLine(e_, "fma", {a, b, c}, a->getType(),
                     [](PureEmitter& inner, Args x) { return fmaFloat(inner, x[0], x[1], x[2], Rounding::Near); });
  }

  Registers singles() {
    Registers a = elements(o_.a, p_.fragmentA), b = elements(o_.b, p_.fragmentB), c = elements(o_.c, p_.fragmentC);
    Value* zero = floatConst(a[0], 0);
    llvm::SmallVector<std::array<Value*, 2>, 8> sums(p_.fragmentD.elements, {zero, zero});
    eachTerm(p_.fragmentA.columns, [&](unsigned i, unsigned k) {
      Value*& sum = sums[i][k % 2];
      sum = fused(pickA(a, i, k), metInB(b, i, k), sum);
    });
    Registers d;
    // C may lie otherwise where it is of the other type (quad pairs).
    Holders holdersC(p_.fragmentC);
    for (unsigned i = 0; i < p_.fragmentD.elements; ++i) {
      Sources sources;
      for (unsigned lane = 0; lane < warp; ++lane) sources[lane] = holdersC.of(p_.fragmentD.at(lane, i));
      d.push_back(b_.CreateFAdd(shuffle(c, sources), b_.CreateFAdd(sums[i][0], sums[i][1])));
    }
    if (p_.d == Type::F32) return d;
    Registers packed;
    for (unsigned i = 0; i < d.size(); i += 2) {
      Value *low = floatToHalves(e_, d[i], Type::F16), *high = floatToHalves(e_, d[i + 1], Type::F16);
      packed.push_back(joinHalves(e_, low, high));
    }
    return packed;
  }

  static Rounding roundingOf(Mod mod) {
    switch (mod) {
      case Mod::Rz: return Rounding::Zero;
      case Mod::Rm: return Rounding::Down;
      case Mod::Rp: return Rounding::Up;
      default: return Rounding::Near;
    }
  }

  Registers doubles() {
    Registers d = o_.c;
    eachTerm(p_.fragmentA.columns, [&](unsigned i, unsigned k) {
      d[i] = fmaFloat(e_, pickA(o_.a, i, k), pickB(o_.b, i, k), d[i], roundingOf(p_.rounding));
    });
    return d;
  }

  Registers integers() {
    Value* zero = intConst(o_.c[0], 0);
    Registers sums(p_.fragmentD.elements, zero);
    if (p_.sparse) {
      Registers a = elements(o_.a, p_.fragmentA), b = elements(o_.b, p_.fragmentB);
      eachTerm(p_.fragmentA.columns, [&](unsigned i, unsigned k) {
        sums[i] = b_.CreateAdd(sums[i], b_.CreateMul(pickA(a, i, k), metInB(b, i, k)));
      });
    } else {
      // Registers of A and B hold the same stretches of k.
      const unsigned step = p_.fragmentA.perRegister;
      eachTerm(p_.shape.k / step, [&](unsigned i, unsigned k) {
        sums[i] = b_.CreateAdd(sums[i], dot(pickA(o_.a, i, k * step, step), pickB(o_.b, i, k * step, step)));
      });
    }
    for (unsigned i = 0; i < sums.size(); ++i)
      sums[i] = p_.satfinite ? call2(e_, llvm::Intrinsic::sadd_sat, o_.c[i], sums[i]) : b_.CreateAdd(o_.c[i], sums[i]);
    return sums;
  }

  // Sum of the products of the parts of two registers.
  Value* dot(Value* a, Value* b) {
    if (p_.a == Type::B1) return call1(e_, llvm::Intrinsic::ctpop, p_.bitOperation == Mod::And ? b_.CreateAnd(a, b) : b_.CreateXor(a, b));
    const unsigned bits = ptx::bits(p_.a);
    Value* sum = nullptr;
    for (unsigned part = 0; part < 16 / bits; ++part) {
      Value* products = multiplyAddPairs(halfWords(a, p_.a, part), halfWords(b, p_.b, part));
      sum = sum ? b_.CreateAdd(sum, products) : products;
    }
    return sum;
  }

  // One part of every half-word, extended.
  Value* halfWords(Value* v, Type type, unsigned part) {
    const unsigned bits = ptx::bits(type), up = 16 - bits * (part + 1);
    Value* halves = unpack(e_, v, 16);
    if (up) halves = b_.CreateShl(halves, up);
    return ptx::isSigned(type) ? b_.CreateAShr(halves, 16 - bits) : b_.CreateLShr(halves, 16 - bits);
  }

  // i16 lanes: products of neighbours added.
  Value* multiplyAddPairs(Value* a, Value* b) {
    if (e_.host.x86) return x86::multiplyAddPairs(e_, a, b);
    Value* products = b_.CreateMul(sext(e_, a, 32), sext(e_, b, 32));
    llvm::SmallVector<int, warp> even, odd;
    for (unsigned i = 0; i < laneCount(a); i += 2) even.push_back(int(i)), odd.push_back(int(i + 1));
    return b_.CreateAdd(b_.CreateShuffleVector(products, even), b_.CreateShuffleVector(products, odd));
  }

  PureEmitter& e_;
  llvm::IRBuilder<>& b_;
  const MatrixProduct& p_;
  const MatrixOperands& o_;
  Holders holdersA_, holdersB_;
};

std::string nameOf(const MatrixProduct& p, unsigned selector) {
  auto text = [](Type type) { return std::string(".") + ptx::spelling(type); };
  std::string name = "mma.m" + std::to_string(p.shape.m) + "n" + std::to_string(p.shape.n) + "k" + std::to_string(p.shape.k) + text(p.d) +
                     text(p.a) + text(p.b) + text(p.c);
  if (p.sparse) name += ".sp" + std::to_string(selector);
  if (p.satfinite) name += ".satfinite";
  if (p.bitOperation != Mod::None) name += std::string(".") + ptx::spelling(p.bitOperation);
  if (p.rounding != Mod::Rn) name += std::string(".") + ptx::spelling(p.rounding);
  if (p.fragmentA.matrices > 1) name += std::string(p.fragmentA.columnMajor ? ".col" : ".row") + (p.fragmentB.columnMajor ? ".col" : ".row");
  return name;
}

}  // namespace

Registers emitProduct(PureEmitter& e, const MatrixProduct& product, const MatrixOperands& operands) {
  Registers args;
  for (const Registers* part : {&operands.a, &operands.b, &operands.c}) args.append(part->begin(), part->end());
  if (operands.metadata) args.push_back(operands.metadata);
  llvm::Type* lane = product.d == Type::F32 ? e.b.getFloatTy() : product.d == Type::F64 ? e.b.getDoubleTy() : (llvm::Type*)e.b.getInt32Ty();
  const unsigned count = product.fragmentD.registers;
  llvm::Type* result = llvm::StructType::get(e.b.getContext(), llvm::SmallVector<llvm::Type*, 8>(count, FixedVectorType::get(lane, warp)));
  const bool directed = product.rounding != Mod::Rn;
  Value* all = outOfLine(
      e, nameOf(product, operands.selector), args, result,
      [&](PureEmitter& inner, Args x) {
        MatrixOperands own;
        own.selector = operands.selector;
        own.a.assign(x.begin(), x.begin() + operands.a.size());
        own.b.assign(x.begin() + operands.a.size(), x.begin() + operands.a.size() + operands.b.size());
        own.c.assign(x.begin() + operands.a.size() + operands.b.size(), x.begin() + operands.a.size() + operands.b.size() + operands.c.size());
        if (operands.metadata) own.metadata = x.back();
        Registers d = Product(inner, product, own).run();
        Value* packed = llvm::PoisonValue::get(result);
        for (unsigned i = 0; i < d.size(); ++i) packed = inner.b.CreateInsertValue(packed, d[i], i);
        return packed;
      },
      directed);
  // Nothing but values go in and out: calls whose result is not wanted disappear.
  auto* call = llvm::cast<llvm::CallInst>(all);
  if (!directed) call->getCalledFunction()->setDoesNotAccessMemory();
  call->getCalledFunction()->setWillReturn();
  Registers d;
  for (unsigned i = 0; i < count; ++i) d.push_back(e.b.CreateExtractValue(all, i));
  return d;
}

}  // namespace anywarp::codegen
