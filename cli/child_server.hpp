// A server in a process of its own, started and killed by this one.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/result.hpp"

namespace nexus::cli {

/// A process that runs `start`. It dies with this process; it is killed by the destructor. Start it
/// from a thread that lives as long as it should: the kernel ends it with that thread.
class child_server {
 public:
  struct options {
    std::string program;
    std::string home;
    std::string log_file;                ///< standard error is appended to it
    std::vector<std::string> arguments;  ///< after `start --home HOME --port 0`
    std::chrono::seconds timeout{60};    ///< for getting ready
  };

  /// Starts it and waits until it says that it is listening. Error: it ended, or is not ready in
  /// time; with the end of its log.
  static core::result<std::unique_ptr<child_server>> start(const options& how);
  ~child_server();
  child_server(const child_server&) = delete;
  child_server& operator=(const child_server&) = delete;

  pid_t pid() const { return pid_; }
  const std::string& host() const { return host_; }
  std::uint16_t port() const { return port_; }

  /// Sends a signal; nothing happens if the process is gone.
  void signal(int number);
  /// Waits for the end. Returns the exit status, or minus the number of the signal that ended it.
  int wait();

 private:
  child_server(pid_t pid, int output);
  core::result<void> wait_until_listening(const options& how);

  pid_t pid_;
  int output_;  ///< what it writes to standard output
  std::string host_;
  std::uint16_t port_ = 0;
};

}  // namespace nexus::cli
