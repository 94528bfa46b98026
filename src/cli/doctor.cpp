// anywarp doctor: what a program holds, and whether it can run here. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "abi/fatbin.h"
#include "cli/commands.h"
#include "compiler/fatbin/fatbin.h"
#include "compiler/ptx/ast.h"
#include "preload/elf_image.h"
#include "preload/static_match.h"

namespace anywarp::cli {
namespace {

using preload::ElfImage;

// What stands in an object file about the CUDA runtime and the libraries it wants.
struct Linkage {
  bool hasDeviceCode = false;
  bool staticRuntime = false;
  bool importsRuntime = false;
  std::string sharedRuntime;  // soname
  std::string archive;        // that tells where the functions of a stripped runtime are

  bool isStripped() const { return hasDeviceCode && !staticRuntime && !importsRuntime && sharedRuntime.empty(); }
  std::vector<std::string> foreign;  // NVIDIA's libraries that we have no substitute for
};

constexpr const char* closedLibraries[] = {"libcublas", "libcudnn",  "libcufft",   "libcurand", "libcusolver", "libcusparse",
                                           "libnccl",   "libnpp",    "libnvjpeg",  "libnvrtc",  "libnvJitLink", "libcupti"};

void readSymbols(const preload::SymbolTable& table, Linkage* l) {
  for (size_t i = 0; i < table.count; ++i) {
    if (std::strcmp(table.name(table.symbols[i]), "__cudaRegisterFatBinary") != 0) continue;
    (table.symbols[i].st_shndx != SHN_UNDEF ? l->staticRuntime : l->importsRuntime) = true;
  }
}

Linkage readLinkage(const ElfImage& image) {
  Linkage l;
  l.hasDeviceCode = image.hasSection(".nv_fatbin") || image.hasSection(".nvFatBinSegment");
  readSymbols(image.symbols(SHT_SYMTAB), &l);
  readSymbols(image.symbols(SHT_DYNSYM), &l);
  for (size_t i = 0; const char* name = image.needed(i); ++i) {
    if (std::strncmp(name, "libcudart.so", 12) == 0) l.sharedRuntime = name;
    for (const char* closed : closedLibraries)
      if (std::strncmp(name, closed, std::strlen(closed)) == 0) l.foreign.push_back(name);
  }
  return l;
}

// Containers are found by their magic number: they stand in several sections, eight-byte aligned.
std::vector<fatbin::Image> findImages(const ElfImage& file) {
  std::vector<fatbin::Image> all;
  for (size_t at = 0; at + sizeof(abi::FatbinHeader) <= file.size(); at += 8) {
    uint32_t magic;
    std::memcpy(&magic, file.bytes() + at, sizeof magic);
    if (magic != abi::fatbinHeaderMagic) continue;
    auto images = fatbin::readImages({file.bytes() + at, file.size() - at});
    if (images) all.insert(all.end(), images->begin(), images->end());
  }
  return all;
}

std::string architecture(const fatbin::Image& image) {
  std::string name = "sm_" + std::to_string(image.arch);
  return image.suffix ? name + image.suffix : name;
}

struct MissingForm {
  int count = 0;
  std::string first;  // kernel that holds the first one
};

struct ImageCode {
  std::map<std::string, int> ptx, sass, lto;  // architecture -> images
  std::map<std::string, MissingForm> missing;      // instruction -> where
  int kernels = 0;
  std::pair<int, int> newest;                  // version of PTX in it
  std::vector<std::string> errors;
};

void examineBody(const ptx::Module& module, const ptx::Function& function, ImageCode* code) {
  auto body = ptx::parseBody(module, function);
  if (!body) {
    code->errors.push_back(body.error().message);
    return;
  }
  for (const ptx::Instruction& i : (*body)->instructions) {
    bool unknown = i.form == ptx::Form::Unknown;
    if (!unknown && !ptx::formInfo(i.form).planned) continue;
    std::string name = unknown ? i.text.substr(0, i.text.find_first_of(" \t")) : ptx::formInfo(i.form).mnemonic;
    MissingForm& missing = code->missing[name];
    if (missing.count++ == 0) missing.first = function.name;
  }
}

void examineModule(const fatbin::Image& image, ImageCode* code) {
  auto text = fatbin::ptxText(image);
  if (!text) return code->errors.push_back(text.error().message);
  auto module = ptx::parseModule(std::move(*text), std::string(image.name.empty() ? "ptx" : image.name));
  if (!module) return code->errors.push_back(module.error().message);
  code->newest = std::max(code->newest, {static_cast<int>((*module)->versionMajor), static_cast<int>((*module)->versionMinor)});
  for (const ptx::Function& function : (*module)->functions) {
    code->kernels += function.isEntry && function.hasBody;
    if (function.hasBody) examineBody(**module, function, code);
  }
}

ImageCode examine(const std::vector<fatbin::Image>& images) {
  ImageCode code;
  for (const fatbin::Image& image : images) {
    auto& list = image.kind == abi::FatbinKind::Ptx ? code.ptx : image.kind == abi::FatbinKind::Cubin ? code.sass : code.lto;
    ++list[architecture(image)];
    if (image.kind == abi::FatbinKind::Ptx) examineModule(image, &code);
  }
  return code;
}

std::string list(const std::map<std::string, int>& images) {
  std::string out;
  for (const auto& [name, count] : images)
    out += (out.empty() ? "" : ", ") + name + (count > 1 ? " (" + std::to_string(count) + ")" : "");
  return out.empty() ? "none" : out;
}

std::string runtimeText(const Linkage& l) {
  if (!l.sharedRuntime.empty()) return "shared, " + l.sharedRuntime + ": replaced by ours";
  if (l.staticRuntime) return "static: its functions are replaced by ours";
  if (l.isStripped() && !l.archive.empty()) return "static and stripped: its functions are found with " + l.archive + " and replaced by ours";
  if (l.isStripped()) return "static, but stripped: cannot be replaced (relink with --cudart=shared, or do not strip, or name its libcudart_static.a with ANYWARP_CUDART_STATIC)";
  return l.importsRuntime ? "of another object" : "none: uses the driver API, or no CUDA at all";
}

// The release of CUDA whose compiler writes that version of PTX (PTX ISA, release history): the archive of a stripped runtime is to be of it.
std::string releaseText(std::pair<int, int> version) {
  auto [major, minor] = version;
  std::string ptx = " (PTX " + std::to_string(major) + "." + std::to_string(minor) + ")";
  if (major == 9) return "CUDA 13." + std::to_string(minor) + ptx;
  if (major == 8 && minor <= 4) return "CUDA 12." + std::to_string(minor) + ptx;
  if (major == 8 && minor == 5) return "CUDA 12.5 or 12.6" + ptx;
  if (major == 8) return "CUDA 12." + std::to_string(minor + 1) + ptx;
  if (major == 7) return "CUDA 11." + std::to_string(minor) + ptx;
  return "CUDA 10 or older" + ptx;
}

// Returns whether the program can run.
bool report(const std::string& path, const Linkage& l, const ImageCode& code) {
  std::cout << path << "\n"
            << "runtime    " << runtimeText(l) << "\n";
  if (code.newest.first) std::cout << "made with  " << releaseText(code.newest) << "\n";
  std::cout << "PTX        " << list(code.ptx) << "\n"
            << "SASS       " << list(code.sass) << "\n";
  if (!code.lto.empty()) std::cout << "LTO-IR     " << list(code.lto) << "\n";
  std::cout << "kernels    " << code.kernels << " with PTX\n";
  for (const auto& [name, missing] : code.missing)
    std::cout << "missing    " << name << ", " << missing.count << " times, first in " << missing.first << "\n";
  for (const std::string& error : code.errors) std::cout << "broken     " << error << "\n";
  for (const std::string& name : l.foreign) std::cout << "library    " << name << ": anywarp has none of its own yet\n";
  bool stripped = l.isStripped() && l.archive.empty();
  bool noPtx = code.ptx.empty() && !(code.sass.empty() && code.lto.empty());
  if (noPtx) std::cout << "advice     build with PTX: nvcc -gencode=arch=compute_80,code=compute_80\n";
  bool runs = !stripped && !noPtx && l.foreign.empty() && code.errors.empty();
  std::cout << "verdict    " << (!runs ? "cannot run" : code.missing.empty() ? "should run" : "runs, except kernels with what is missing")
            << "\n";
  return runs;
}

int doctor(const std::vector<std::string>& programs) {
  int exitCode = success;
  for (const std::string& path : programs) {
    ElfImage image(path.c_str());
    if (!image.isOpen()) {
      std::cerr << "anywarp: error: " << path << ": not a program of this machine\n";
      exitCode = failed;
      continue;
    }
    Linkage linkage = readLinkage(image);
    char archive[4096];
    for (const char* list = preload::namedRuntimeArchives(); linkage.isStripped() && linkage.archive.empty() && preload::nextArchive(&list, archive, sizeof archive);) {
      preload::RuntimeArchive runtime(archive);
      uint64_t address = 0;
      if (runtime.isOpen() && runtime.find(image, &address)) linkage.archive = archive;
    }
    if (!report(path, linkage, examine(findImages(image))) && exitCode == success) exitCode = notSupported;
  }
  return exitCode;
}

}  // namespace

void addDoctor(CLI::App& app, int& exitCode) {
  auto programs = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand("doctor", "Tell what a program or library holds and whether it can run");
  command->add_option("PROGRAM", *programs, "Executables or shared libraries")->required();
  command->footer("Exit code 3: it cannot run.");
  command->callback([programs, &exitCode] { exitCode = doctor(*programs); });
}

}  // namespace anywarp::cli
