// anywarp cache: what the cache of compiled kernels holds; clearing it. SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "cli/text.h"
#include "compiler/object/cache.h"

namespace anywarp::cli {

void addCache(CLI::App& app, int& exitCode) {
  CLI::App* command = app.add_subcommand("cache", "Show or clear the cache of compiled kernels");
  auto clear = std::make_shared<bool>(false);
  command->add_flag("--clear", *clear, "Remove every entry");
  command->callback([clear, &exitCode] {
    if (*clear) {
      std::cout << "removed " << object::cacheClear() << " entries\n";
      return;
    }
    object::CacheStats stats = object::cacheStats();
    if (stats.directory.empty()) {
      std::cout << "the cache is off\n";
      return;
    }
    std::cout << stats.directory << ": " << stats.entries << " entries, " << bytes(stats.bytes) << " of at most "
              << bytes(stats.maxBytes) << "\n";
    exitCode = success;
  });
}

}  // namespace anywarp::cli
