// Fat binaries made by hand: every compression, the choice between images, damage of all kinds. SPDX-License-Identifier: Apache-2.0
#include "compiler/fatbin/fatbin.h"

#include <gtest/gtest.h>
#include <lz4.h>
#include <sys/mman.h>
#include <zstd.h>

#include <cstring>

#include "compiler/fatbin/readable.h"

namespace anywarp::fatbin {
namespace {

const std::string text = "\n\n.version 7.8\n.target sm_80\n" + std::string(3000, ' ') + "// end\n";

struct Sample {
  abi::FatbinKind kind = abi::FatbinKind::Ptx;
  uint32_t arch = 80;
  uint64_t flags = 0;
  std::string stored = text;
  uint64_t uncompressed = 0;
  std::string options = {};
};

Sample lz4(uint32_t arch) {
  Sample sample{.arch = arch, .flags = abi::fatbinLz4, .uncompressed = text.size() + 1};
  sample.stored.resize(static_cast<size_t>(LZ4_compressBound(static_cast<int>(text.size() + 1))));
  int size = LZ4_compress_default(text.c_str(), sample.stored.data(), static_cast<int>(text.size() + 1), static_cast<int>(sample.stored.size()));
  sample.stored.resize(static_cast<size_t>(size));
  return sample;
}

Sample zstd(uint32_t arch) {
  Sample sample{.arch = arch, .flags = abi::fatbinZstd, .uncompressed = text.size() + 1};
  sample.stored.resize(ZSTD_compressBound(text.size() + 1));
  sample.stored.resize(ZSTD_compress(sample.stored.data(), sample.stored.size(), text.c_str(), text.size() + 1, 3));
  return sample;
}

template <class T>
void append(std::vector<uint8_t>& bytes, const T& value) {
  auto* begin = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof(value));
}

void append(std::vector<uint8_t>& bytes, const std::string& value, size_t padTo) {
  bytes.insert(bytes.end(), value.begin(), value.end());
  while (bytes.size() % padTo) bytes.push_back(0);
}

std::vector<uint8_t> container(const std::vector<Sample>& samples) {
  std::vector<uint8_t> body;
  for (const Sample& sample : samples) {
    std::vector<uint8_t> extra;
    if (!sample.options.empty()) {
      append(extra, uint32_t(sizeof(abi::FatbinEntry) + 8));
      append(extra, uint32_t(sample.options.size()));
      append(extra, sample.options, 8);
    }
    abi::FatbinEntry entry{};
    entry.kind = static_cast<uint16_t>(sample.kind), entry.version = 0x101;
    entry.headerSize = static_cast<uint32_t>(sizeof(entry) + extra.size());
    entry.payloadSize = (sample.stored.size() + 7) / 8 * 8;
    entry.compressedSize = sample.uncompressed ? static_cast<uint32_t>(sample.stored.size()) : 0;
    entry.optionsOffset = extra.empty() ? 0 : sizeof(entry);
    entry.arch = sample.arch, entry.flags = sample.flags, entry.uncompressedSize = sample.uncompressed;
    append(body, entry);
    body.insert(body.end(), extra.begin(), extra.end());
    append(body, sample.stored, 8);
  }
  std::vector<uint8_t> bytes;
  append(bytes, abi::FatbinHeader{abi::fatbinHeaderMagic, 1, sizeof(abi::FatbinHeader), body.size()});
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

std::string onlyText(const std::vector<uint8_t>& bytes) {
  Result<Program> program = readProgram(bytes, 90);
  if (!program) return "error: " + program.error().message;
  return program->modules.size() == 1 ? program->modules[0].text : "not one module";
}

TEST(Fatbin, EveryCompressionGivesTheText) {
  EXPECT_EQ(onlyText(container({Sample{}})), text);
  EXPECT_EQ(onlyText(container({lz4(80)})), text);
  EXPECT_EQ(onlyText(container({zstd(80)})), text);
}

TEST(Fatbin, OptionsAreRead) {
  Sample sample;
  sample.options = "-maxrregcount=32";
  Result<Program> program = readProgram(container({sample}), 90);
  ASSERT_TRUE(program);
  EXPECT_EQ(program->modules[0].options, "-maxrregcount=32");
}

uint32_t chosen(std::vector<Sample> samples, uint32_t arch) {
  std::vector<uint8_t> bytes = container(samples);
  Result<std::vector<Image>> images = readImages(bytes);
  if (!images) return 0;
  const Image* image = choosePtx(*images, arch);
  return image ? image->arch : 0;
}

TEST(Fatbin, HighestUsablePtxWins) {
  Sample cubin{.kind = abi::FatbinKind::Cubin, .arch = 90};
  EXPECT_EQ(chosen({{.arch = 70}, {.arch = 80}, cubin, {.arch = 50}}, 90), 80u);
  EXPECT_EQ(chosen({{.arch = 100}, {.arch = 70}}, 90), 70u);
  EXPECT_EQ(chosen({{.arch = 120}, {.arch = 100}}, 90), 100u);
  EXPECT_EQ(chosen({{.arch = 90, .flags = abi::fatbinArchSpecific}, {.arch = 80}}, 90), 90u);
  EXPECT_EQ(chosen({{.arch = 90, .flags = abi::fatbinArchSpecific}, {.arch = 80}}, 89), 80u);
  EXPECT_EQ(chosen({{.arch = 90, .flags = abi::fatbinArchSpecific}, {.arch = 80}}, 100), 80u);
  EXPECT_EQ(chosen({{.arch = 90, .flags = abi::fatbinArchSpecific}, cubin}, 80), 90u);
  EXPECT_EQ(chosen({cubin}, 90), 0u);
}

TEST(Fatbin, WithoutPtxTheMessageNamesWhatThereIs) {
  Sample cubin{.kind = abi::FatbinKind::Cubin, .arch = 90, .flags = abi::fatbinArchSpecific}, lto{.kind = abi::FatbinKind::LtoIr, .arch = 80};
  EXPECT_EQ(onlyText(container({cubin, lto})),
            "error: fat binary: no PTX in it, only machine code for GPUs (lto_80, sm_90a); build with -gencode arch=compute_90,code=compute_90 to add PTX");
  EXPECT_EQ(onlyText(container({lto})),
            "error: fat binary: no PTX in it, only LTO intermediate code (lto_80); build with -gencode arch=compute_90,code=compute_90 to add PTX");
  EXPECT_EQ(onlyText(container({})), "error: fat binary: no code in it");
}

TEST(Fatbin, TruncationIsAnErrorAtEveryLength) {
  for (const Sample& sample : {Sample{}, lz4(80), zstd(80)}) {
    std::vector<uint8_t> whole = container({sample});
    for (size_t length = 4; length < whole.size(); ++length) {
      std::vector<uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_FALSE(readProgram(cut, 90)) << length;
    }
  }
}

TEST(Fatbin, DamagedBytesNeverCrash) {
  for (const Sample& sample : {Sample{}, lz4(80), zstd(80)}) {
    std::vector<uint8_t> whole = container({sample, sample});
    for (size_t at = 0; at < whole.size(); ++at) {
      for (int value : {0x00, 0xff, 0x80}) {
        std::vector<uint8_t> damaged = whole;
        damaged[at] = static_cast<uint8_t>(value);
        Result<Program> program = readProgram(damaged, 90);
        EXPECT_TRUE(!program || !program->modules.empty());
      }
    }
  }
}

TEST(Fatbin, HugeAnnouncedSizesAllocateNothing) {
  for (Sample sample : {lz4(80), zstd(80)}) {
    sample.uncompressed = uint64_t{1} << 60;
    EXPECT_FALSE(readProgram(container({sample}), 90));
    sample.uncompressed = uint64_t{1} << 29;
    Result<Program> program = readProgram(container({sample}), 90);
    EXPECT_TRUE(!program || program->modules[0].text == text);
  }
}

TEST(Fatbin, TextAndOtherFormsAreToldApart) {
  auto read = [](const std::string& bytes) { return onlyText({bytes.begin(), bytes.end()}); };
  EXPECT_EQ(read(text), text);
  EXPECT_EQ(read(text + '\0' + "rest"), text);
  EXPECT_NE(read("\x7f" "ELF....").find("machine code"), std::string::npos);
  EXPECT_NE(read("!<arch>\n").find("archive"), std::string::npos);
  EXPECT_EQ(read("  \n"), "error: image is empty");
  EXPECT_EQ(read("int main"), "error: image is neither PTX nor a fat binary");
}

std::vector<uint8_t> hostObject(const std::vector<std::vector<uint8_t>>& containers) {
  std::vector<uint8_t> bytes;
  append(bytes, std::string("\x7f" "ELF and whatever comes before the sections"), 8);
  for (const auto& c : containers) {
    bytes.insert(bytes.end(), c.begin(), c.end());
    append(bytes, std::string("more sections"), 8);
  }
  return bytes;
}

void appendMember(std::vector<uint8_t>& archive, const std::string& name, const std::vector<uint8_t>& bytes, const std::string& size) {
  std::string header = name + "/";
  header.resize(48, ' ');
  header += size;
  header.resize(58, ' ');
  append(archive, header + "`\n", 1);
  archive.insert(archive.end(), bytes.begin(), bytes.end());
  if (archive.size() % 2) archive.push_back('\n');
}

TEST(Fatbin, HostObjectsGiveThePtxOfTheirContainers) {
  Sample machineCode{.kind = abi::FatbinKind::Cubin};
  auto object = hostObject({container({zstd(80), machineCode}), container({lz4(75)}), container({})});
  Result<Program> program = readProgram(object, 90);
  ASSERT_TRUE(program) << program.error().message;
  ASSERT_EQ(program->modules.size(), 2u);
  EXPECT_EQ(program->modules[1].text, text);
  EXPECT_NE(onlyText(hostObject({container({machineCode})})).find("no PTX"), std::string::npos);
  const auto whole = hostObject({container({zstd(80)})});
  EXPECT_FALSE(readProgram({whole.data(), whole.size() / 2}, 90)) << "a container that is longer than the file is none";
}

TEST(Fatbin, ArchivesGiveThePtxOfAllTheirObjects) {
  std::vector<uint8_t> archive;
  append(archive, std::string("!<arch>\n"), 1);
  const auto object = hostObject({container({zstd(80)})}), plain = hostObject({});
  appendMember(archive, "a.o", object, std::to_string(object.size()));
  appendMember(archive, "plain.o", plain, std::to_string(plain.size()));
  appendMember(archive, "odd", {1, 2, 3}, "3");
  appendMember(archive, "b.o", object, std::to_string(object.size()));
  Result<Program> program = readProgram(archive, 90);
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->modules.size(), 2u);
  appendMember(archive, "long.o", object, "99999999");
  EXPECT_NE(onlyText(archive).find("beyond its end"), std::string::npos);
  for (size_t size = 0; size < archive.size(); size += 7)  // cut anywhere: an error or less of it, never a crash
    (void)readProgram({archive.data(), size}, 90);
}

TEST(Fatbin, PointersWithoutLength) {
  EXPECT_EQ(readProgramAt(text.c_str(), 90)->modules[0].text, text);
  std::vector<uint8_t> bytes = container({zstd(80)});
  EXPECT_EQ(readProgramAt(bytes.data(), 90)->modules[0].text, text);
  abi::FatbinWrapper wrapper{abi::fatbinWrapperMagic, 1, bytes.data(), nullptr};
  EXPECT_EQ(readProgramAt(&wrapper, 90)->modules[0].text, text);
  wrapper.data = reinterpret_cast<void*>(0x1000);
  EXPECT_FALSE(readProgramAt(&wrapper, 90));
  EXPECT_FALSE(readProgramAt(reinterpret_cast<void*>(0x1000), 90));
}

TEST(Fatbin, DeviceLinkedWrapperGivesEveryObject) {
  std::vector<uint8_t> first = container({zstd(80)}), second = container({lz4(80)}), linked = container({{.kind = abi::FatbinKind::Cubin}});
  const void* objects[] = {first.data(), second.data(), nullptr};
  abi::FatbinWrapper wrapper{abi::fatbinWrapperMagic, 2, linked.data(), objects};
  Result<Program> program = readProgramAt(&wrapper, 90);
  ASSERT_TRUE(program);
  EXPECT_EQ(program->modules.size(), 2u);
}

TEST(Readable, StopsAtUnmappedPages) {
  auto* pages = static_cast<char*>(mmap(nullptr, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  std::memset(pages, 'x', 3 * 4096);
  mprotect(pages + 2 * 4096, 4096, PROT_NONE);
  EXPECT_EQ(readableBytes(pages, 100), 100u);
  EXPECT_EQ(readableBytes(pages + 10, 3 * 4096), 2 * 4096u - 10);
  EXPECT_EQ(readableBytes(pages + 2 * 4096, 1), 0u);
  EXPECT_EQ(readableTextLength(pages + 4096), 4096u);
  EXPECT_TRUE(readableEnds(pages, 2 * 4096));
  EXPECT_FALSE(readableEnds(pages, 2 * 4096 + 1));
  pages[5000] = '\0';
  EXPECT_EQ(readableTextLength(pages), 5000u);
  munmap(pages, 3 * 4096);
}

}  // namespace
}  // namespace anywarp::fatbin
