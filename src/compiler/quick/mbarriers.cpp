// Barriers that are objects in shared memory (PTX: mbarrier). Waiting is a loop of the program's, which findSuspensions() sees.
// SPDX-License-Identifier: Apache-2.0
#include "abi/mbarrier.h"
#include "compiler/quick/builder.h"
#include "compiler/quick/keys/keys.h"

namespace anywarp::quick {

using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Type;

namespace {

uint8_t updateOf(const analysis::Inst& inst) {
  uint8_t what = 0;
  if (inst.form == Form::MbarrierArrive || inst.form == Form::MbarrierArriveDrop || inst.form == Form::CpAsyncMbarrierArrive) what |= mbarrierArrives;
  if (inst.form == Form::MbarrierArriveDrop) what |= mbarrierDrops;
  if (inst.has(Mod::ExpectTx)) what |= mbarrierExpects;
  if (inst.form == Form::MbarrierCompleteTx) what |= mbarrierCompletes;
  return what;
}

}  // namespace

void Builder::emitMbarrier(const Inst& inst) {
  if (inst.form == Form::MbarrierPendingCount) return emitPendingCount(inst);
  // The copies before it are done already. Without .noinc one more arrival was expected for it: nothing changes.
  if (inst.form == Form::CpAsyncMbarrierArrive && !inst.has(Mod::Noinc)) return;
  const unsigned at = ptx::slotRole(inst, 0) == ptx::SlotRole::Address ? 0 : 1;
  const bool parity = inst.form == Form::MbarrierTestWaitParity || inst.form == Form::MbarrierTryWaitParity;
  const bool tests = parity || inst.form == Form::MbarrierTestWait || inst.form == Form::MbarrierTryWait;
  Op where;
  if (!address(inst, inst.operands[at], where)) return;
  if (inst.form == Form::MbarrierInval) {
    addAccess(ops_.mbarrier(Mbarrier::Invalidate), where);
    return;
  }
  if (inst.form == Form::MbarrierInit) {
    const int32_t count = source(inst.operands[1], Type::U32);
    addAccess(ops_.mbarrier(Mbarrier::Init), where).operands[1] = count;
    return;
  }
  const bool hasAmount = inst.operands.size() > at + 1 && !inst.operands[at + 1].isNone();
  const int32_t amount = hasAmount ? source(inst.operands[at + 1], tests && !parity ? Type::B64 : Type::U32) : Op::noOperand;
  Destination d;
  if (at == 1 && inst.operands[0].isReg()) d = destination(inst.operands[0], tests ? Type::Pred : Type::B64);
  else if (tests) d.row = temporary(0);
  Op& op = addAccess(ops_.mbarrier(!tests ? Mbarrier::Update : parity ? Mbarrier::TestParity : Mbarrier::TestState), where);
  op.operands[1] = d.row;
  op.operands[2] = amount;
  op.which = updateOf(inst);
  finish(d);
}

void Builder::emitPendingCount(const Inst& inst) {
  const int32_t state = source(inst.operands[1], Type::B64);
  const int32_t count = temporary(8);
  Destination d = destination(inst.operands[0], Type::U32);
  ptx::Instruction mask;
  mask.form = Form::And;
  mask.types = {Type::B64};
  mask.operands.resize(3);
  for (Operand& operand : mask.operands) operand.kind = Operand::Kind::Register;
  const int32_t bits = constantRow(abi::mbarrierCountMask, 8);
  Op& cut = add(findHandler(level_, handlerKey(mask)));
  cut.operands[0] = count;
  cut.operands[1] = state;
  cut.operands[2] = bits;
  Op& op = add(ops_.convert(4, 8, false));
  op.operands[0] = d.row;
  op.operands[1] = count;
  finish(d);
}

}  // namespace anywarp::quick
