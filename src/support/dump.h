// Dumps of one compilation: numbered files in ANYWARP_DUMP_DIR, one per stage that ANYWARP_DUMP names. SPDX-License-Identifier: Apache-2.0
//   KernelDump dump("vectorAdd");
//   if (dump.wants(DumpStage::Llvm)) dump.write(DumpStage::Llvm, text);       -> anywarp-dump/0003.vectorAdd.3-llvm.ll
#pragma once

#include <string>
#include <string_view>

namespace anywarp {

enum class DumpStage { Ptx, Analysis, Llvm, LlvmOpt, Asm, Object, Plan };

class KernelDump {
 public:
  KernelDump() = default;  // wants nothing
  explicit KernelDump(std::string_view kernel);
  KernelDump(std::string_view kernel, DumpStage only, std::string folder);  // whatever the environment says

  bool wants(DumpStage stage) const { return stages_ >> static_cast<int>(stage) & 1; }
  bool wantsAny() const { return stages_ != 0; }

  // Does nothing where the stage is not wanted. The first write of a compilation claims its number.
  void write(DumpStage stage, std::string_view content);

  // Path of the stage's file, "" before it is written.
  std::string path(DumpStage stage) const;

  // Remembers and logs the command that repeats this compilation, once something has been written.
  void replayCommand(std::string_view command);

 private:
  bool claim();

  unsigned stages_ = 0;
  std::string kernel_, folder_, prefix_;
};

}  // namespace anywarp
