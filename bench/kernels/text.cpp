// Hashing, matching, dynamic programming: loops for the CPU beside the kernels. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/data.h"
#include "kernels/opencl.h"
#include "text_ptx.h"

namespace bench {
namespace {

void hash(const uint32_t* __restrict in, uint32_t* __restrict out, int n) {
  auto rotate = [](uint32_t v, int by) { return v << by | v >> (32 - by); };
#pragma omp parallel for simd
  for (int i = 0; i < n; ++i) {
    uint32_t h = 0;
    for (int k = 0; k < 16; ++k) {
      uint32_t w = rotate(in[i * 16 + k] * 0xcc9e2d51u, 15) * 0x1b873593u;
      h = rotate(h ^ w, 13) * 5 + 0xe6546b64u;
    }
    h ^= 64;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    out[i] = h ^ h >> 16;
  }
}

void stringMatch(const uint8_t* __restrict text, const uint8_t* __restrict pattern, uint8_t* __restrict found, int n) {
  uint8_t p[8];
  std::copy(pattern, pattern + 8, p);
#pragma omp parallel for simd
  for (int i = 0; i <= n - 8; ++i) {
    uint8_t differs = 0;
    for (int k = 0; k < 8; ++k) differs |= uint8_t(text[i + k] ^ p[k]);
    found[i] = differs == 0;
  }
}

void pathfinder(const int* __restrict cost, const int* __restrict first, int* __restrict to, int* __restrict other, int w, int rows) {
#pragma omp parallel
  for (int r = 0; r < rows; ++r) {
    const int* from = r == 0 ? first : r % 2 ? other : to;
    int* next = r % 2 ? to : other;
    const int* row = cost + size_t(r) * w;
    auto cell = [&](int x, int left, int right) { next[x] = std::min(from[x], std::min(from[left], from[right])) + row[x]; };
#pragma omp for simd
    for (int x = 1; x < w - 1; ++x) cell(x, x - 1, x + 1);
#pragma omp single
    cell(0, 0, 1), cell(w - 1, w - 2, w - 1);
  }
}

}  // namespace

std::vector<Pair> textPairs(bool small) {
  Module module(textPtx);
  std::vector<Pair> pairs;
  {
    int n = small ? 1 << 16 : 1 << 20;
    auto in = data<uint32_t>(size_t(n) * 16), out = data<uint32_t>(n);
    auto values = randomInts(size_t(n) * 16, 0x7fffffff, 71);
    std::copy(values->host.begin(), values->host.end(), in->host.begin());
    in->upload();
    Launch k{module("hash"), blocks(n, 256)};
    pairs.push_back({"hash", "integers", [=] { k(in->address(), out->address(), n); }, [=] { hash(in->host.data(), out->host.data(), n); },
                     [=] { return out->error(); }, 0});
    pairs.back().openCl = openCl("hash", k, in, out, n);
    pairs.back().work(68.0 * n, 0);
  }
  {
    int n = small ? 1 << 20 : 1 << 24;
    auto text = data<uint8_t>(n), pattern = data<uint8_t>(8), found = data<uint8_t>(n);
    auto letters = randomInts(n, 3, 72);
    for (int i = 0; i < n; ++i) text->host[i] = uint8_t('a' + letters->host[i]);
    for (int i = 0; i < 8; ++i) pattern->host[i] = uint8_t('a' + i % 3);
    text->upload();
    pattern->upload();
    found->upload();
    Launch k{module("stringMatch"), blocks(n, 256)};
    pairs.push_back({"stringMatch", "early exits", [=] { k(text->address(), pattern->address(), found->address(), n); },
                     [=] { stringMatch(text->host.data(), pattern->host.data(), found->host.data(), n); }, [=] { return found->error(); }, 0});
    pairs.back().openCl = openCl("stringMatch", k, text, pattern, found, n);
    pairs.back().work(2.0 * n, 0);
  }
  {
    int w = small ? 224 * 64 : 224 * 1024, rows = 64;
    auto cost = randomInts(size_t(w) * rows, 10, 73), first = randomInts(w, 10, 74), to = data<int>(w), between = data<int>(w);
    auto other = std::make_shared<std::vector<int>>(w);
    Launch k{module("pathfinder"), unsigned(w / 224)};
    k.wait = false;
    pairs.push_back({"pathfinder", "dynamic programming",
                     [=] {
                       for (int r = 0; r < rows; r += 16) {
                         bool odd = r / 16 % 2;
                         k(cost->address(), r == 0 ? first->address() : odd ? between->address() : to->address(), odd ? to->address() : between->address(), w, r);
                       }
                       CU(cuCtxSynchronize());
                     },
                     [=] { pathfinder(cost->host.data(), first->host.data(), to->host.data(), other->data(), w, rows); }, [=] { return to->error(); }, 0});
    pairs.back().work(4.0 * w * rows, 0);
  }
  return pairs;
}

}  // namespace bench
