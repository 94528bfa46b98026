// Which prebuilt handler an instruction needs: the name under which generator and builder meet. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ptx/ast.h"

namespace anywarp::quick {

// Form, modifiers in the order of the enumeration, types, number of operands that are there: "SetpInt.lt .s32 3".
std::string handlerKey(const ptx::Instruction& inst);

// add.{u32,s32} stands for add.u32 and add.s32.
std::vector<std::string> expandBraces(const std::string& text);

// The instructions that the lines of handlers.txt stand for, with registers in every slot that they have; braces are expanded.
// Lines that name no instruction of operands alone are returned in `unknown`.
std::vector<ptx::Instruction> handlerInstructions(std::string_view text, std::vector<std::string>& unknown);

// Products of matrices, whose prebuilt functions take the registers of D, A, B and C, each held once.
bool isProduct(ptx::Form form);

// addc and its kind read the condition code as a further source; those with .cc write it as a further result.
bool readsCarry(const ptx::Instruction& inst);
bool writesCarry(const ptx::Instruction& inst);

}  // namespace anywarp::quick
