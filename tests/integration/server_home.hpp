// A home directory with its own configuration, a real server process on it, and its command line.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/child_server.hpp"
#include "core/result.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/temp_dir.hpp"

namespace nexus::test {

/// What a command left behind.
struct command_outcome {
  int status = 0;
  std::string out;
  std::string err;
};

/// Runs a program, the first of these words, to its end. Its standard output goes to `to`, a file
/// that is there, where that is not empty; then the outcome has none.
command_outcome run_program(std::vector<std::string> arguments, const std::string& to = {});

/// A header list with the token.
std::vector<std::pair<std::string, std::string>> as(const std::string& token);

/// A home with source "main" (may read and write), and the SQLite destination "sqlite".
class server_home {
 public:
  server_home();

  static constexpr const char* admin_token = "bfn_admin_for_tests";
  static constexpr const char* main_key = "bfn_data_main";

  std::string path() const { return directory_.path(); }
  std::string database() const { return directory_ / "memories.db"; }
  std::string wal() const { return directory_ / "wal"; }
  /// Path of one of the log's segments; fails the test if there is none.
  std::string segment() const;
  std::string log() const { return read_file(directory_ / "server.log"); }
  /// The last lines of it, for a message.
  std::string log_end() const;

  void write(const std::string& name, const std::string& text) const;
  /// Writes sources/NAME.toml with the key `bfn_data_NAME`; `more` is TOML for the table [source]
  /// and others after it.
  void add_source(const std::string& name, const std::string& more) const;

  /// Starts the server; fails the test if it does not start.
  std::unique_ptr<cli::child_server> start() const;
  /// The same for a server that may fail to.
  core::result<std::unique_ptr<cli::child_server>> try_start() const;
  /// `nexus COMMAND … --home HOME`
  command_outcome nexus(std::vector<std::string> arguments) const;

 private:
  temp_dir directory_;
};

/// Posts `{"message":{"content":…}}` to /inbound/SOURCE with the source's key.
http_answer write_content(http_client& client, const std::string& content,
                          const std::string& source = "main",
                          std::vector<std::pair<std::string, std::string>> headers = {});

/// The `payload_id` of an answer to a write; fails the test if there is none.
std::string payload_id(const http_answer& answer);

/// Contents of all rows of the database, by payload id; fails the test if an id is there twice.
std::unordered_map<std::string, std::string> stored_contents(const server_home& home);

/// Asks GET /api/status until nothing is pending; fails the test after a minute.
void wait_until_delivered(const cli::child_server& server);

/// Waits until it is so; false after two minutes.
bool comes(const std::function<bool()>& condition);

/// Sends SIGTERM; returns the exit status.
int stop(cli::child_server& server);

}  // namespace nexus::test
