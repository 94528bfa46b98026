// PTX linking as text: each module is cut into its top-level statements, names private to it are renamed, declarations that a
// definition makes superfluous are left out, and what remains is one module. Line numbers in messages are those of the result.
// SPDX-License-Identifier: Apache-2.0
#include "compiler/link.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

#include "compiler/link_scanner.h"
#include "support/log.h"

namespace anywarp::compiler {
namespace {

using ptx::Linkage;

Error failed(std::string what) { return {ErrorKind::Invalid, "link: " + std::move(what)}; }

// Where a name's definition is kept.
struct Definition {
  size_t unit = 0, statement = 0;
  Linkage linkage = Linkage::None;
};

class Linker {
 public:
  Status add(const fatbin::PtxSource& source) {
    auto unit = std::make_unique<LinkUnit>();
    unit->name = source.name.empty() ? fmt::format("module {}", units_.size()) : source.name;
    unit->text = source.text;
    units_.push_back(std::move(unit));
    return readUnit(*units_.back());
  }

  Result<std::string> link() {
    dropUnusedUnits();
    for (size_t u = 0; u < units_.size(); ++u)
      for (size_t s = 0; s < units_[u]->statements.size(); ++s)
        if (Status status = define(u, s); !status) return status.error();
    std::string result = header();
    std::set<std::string_view> declared;
    for (size_t u = 0; u < units_.size(); ++u) append(result, u, declared);
    return result;
  }

 private:
  // A module that nothing refers to and that starts nothing (a library of device functions) is left out.
  void dropUnusedUnits() {
    std::set<std::string_view> wanted;
    std::vector<bool> used(units_.size());
    auto use = [&](size_t u) {
      used[u] = true;
      for (const LinkStatement& statement : units_[u]->statements)
        if (!statement.isDefinition) wanted.insert(statement.names.begin(), statement.names.end());
    };
    for (size_t u = 0; u < units_.size(); ++u)
      if (isRoot(*units_[u])) use(u);
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t u = 0; u < units_.size(); ++u)
        if (!used[u] && provides(*units_[u], wanted)) use(u), changed = true;
    }
    if (std::find(used.begin(), used.end(), true) == used.end()) return;
    std::vector<std::unique_ptr<LinkUnit>> kept;
    for (size_t u = 0; u < units_.size(); ++u)
      if (used[u]) kept.push_back(std::move(units_[u]));
    units_ = std::move(kept);
  }

  static bool isRoot(const LinkUnit& unit) {
    return std::any_of(unit.statements.begin(), unit.statements.end(), [](const LinkStatement& s) {
      return s.isDefinition && (s.isEntry || (s.kind == LinkStatement::Kind::Variable && s.linkage == Linkage::Visible));
    });
  }

  static bool provides(const LinkUnit& unit, const std::set<std::string_view>& wanted) {
    for (const LinkStatement& s : unit.statements)
      if (s.isDefinition && !isPrivate(s))
        for (std::string_view name : s.names)
          if (wanted.count(name)) return true;
    return false;
  }

  // Entries are always visible to the driver; everything else without linkage belongs to its module.
  static bool isPrivate(const LinkStatement& s) { return s.linkage == Linkage::None && !s.isEntry && s.kind != LinkStatement::Kind::Other; }

  static int rank(Linkage linkage) { return linkage == Linkage::Weak ? 1 : linkage == Linkage::Common ? 2 : 3; }

  Status define(size_t u, size_t s) {
    const LinkStatement& statement = units_[u]->statements[s];
    if (!statement.isDefinition || isPrivate(statement)) return {};
    for (std::string_view name : statement.names) {
      auto [found, fresh] = definitions_.emplace(name, Definition{u, s, statement.linkage});
      if (fresh) continue;
      Definition& old = found->second;
      const LinkStatement& other = units_[old.unit]->statements[old.statement];
      int before = rank(old.linkage), now = rank(statement.linkage);
      if (before == 3 && now == 3) return failed(fmt::format("{} is defined in {} and in {}", name, units_[old.unit]->name, units_[u]->name));
      bool larger = before == 2 && now == 2 && statement.elements() > other.elements();
      if (now > before || larger) old = {u, s, statement.linkage};
    }
    return {};
  }

  std::string header() const {
    const LinkUnit* newest = units_[0].get();
    const LinkUnit* highest = newest;
    for (const auto& unit : units_) {
      if (unit->version > newest->version) newest = unit.get();
      if (unit->target > highest->target) highest = unit.get();
    }
    return fmt::format(".version {}.{}\n.target {}\n.address_size 64\n", newest->version / 100, newest->version % 100, highest->targetLine);
  }

