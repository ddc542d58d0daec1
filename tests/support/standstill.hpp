// Processes that stand still.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace nexus::test {

/// Whether none of its threads runs: all are stopped, or there are none any more.
inline bool stands_still(pid_t process) {
  std::error_code gone;
  const auto tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
    std::ifstream stat(task.path() / "stat");
    std::string text;
    std::getline(stat, text);
    // "TID (NAME) STATE ...", where NAME may hold anything; of a thread that has gone: nothing.
    const auto name_end = text.rfind(") ");
    if (name_end != std::string::npos && std::string_view("TtZX").find(text[name_end + 2]) ==
                                             std::string_view::npos)
      return false;
  }
  return true;
}

/// SIGSTOP; returns when it has come to hold. A thread that was running on another processor would
/// go on for a moment, and might still answer.
inline void bring_to_standstill(pid_t process) {
  ::kill(process, SIGSTOP);
  while (!stands_still(process)) std::this_thread::yield();
}

}  // namespace nexus::test
