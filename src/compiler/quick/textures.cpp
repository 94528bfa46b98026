// Textures and surfaces: operands as rows one behind the other, one call of the device (PTX: Texture Instructions, Surface
// Instructions). SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/texels.h"
#include "compiler/quick/builder.h"

namespace anywarp::quick {

using ptx::Form;
using ptx::Operand;
using ptx::Type;

namespace {

constexpr int32_t rowOf(int32_t block, unsigned i, unsigned bytes = 4) { return block + int32_t(i * lanes * bytes); }

}  // namespace

void Builder::copyRow(int32_t to, int32_t from, unsigned bytes) {
  Op& op = add(ops_.copy(bytes));
  op.operands[0] = to;
  op.operands[1] = from;
}

int32_t Builder::handleRow(const Operand& o) {
  const Operand base = analysis::handleOf(o);
  if (base.kind != Operand::Kind::Symbol || base.symbol.kind != ptx::SymbolKind::Parameter) return source(base, Type::B64);
  int32_t row = temporary(8);
  Op& op = add(ops_.splatField(8));
  op.operands[0] = row;
  op.which = uint8_t(Source::Params);
  op.immediate = base.symbol.index < params_.offsets.size() ? params_.offsets[base.symbol.index] : 0;
  return row;
}

void Builder::emitTexture(const Inst& inst) {
  if (inst.form == Form::Txq || inst.form == Form::Istypep) return emitTextureQuery(inst);
  auto access = analysis::textureAccess(inst, flat_.registers);
  if (!access || inst.type() == Type::F16 || inst.type() == Type::F16x2) {
    access ? refuse(inst) : refuse(access.error().message);
    return;
  }
  const int32_t coordinates = rowBlock(RowBlock::Coordinates), texels = rowBlock(RowBlock::Texels);
  const int32_t textures = handleRow(*access->texture);
  const int32_t samplers = access->sampler ? handleRow(*access->sampler) : Op::noOperand;
  for (unsigned i = 0; i < access->rows.size(); ++i) copyRow(rowOf(coordinates, i), source(*access->rows[i], Type::B32), 4);
  Op& op = add(ops_.texture);
  op.operands[0] = texels;
  op.operands[1] = textures;
  op.operands[2] = samplers;
  op.operands[3] = coordinates;
  op.immediate = access->operation.pack();
  for (unsigned i = 0; i < std::min<size_t>(analysis::elementCount(inst.operands[0]), 4); ++i) {
    const Operand& to = analysis::element(inst.operands[0], i);
    if (!to.isReg()) continue;
    Destination d = destination(to, Type::B32);
    copyRow(d.row, rowOf(texels, i), 4);
    finish(d);
  }
  if (inst.operands[1].isNone()) return;
  Destination resident = destination(inst.operands[1], Type::Pred);  // all of the texture is there
  Op& yes = add(ops_.copyPredicate);
  yes.operands[0] = resident.row;
  yes.operands[1] = constantRow(1, 0);
}

void Builder::emitTextureQuery(const Inst& inst) {
  const bool isType = inst.form == Form::Istypep;
  const bool hasLevel = !isType && inst.operands.size() > 2 && !inst.operands[2].isNone();
  const int32_t handles = handleRow(inst.operands[1]);
  const int32_t levels = hasLevel ? source(inst.operands[2], Type::B32) : Op::noOperand;
  Destination d = destination(inst.operands[0], isType ? Type::Pred : Type::B32);
  Op& op = add(ops_.textureQuery);
  op.operands[0] = d.row;
  op.operands[1] = handles;
  op.operands[2] = levels;
  op.immediate = uint64_t(analysis::textureQuery(inst));
  op.which = isType;
  finish(d);
}

void Builder::emitSurface(const Inst& inst) {
  if (inst.form == Form::Suq) return emitTextureQuery(inst);
  auto access = analysis::surfaceAccess(inst);
  if (!access) {
    refuse(access.error().message);
    return;
  }
  const int32_t coordinates = rowBlock(RowBlock::Coordinates), data = rowBlock(RowBlock::Texels);
  const int32_t surfaces = handleRow(*access->surface);
  for (unsigned i = 0; i < access->coordinates.size(); ++i) copyRow(rowOf(coordinates, i), source(*access->coordinates[i], Type::B32), 4);
  // Rows hold whole words; registers may be narrower.
  const unsigned bytes = access->operation.bytes, word = bytes == 8 ? 8 : 4;
  const bool loads = inst.form == Form::Suld;
  for (unsigned i = 0; !loads && i < access->operation.count; ++i) {
    const int32_t value = source(analysis::element(*access->values, i), ptx::bitsType(bytes * 8));
    if (bytes == word) {
      copyRow(rowOf(data, i, word), value, word);
      continue;
    }
    Op& op = add(ops_.convert(word, bytes, false));
    op.operands[0] = rowOf(data, i, word);
    op.operands[1] = value;
  }
  Op& op = add(ops_.surface);
  op.operands[0] = data;
  op.operands[1] = surfaces;
  op.operands[2] = coordinates;
  op.immediate = access->operation.pack();
  for (unsigned i = 0; loads && i < access->operation.count; ++i) {
    const Operand& to = analysis::element(*access->values, i);
    if (!to.isReg()) continue;
    Destination d = destination(to, word == 8 ? Type::B64 : Type::B32);
    copyRow(d.row, rowOf(data, i, word), word);
    finish(d);
  }
}

}  // namespace anywarp::quick
