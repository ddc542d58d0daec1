// Real NATS servers with JetStream: one, or a cluster, on ports that the kernel gave and in a
// directory that is gone afterwards. For tests and benchmarks; whatever does not work throws
// std::runtime_error.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace nexus::test {

struct nats_options {
  std::size_t nodes = 1;
  /// More lines for each server's configuration file.
  std::string config = {};
  /// Who the cluster's own questions come from; empty: nobody in particular.
  std::string user = {};
  std::string password = {};
  /// Whom they trust, where the servers want encrypted connections.
  std::string ca_file = {};
};

struct nats_stream {
  std::string name = {};
  std::vector<std::string> subjects = {};
  int replicas = 1;
  /// -1: unlimited. A full stream refuses what is new.
  std::int64_t messages_max = -1;
  std::int32_t message_bytes_max = -1;
  std::chrono::seconds duplicate_window{120};
};

struct nats_message {
  std::uint64_t sequence = 0;
  std::string subject;
  std::map<std::string, std::string> headers;
  std::string data;
};

/// Threads: one. A server dies with the thread that started it, so start and restart servers on a
/// thread that outlives the cluster.
class nats_cluster {
 public:
  /// Returns when every server takes requests.
  explicit nats_cluster(const nats_options& options = {});
  /// Kills all servers.
  ~nats_cluster();
  nats_cluster(const nats_cluster&) = delete;
  nats_cluster& operator=(const nats_cluster&) = delete;

  std::size_t size() const { return nodes_.size(); }
  std::string url(std::size_t node) const;
  /// Of all servers, separated by commas.
  std::string urls() const;
  std::string log(std::size_t node) const;

  /// SIGKILL; returns when the process is gone.
  void kill(std::size_t node);
  /// Starts a killed server on its old directory and port; returns when it takes requests.
  void restart(std::size_t node);
  /// SIGSTOP: connections stay, nothing is answered.
  void pause(std::size_t node);
  void resume(std::size_t node);

  void add_stream(const nats_stream& stream);
  void delete_stream(const std::string& name);
  std::optional<std::vector<std::string>> subjects(const std::string& stream);
  /// Nothing while there is none.
  std::optional<std::size_t> leader(const std::string& stream);
  /// Returns when the stream has a leader, and every replica that it should have is up to date.
  void wait_until_current(const std::string& stream);
  std::uint64_t message_count(const std::string& stream);
  /// The whole stream, from its first message on.
  std::vector<nats_message> messages(const std::string& stream);

 private:
  struct server {
    std::uint16_t port = 0;
    std::uint16_t route_port = 0;
    pid_t pid = -1;  ///< -1: not running
  };
  class client;

  void write_config(std::size_t node) const;
  void launch(std::size_t node);
  void wait_until_ready(std::size_t node);

  const nats_options options_;
  temp_dir directory_;
  std::vector<server> nodes_;
};

}  // namespace nexus::test
