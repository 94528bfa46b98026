// A set of blocks: bits, kept for the range that has any. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <vector>

#include "compiler/analysis/flat.h"

namespace anywarp::analysis {

// Numbers that are close to each other take little memory, and sets are united word by word.
class BlockSet {
 public:
  class Iterator {
   public:
    using value_type = BlockId;
    using difference_type = std::ptrdiff_t;
    using pointer = const BlockId*;
    using reference = BlockId;
    using iterator_category = std::input_iterator_tag;
    Iterator(const BlockSet& set, size_t word) : set_(&set), word_(word) { rest_ = word < set.words_.size() ? set.words_[word] : 0, settle(); }
    BlockId operator*() const { return BlockId((set_->first_ + word_) * 64 + std::countr_zero(rest_)); }
    Iterator& operator++() {
      rest_ &= rest_ - 1;
      settle();
      return *this;
    }
    bool operator==(const Iterator& other) const { return word_ == other.word_ && rest_ == other.rest_; }

   private:
    void settle() {
      while (!rest_ && word_ < set_->words_.size()) rest_ = ++word_ < set_->words_.size() ? set_->words_[word_] : 0;
    }
    const BlockSet* set_;
    size_t word_;
    uint64_t rest_ = 0;
  };

  BlockSet() = default;
  BlockSet(std::initializer_list<BlockId> blocks) : BlockSet(blocks.begin(), blocks.end()) {}
  template <class It>
  BlockSet(It begin, It end) {
    for (; begin != end; ++begin) insert(*begin);
  }

  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, words_.size()}; }
  bool empty() const {
    return std::all_of(words_.begin(), words_.end(), [](uint64_t w) { return w == 0; });
  }
  size_t size() const {
    size_t n = 0;
    for (uint64_t w : words_) n += size_t(std::popcount(w));
    return n;
  }
  bool count(BlockId b) const { return covers(b) && (words_[b / 64 - first_] >> (b % 64) & 1); }
  // True where it was not there.
  bool insert(BlockId b) {
    cover(b / 64, b / 64 + 1);
    uint64_t& word = words_[b / 64 - first_];
    const uint64_t before = word;
    word |= uint64_t(1) << (b % 64);
    return word != before;
  }
  void erase(BlockId b) {
    if (covers(b)) words_[b / 64 - first_] &= ~(uint64_t(1) << (b % 64));
  }
  // Adds all of `other`; true where one of them was not there.
  bool unite(const BlockSet& other) {
    if (other.words_.empty()) return false;
    cover(other.first_, other.first_ + other.words_.size());
    bool changed = false;
    for (size_t i = 0; i < other.words_.size(); ++i) {
      uint64_t& word = words_[other.first_ - first_ + i];
      changed |= (other.words_[i] & ~word) != 0;
      word |= other.words_[i];
    }
    return changed;
  }

 private:
  bool covers(BlockId b) const { return b / 64 >= first_ && b / 64 - first_ < words_.size(); }
  void cover(size_t begin, size_t end) {
    if (words_.empty()) first_ = begin;
    if (begin < first_) {
      words_.insert(words_.begin(), first_ - begin, 0);
      first_ = begin;
    }
    if (end - first_ > words_.size()) words_.resize(end - first_);
  }

  size_t first_ = 0;  // of 64 blocks each
  std::vector<uint64_t> words_;
};

}  // namespace anywarp::analysis
