// Instructions as functions on rows of lanes. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/handlers.h"

#include <algorithm>

#include "compiler/codegen/dispatch.h"
#include "compiler/codegen/lanes.h"
#include "compiler/codegen/matrix_product.h"
#include "compiler/codegen/nan_bits.h"
#include "compiler/quick/keys/keys.h"

namespace anywarp::codegen {

using ptx::Type;

namespace {

class HandlerEmitter {
 public:
  HandlerEmitter(llvm::Function& function, const HostTarget& host, const ptx::Instruction& inst)
      : function_(function), host_(host), inst_(inst), b(llvm::BasicBlock::Create(function.getContext(), "", &function)) {}

  Status emit() {
    std::string why;
    PureEmitter e(b, rowLanes, host_, [&](const ptx::Instruction&, std::string_view reason) { why = reason; });
    if (quick::isProduct(inst_.form)) return emitProductOf(e);
    llvm::SmallVector<Value*, 6> args;
    unsigned operand = 0;
    struct Result {
      unsigned operand;
      Type type;
    };
    llvm::SmallVector<Result, 2> results;
    for (unsigned slot = 0; slot < inst_.operands.size(); ++slot) {
      bool dest = ptx::slotRole(inst_, slot) == ptx::SlotRole::Dest, none = inst_.operands[slot].isNone();
      Type type = ptx::slotType(inst_, slot);
      if (dest && !none) results.push_back({operand, type});
      if (!dest) args.push_back(none ? nullptr : load(operand, type));
      if (!none) ++operand;
    }
    if (quick::readsCarry(inst_)) args.push_back(load(operand++, Type::Pred));
    if (quick::writesCarry(inst_)) results.push_back({operand++, Type::Pred});
    Values values = pureFunction(inst_.form)(e, inst_, args);
    if (values.empty()) return Error{ErrorKind::Unsupported, why};
    // Nobody knows here what reads the result: a NaN is PTX's at once.
    analysis::Inst flat;
    static_cast<ptx::Instruction&>(flat) = inst_;
    if (NanKind nan = resultNan(flat, host_); nan != NanKind::None) values[0] = canonicalNan(e, values[0], nan);
    size_t next = 0;
    for (const Result& result : results) {
      // The second predicate of a comparison stands between its first and the carry; nobody takes it here.
      Value* v = &result == results.end() - 1 && quick::writesCarry(inst_) ? values.back() : values[next++];
      store(result.operand, result.type, v);
    }
    b.CreateRetVoid();
    return {};
  }

  // The registers of D, A, B and C, one after the other.
  Status emitProductOf(PureEmitter& e) {
    auto product = ptx::matrixProductOfOpcode(inst_);
    if (!product) return product.error();
    unsigned operand = product->fragmentD.distinctRegisters();
    MatrixOperands operands;
    auto loadAll = [&](unsigned slot, const ptx::Fragment& fragment, llvm::SmallVector<Value*, 8>& registers) {
      for (unsigned r = 0; r < fragment.distinctRegisters(); ++r) registers.push_back(load(operand++, ptx::slotType(inst_, slot)));
    };
    loadAll(1, product->fragmentA, operands.a);
    loadAll(2, product->fragmentB, operands.b);
    loadAll(3, product->fragmentC, operands.c);
    unsigned to = 0;
    for (Value* v : emitProduct(e, *product, operands)) store(to++, ptx::slotType(inst_, 0), v);
    b.CreateRetVoid();
    return {};
  }

