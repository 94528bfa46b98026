// Functions of three bits as the fewest and, or, xor and not. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/lookup_logic.h"

#include <array>

namespace anywarp::codegen {
namespace {

enum class Op : uint8_t { Unknown, Leaf, Not, And, Or, Xor };

// The cheapest way to make each of the 256 truth tables.
struct Recipe {
  Op op = Op::Unknown;
  uint8_t left = 0, right = 0;  // truth tables
  uint8_t cost = 255;           // operations
};
using Recipes = std::array<Recipe, 256>;

constexpr uint8_t tableA = 0xf0, tableB = 0xcc, tableC = 0xaa;

void improve(Recipes& recipes, uint8_t table, Recipe candidate, bool& changed) {
  if (candidate.cost >= recipes[table].cost) return;
  recipes[table] = candidate;
  changed = true;
}

void combinePair(Recipes& recipes, unsigned x, unsigned y, bool& changed) {
  unsigned cost = recipes[x].cost + recipes[y].cost + 1u;
  if (cost >= 255) return;
  auto recipe = [&](Op op) { return Recipe{op, uint8_t(x), uint8_t(y), uint8_t(cost)}; };
  improve(recipes, uint8_t(x & y), recipe(Op::And), changed);
  improve(recipes, uint8_t(x | y), recipe(Op::Or), changed);
  improve(recipes, uint8_t(x ^ y), recipe(Op::Xor), changed);
}

// Relaxes until nothing gets cheaper: a few passes over 256 x 256 pairs, once per process.
Recipes findRecipes() {
  Recipes recipes;
  for (uint8_t leaf : {uint8_t(0), uint8_t(0xff), tableA, tableB, tableC}) recipes[leaf] = {Op::Leaf, 0, 0, 0};
  for (bool changed = true; changed;) {
    changed = false;
    for (unsigned x = 0; x < 256; ++x) {
      if (recipes[x].op == Op::Unknown) continue;
      improve(recipes, uint8_t(~x), {Op::Not, uint8_t(x), 0, uint8_t(recipes[x].cost + 1)}, changed);
      for (unsigned y = 0; y < x; ++y) {
        if (recipes[y].op != Op::Unknown) combinePair(recipes, x, y, changed);
      }
    }
  }
  return recipes;
}

struct Builder {
  PureEmitter& e;
  const Recipes& recipes;
  Value *a, *b, *c;
  std::array<Value*, 256> made{};

  Value* make(uint8_t table) {
    if (!made[table]) made[table] = build(table);
    return made[table];
  }

  Value* build(uint8_t table) {
    const Recipe& recipe = recipes[table];
    switch (recipe.op) {
      case Op::Not:
        return e.b.CreateNot(make(recipe.left));
      case Op::And:
        return e.b.CreateAnd(make(recipe.left), make(recipe.right));
      case Op::Or:
        return e.b.CreateOr(make(recipe.left), make(recipe.right));
      case Op::Xor:
        return e.b.CreateXor(make(recipe.left), make(recipe.right));
      default:
        return leaf(table);
    }
  }

  Value* leaf(uint8_t table) {
    if (table == tableA) return a;
    if (table == tableB) return b;
    if (table == tableC) return c;
    return intConst(a, table ? ~0ull : 0);
  }
};

}  // namespace

Value* lookupLogic(PureEmitter& e, Value* a, Value* b, Value* c, uint8_t table) {
  static const Recipes& recipes = *new Recipes(findRecipes());
  return Builder{e, recipes, a, b, c}.make(table);
}

}  // namespace anywarp::codegen
