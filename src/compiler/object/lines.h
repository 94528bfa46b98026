// Host address to source line, from DWARF line programs (DWARF 5: Line Number Information). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace anywarp::object {

// Code from `address` up to the next row belongs to `line`; 0: to none.
struct LineRow {
  uint64_t address = 0;
  uint32_t line = 0;
};

// Reads a relocated .debug_line section of version 2 to 5. What is malformed is left out. Sorted by address.
std::vector<LineRow> readLineTable(std::span<const uint8_t> section);

// The line of `address`: a binary search without allocation, fit for signal handlers.
uint32_t findLine(std::span<const LineRow> rows, uint64_t address);

}  // namespace anywarp::object