 private:
  Value* row(unsigned operand) {
    Value* at = b.CreateConstInBoundsGEP1_64(b.getInt32Ty(), function_.getArg(1), operand);
    Value* offset = b.CreateSExt(b.CreateLoad(b.getInt32Ty(), at), b.getInt64Ty());
    Value* which = b.CreateAnd(offset, b.getInt64(1));
    Value* base = b.CreateLoad(b.getPtrTy(), b.CreateInBoundsGEP(b.getPtrTy(), function_.getArg(0), which));
    return b.CreateInBoundsGEP(b.getInt8Ty(), base, b.CreateAnd(offset, b.getInt64(~uint64_t(1))));
  }
  llvm::Type* laneType(Type type) {
    if (type == Type::F32) return b.getFloatTy();
    if (type == Type::F64) return b.getDoubleTy();
    return b.getIntNTy(ptx::bits(type));
  }
  llvm::Type* vectorOf(llvm::Type* element) { return llvm::FixedVectorType::get(element, rowLanes); }

  Value* load(unsigned operand, Type type) {
    Value* p = row(operand);
    if (type == Type::Pred) return b.CreateBitCast(b.CreateAlignedLoad(b.getInt32Ty(), p, llvm::Align(4)), vectorOf(b.getInt1Ty()));
    return b.CreateAlignedLoad(vectorOf(laneType(type)), p, llvm::Align(32));
  }

  void store(unsigned operand, Type type, Value* v) {
    Value* p = row(operand);
    Value* mask = function_.getArg(2);
    if (type == Type::Pred) {
      Value* old = b.CreateAlignedLoad(b.getInt32Ty(), p, llvm::Align(4));
      Value* bits = b.CreateBitCast(v, b.getInt32Ty());
      b.CreateAlignedStore(b.CreateOr(b.CreateAnd(old, b.CreateNot(mask)), b.CreateAnd(bits, mask)), p, llvm::Align(4));
      return;
    }
    Value* lanes = b.CreateBitCast(mask, vectorOf(b.getInt1Ty()));
    Value* old = b.CreateAlignedLoad(v->getType(), p, llvm::Align(32));
    b.CreateAlignedStore(b.CreateSelect(lanes, v, old), p, llvm::Align(32));
  }

  llvm::Function& function_;
  const HostTarget& host_;
  const ptx::Instruction& inst_;
  llvm::IRBuilder<> b;
};

}  // namespace

Status emitHandlers(llvm::Module& module, const HostTarget& host, std::vector<NamedHandler> handlers, const std::string& symbol,
                    const std::function<void(llvm::Function&)>& setAttributes) {
  llvm::LLVMContext& c = module.getContext();
  llvm::IRBuilder<> b(c);
  std::sort(handlers.begin(), handlers.end(), [](const NamedHandler& x, const NamedHandler& y) { return x.key < y.key; });
  auto same = [](const NamedHandler& x, const NamedHandler& y) { return x.key == y.key; };
  handlers.erase(std::unique(handlers.begin(), handlers.end(), same), handlers.end());
  auto* type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getPtrTy(), b.getInt32Ty()}, false);
  auto* row = llvm::StructType::get(b.getPtrTy(), b.getPtrTy());
  std::vector<llvm::Constant*> rows;
  for (const NamedHandler& handler : handlers) {
    auto* function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, handler.key, module);
    setAttributes(*function);
    if (Status s = HandlerEmitter(*function, host, *handler.inst).emit(); !s) return Error{s.error().kind, handler.key + ": " + s.error().message};
    auto* text = llvm::ConstantDataArray::getString(c, handler.key);
    auto* name = new llvm::GlobalVariable(module, text->getType(), true, llvm::GlobalValue::PrivateLinkage, text, "key");
    rows.push_back(llvm::ConstantStruct::get(row, {name, function}));
  }
  auto define = [&](llvm::Constant* value, const std::string& name) {
    auto* variable = new llvm::GlobalVariable(module, value->getType(), true, llvm::GlobalValue::ExternalLinkage, value, name);
    variable->setVisibility(llvm::GlobalValue::HiddenVisibility);
  };
  define(llvm::ConstantArray::get(llvm::ArrayType::get(row, rows.size()), rows), symbol);
  define(b.getInt64(rows.size()), symbol + "_count");
  return {};
}

}  // namespace anywarp::codegen
