// Parts of tests that need a process and an environment of their own. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace anywarp::test {

// Runs the disabled test Child.DISABLED_`part` in a fresh process; its exit code, or 1000 and the signal that ended it.
inline int runChild(const char* part, std::vector<std::pair<const char*, const char*>> environment) {
  pid_t child = fork();
  if (child == 0) {
    for (auto [name, value] : environment) setenv(name, value, 1);
    std::string filter = std::string("--gtest_filter=Child.DISABLED_") + part;
    execl("/proc/self/exe", "driver_test", filter.c_str(), "--gtest_also_run_disabled_tests", "--gtest_brief=1", nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace anywarp::test