  using Renamings = std::unordered_map<std::string_view, std::string>;

  // Private names, made unique: every unit may have its own $str.
  Renamings renamings(size_t u) const {
    Renamings renamed;
    for (const LinkStatement& statement : units_[u]->statements)
      if (isPrivate(statement))
        for (std::string_view name : statement.names) renamed.emplace(name, fmt::format("{}$m{}", name, u));
    return renamed;
  }

  bool keep(const LinkStatement& statement, size_t u, size_t s, std::set<std::string_view>& declared) const {
    if (statement.kind == LinkStatement::Kind::Other || isPrivate(statement)) return true;
    if (statement.isDefinition) {
      return std::any_of(statement.names.begin(), statement.names.end(), [&](std::string_view name) {
        auto found = definitions_.find(name);
        return found != definitions_.end() && found->second.unit == u && found->second.statement == s;
      });
    }
    // Declarations: of a variable only when nobody defines it, of a function once before anything else uses it.
    bool wanted = false;
    for (std::string_view name : statement.names) {
      if (statement.kind == LinkStatement::Kind::Variable && definitions_.count(name)) continue;
      wanted = declared.insert(name).second || wanted;
    }
    return wanted;
  }

  void append(std::string& result, size_t u, std::set<std::string_view>& declared) {
    const LinkUnit& unit = *units_[u];
    Renamings renamed = renamings(u);
    Files files;
    result += fmt::format("\n// {}\n", printable(unit.name));
    for (size_t s = 0; s < unit.statements.size(); ++s) {
      const LinkStatement& statement = unit.statements[s];
      if (statement.kind == LinkStatement::Kind::File) appendFile(result, statement.text, files);
      else if (keep(statement, u, s, declared)) appendStatement(result, statement, renamed, files);
    }
  }

  static std::string printable(std::string name) {
    std::replace_if(name.begin(), name.end(), [](unsigned char c) { return c < ' '; }, ' ');
    return name;
  }

  using Files = std::unordered_map<std::string_view, uint32_t>;  // number in the unit -> in the result

  // `3 "a.cu"`
  void appendFile(std::string& result, std::string_view text, Files& files) {
    size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
    files[text.substr(0, digits)] = ++fileCount_;
    result += fmt::format(".file {}{}\n", fileCount_, text.substr(digits));
  }

  // Copies the statement, replacing renamed names and the file numbers of .loc and inlined_at. A label or register that is spelled
  // like a private name is renamed with it, which changes nothing.
  void appendStatement(std::string& result, const LinkStatement& statement, const Renamings& renamed, const Files& files) {
    LinkScanner scanner(statement.text);
    size_t copied = 0;
    bool isFileNumber = false;
    for (std::string_view token = scanner.next(); !token.empty(); token = scanner.next()) {
      std::string replacement;
      if (auto found = renamed.find(token); found != renamed.end()) replacement = found->second;
      if (auto found = files.find(token); isFileNumber && found != files.end()) replacement = fmt::format("{}", found->second);
      isFileNumber = token == ".loc" || token == "inlined_at";
      if (replacement.empty()) continue;
      size_t at = scanner.offsetOf(token);
      result.append(statement.text, copied, at - copied).append(replacement);
      copied = at + token.size();
    }
    result.append(statement.text, copied).append("\n");
  }

  std::vector<std::unique_ptr<LinkUnit>> units_;
  std::unordered_map<std::string_view, Definition> definitions_;
  uint32_t fileCount_ = 0;
};

}  // namespace

Result<std::string> linkText(std::span<const fatbin::PtxSource> sources) {
  if (sources.empty()) return failed("nothing to link");
  if (sources.size() == 1) return sources[0].text;
  Linker linker;
  for (const fatbin::PtxSource& source : sources)
    if (Status status = linker.add(source); !status) return status.error();
  return linker.link();
}

Result<std::unique_ptr<ptx::Module>> linkModules(std::vector<fatbin::PtxSource> sources) {
  if (sources.size() == 1) return ptx::parseModule(std::move(sources[0].text), sources[0].name.empty() ? "ptx" : sources[0].name);
  Result<std::string> text = linkText(sources);
  if (!text) return text.error();
  log::debug("link: {} modules, {} bytes", sources.size(), text->size());
  return ptx::parseModule(std::move(*text), "linked");
}

}  // namespace anywarp::compiler
