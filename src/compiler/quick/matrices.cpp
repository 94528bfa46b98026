// Matrix instructions and asynchronous copies (PTX: Warp Level Matrix Multiply-Accumulate Instructions, cp.async).
// SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/operands.h"
#include "compiler/ptx/fragments.h"
#include "compiler/quick/builder.h"
#include "compiler/quick/keys/keys.h"

namespace anywarp::quick {

using analysis::element;
using analysis::elementCount;
using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Space;
using ptx::Type;

namespace {

// Calls the prebuilt function with operands that lie beside the Op.
void callWide(Warp* warp, const Op* op, uint32_t mask) {
  const auto* wide = reinterpret_cast<const WideOperands*>(op->immediate);
  wide->fn(warp, reinterpret_cast<const Op*>(wide->operands), mask);
}

}  // namespace

void Builder::emitMatrix(const Inst& inst) {
  switch (inst.form) {
    case Form::Mma: case Form::WmmaMma: case Form::WmmaMmaHalf: return emitProduct(inst);
    case Form::WmmaLoad: case Form::WmmaStore: return emitFragment(inst);
    default: break;
  }
  const bool loads = inst.form == Form::Ldmatrix, stores = inst.form == Form::Stmatrix;
  const int32_t everyone = constantRow(~0u, 4);
  if (inst.form == Form::Movmatrix) {
    int32_t from = source(inst.operands[1], Type::B32);
    Destination d = destination(inst.operands[0], Type::B32);
    Op& op = add(ops_.transposeMatrix);
    op.operands[0] = d.row;
    op.operands[1] = from;
    converge(op, everyone);
    return finish(d);
  }
  if ((!loads && !stores) || inst.type() != Type::B16 || !inst.has(Mod::M8n8)) {
    refuse(inst);
    return;
  }
  const Operand& registers = inst.operands[loads ? 0 : 1];
  const size_t count = inst.has(Mod::X4) ? 4 : inst.has(Mod::X2) ? 2 : 1;
  if (elementCount(registers) != count) {
    refuse(inst);
    return;
  }
  Destination parts[4];
  int32_t rows[4];
  for (size_t i = 0; i < count; ++i) {
    if (loads) parts[i] = destination(element(registers, i), Type::B32);
    rows[i] = loads ? parts[i].row : source(element(registers, i), Type::B32);
  }
  Op where;
  if (!address(inst, inst.operands[loads ? 1 : 0], where)) return;
  Op& op = addAccess(loads ? ops_.loadMatrix : ops_.storeMatrix, where);
  op.count = uint8_t(count);
  op.which = inst.has(Mod::Trans);
  std::copy_n(rows, count, op.operands + 1);
  converge(op, everyone);
  for (size_t i = 0; loads && i < count; ++i) finish(parts[i]);
}

void Builder::emitProduct(const Inst& inst) {
  auto product = ptx::matrixProduct(inst);
  OpFn fn = product ? findHandler(level_, handlerKey(inst)) : nullptr;
  if (!fn) {
    refuse(product ? "no prebuilt code for " + handlerKey(inst) : product.error().message);
    return;
  }
  auto wide = std::make_unique<WideOperands>();
  wide->fn = fn;
  unsigned next = product->fragmentD.distinctRegisters();
  const ptx::Fragment* fragments[] = {&product->fragmentD, &product->fragmentA, &product->fragmentB, &product->fragmentC};
  unsigned total = 0;
  for (const ptx::Fragment* fragment : fragments) total += fragment->distinctRegisters();
  if (total > std::size(wide->operands)) {
    refuse(inst);
    return;
  }
  for (unsigned slot = 1; slot < 4; ++slot)
    for (unsigned r = 0; r < fragments[slot]->distinctRegisters(); ++r) wide->operands[next++] = source(element(inst.operands[slot], r), ptx::slotType(inst, slot));
  std::vector<Destination> results;
  for (unsigned r = 0; r < product->fragmentD.registers; ++r) {
    results.push_back(destination(element(inst.operands[0], r), ptx::slotType(inst, 0)));
    wide->operands[r] = results.back().row;
  }
  Op& op = add(callWide);
  op.immediate = reinterpret_cast<uint64_t>(wide.get());
  converge(op, constantRow(~0u, 4));
  out_->wide.push_back(std::move(wide));
  for (const Destination& d : results) finish(d);
}

void Builder::emitFragment(const Inst& inst) {
  const bool loads = inst.form == Form::WmmaLoad;
  auto fragment = ptx::wmmaFragment(inst);
  if (!fragment || fragment->elementBits() < 8 || fragment->elements > FragmentPlaces::maxElements) {
    refuse(fragment ? "parts of bytes in a matrix" : fragment.error().message);
    return;
  }
  auto places = std::make_unique<FragmentPlaces>();
  places->elements = uint8_t(fragment->elements);
  places->perRegister = uint8_t(fragment->perRegister);
  places->lineLength = uint8_t(fragment->columnMajor ? fragment->rows : fragment->columns);
  for (unsigned lane = 0; lane < lanes; ++lane)
    for (unsigned i = 0; i < fragment->elements; ++i) {
      const ptx::MatrixPlace at = fragment->at(lane, i);
      places->line[lane][i] = uint8_t(fragment->columnMajor ? at.column : at.row);
      places->place[lane][i] = uint8_t(fragment->columnMajor ? at.row : at.column);
    }
  const Operand& registers = inst.operands[loads ? 0 : 1];
  const Type type = ptx::slotType(inst, loads ? 0 : 1);
  const int32_t stride = inst.operands[2].isNone() ? Op::noOperand : source(inst.operands[2], Type::U32);
  const unsigned distinct = fragment->distinctRegisters();
  std::vector<Destination> parts;
  for (unsigned r = 0; loads && r < fragment->registers; ++r) parts.push_back(destination(element(registers, r), type));
  int32_t rows[8];
  for (unsigned r = 0; r < distinct; ++r) rows[r] = loads ? parts[r].row : source(element(registers, r), type);
  Op where;
  if (!address(inst, inst.operands[loads ? 1 : 0], where)) return;
  Op& op = addAccess((loads ? ops_.loadFragment : ops_.storeFragment)(fragment->elementBits() / 8), where);
  op.operands[1] = stride;
  std::copy_n(rows, distinct, op.operands + 2);
  op.places = places.get();
  out_->places.push_back(std::move(places));
  converge(op, constantRow(~0u, 4));
  for (unsigned r = distinct; r < parts.size(); ++r) copyRow(parts[r].row, parts[r % distinct].row, 4);
  for (const Destination& d : parts) finish(d);
}

// Copies are done at once, as by compiled code: nothing is left to wait for.
void Builder::emitAsync(const Inst& inst) {
  switch (inst.form) {
    case Form::CpAsyncCommitGroup: case Form::CpAsyncWaitGroup: case Form::CpAsyncWaitAll: return;
    case Form::MbarrierInit: case Form::MbarrierInval: case Form::MbarrierExpectTx: case Form::MbarrierCompleteTx: case Form::MbarrierArrive:
    case Form::MbarrierArriveDrop: case Form::MbarrierTestWait: case Form::MbarrierTestWaitParity: case Form::MbarrierTryWait:
    case Form::MbarrierTryWaitParity: case Form::MbarrierPendingCount: case Form::CpAsyncMbarrierArrive:
      return emitMbarrier(inst);
    default: break;
  }
  const Operand& size = inst.form == Form::CpAsync ? inst.operands[2] : inst.operands[0];
  if (inst.form != Form::CpAsync || !size.isImmediate() || (size.bits != 4 && size.bits != 8 && size.bits != 16)) {
    refuse(inst);
    return;
  }
  const auto words = uint8_t(size.bits / 4);
  const Operand& limit = inst.operands[3];
  const bool predicate = limit.isReg() && flat_.registers[limit.reg].type == Type::Pred;
  const int32_t limitRow = limit.isNone() ? Op::noOperand : source(limit, predicate ? Type::Pred : Type::U32);
  int32_t rows[4];
  for (unsigned i = 0; i < words; ++i) rows[i] = temporary(4);
  Op from, to;
  if (!address(inst, inst.operands[1], Space::Global, from) || !address(inst, inst.operands[0], Space::Shared, to)) return;
  Op& load = addAccess(limit.isNone() ? ops_.load(4) : ops_.loadLimited, from);
  load.count = words;
  load.which = predicate;
  std::copy_n(rows, words, load.operands + 1);
  if (!limit.isNone()) load.operands[1 + words] = limitRow;
  Op& store = addAccess(ops_.store(4), to);
  store.count = words;
  std::copy_n(rows, words, store.operands + 1);
}

}  // namespace anywarp::quick
