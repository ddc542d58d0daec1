#include "tests/integration/server_home.hpp"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <regex>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/load.hpp"
#include "core/json_text.hpp"
#include "tests/support/catch.hpp"

namespace nexus::test {

command_outcome run_program(std::vector<std::string> arguments, const std::string& to) {
  const temp_dir scratch;
  const std::string out = to.empty() ? scratch / "out" : to;
  const std::string err = scratch / "err";
  constexpr int fresh = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), fresh, 0600);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), fresh, 0600);
  std::vector<char*> words;
  for (auto& one : arguments) words.push_back(one.data());
  words.push_back(nullptr);
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, words[0], &files, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (failed != 0) FAIL("cannot start " << words[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, to.empty() ? read_file(out) : "",
          read_file(err)};
}

std::vector<std::pair<std::string, std::string>> as(const std::string& token) {
  return {{"Authorization", "Bearer " + token}};
}

server_home::server_home() {
  write("daemon.toml",
        std::string("[daemon]\nmode = \"simple\"\nadmin_token = \"") + admin_token + "\"\n");
  write("destinations/sqlite.toml",
        "[destination]\nname = \"sqlite\"\ntype = \"sqlite\"\ndb_path = \"" + database() + "\"\n");
  add_source(
      "main",
      "can_read = true\ncan_write = true\n[source.rate_limit]\nrequests_per_minute = 1000000\n"
      "[source.idempotency]\nenabled = true\n");
}

void server_home::write(const std::string& name, const std::string& text) const {
  write_file(directory_ / name, text);
}

void server_home::add_source(const std::string& name, const std::string& more) const {
  write("sources/" + name + ".toml", "[source]\nname = \"" + name + "\"\napi_key = \"bfn_data_" +
                                         name + "\"\ntarget_destination = \"sqlite\"\n" + more +
                                         "[source.mapping]\ncontent = \"message.content\"\n");
}

std::string server_home::segment() const {
  for (const auto& one : std::filesystem::directory_iterator(wal())) {
    const std::string name = one.path().filename();
    if (name.starts_with("wal-") && name.ends_with(".jsonl")) return one.path();
  }
  FAIL("no segment");
  return {};
}

std::string server_home::log_end() const {
  constexpr std::size_t bytes_max = 3000;
  const std::string text = log();
  return text.size() > bytes_max ? text.substr(text.size() - bytes_max) : text;
}

core::result<std::unique_ptr<cli::child_server>> server_home::try_start() const {
  cli::child_server::options how;
  how.program = NEXUS_PROGRAM;
  how.home = path();
  how.log_file = directory_ / "server.log";
  return cli::child_server::start(how);
}

std::unique_ptr<cli::child_server> server_home::start() const {
  auto started = try_start();
  if (!started) FAIL(started.reason().text);
  return std::move(*started);
}

command_outcome server_home::nexus(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), NEXUS_PROGRAM);
  arguments.insert(arguments.end(), {"--home", path()});
  return run_program(arguments);
}

http_answer write_content(http_client& client, const std::string& content,
                          const std::string& source,
                          std::vector<std::pair<std::string, std::string>> headers) {
  std::string body = R"({"message":{"content":)";
  core::json::append_quoted(body, content);
  body += "}}";
  headers.emplace_back("Authorization", "Bearer bfn_data_" + source);
  const auto answer = client.request("POST", "/inbound/" + source, headers, body);
  if (!answer) FAIL("no answer to a write");
  return *answer;
}

std::string payload_id(const http_answer& answer) {
  std::smatch found;
  if (answer.status != 200 ||
      !std::regex_search(answer.body, found, std::regex(R"re("payload_id":"([0-9a-f]{32})")re"))) {
    FAIL("not accepted: " << answer.status << " " << answer.body);
  }
  return found[1];
}

std::unordered_map<std::string, std::string> stored_contents(const server_home& home) {
  const auto rows = cli::read_rows(home.database());
  if (!rows) FAIL(rows.reason().text);
  std::unordered_map<std::string, std::string> out;
  for (const auto& row : *rows) out[row.payload_id] = row.content;
  REQUIRE(out.size() == rows->size());
  return out;
}

void wait_until_delivered(const cli::child_server& server) {
  const auto delivered = cli::wait_until_delivered(
      server.host(), server.port(), server_home::admin_token, std::chrono::minutes(1));
  if (!delivered) FAIL(delivered.reason().text);
}

bool comes(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

int stop(cli::child_server& server) {
  server.signal(SIGTERM);
  return server.wait();
}

}  // namespace nexus::test
