// How a running server learns that it should stop, or read its configuration again.
#pragma once

namespace nexus::cli {

/// Waits for SIGINT, SIGTERM, SIGHUP or a request from another thread. Make it before any other
/// thread is started: those inherit that the signals are blocked.
class stop_request {
 public:
  stop_request();
  ~stop_request();
  stop_request(const stop_request&) = delete;
  stop_request& operator=(const stop_request&) = delete;

  /// Any thread.
  void request();

  enum class origin { signal, program, hangup };
  /// Returns when there is a reason to stop, or for SIGHUP; call it again then. From a stop on a
  /// further signal ends the process at once with exit status 1; but not in the first half second,
  /// in which the same request may arrive twice (`timeout` signals a process and then its group).
  origin wait();

 private:
  int signals_;
  int requests_;
};

}  // namespace nexus::cli
