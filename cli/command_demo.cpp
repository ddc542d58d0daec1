#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include "cli/child_server.hpp"
#include "cli/commands.hpp"
#include "cli/load.hpp"
#include "cli/output.hpp"
#include "core/random.hpp"

namespace nexus::cli {
namespace {

using clock = std::chrono::steady_clock;

/// How long everything that was acknowledged may take to be delivered.
constexpr std::chrono::seconds delivery_time{120};

/// The demo's own home, with keys that nobody else has.
struct stage {
  std::string home;
  std::string admin_token = "bfn_admin_" + core::random_hex(32);
  std::string api_key = "bfn_data_" + core::random_hex(32);

  std::string log_file() const { return home + "/server.log"; }
  std::string database() const { return home + "/memories.db"; }
};

core::result<void> write_file(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) return core::os_error(errno, path);
  return {};
}

core::result<stage> set_stage() {
  std::string path = (std::filesystem::temp_directory_path() / "nexus-demo-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) return core::os_error(errno, path);
  stage made;
  made.home = path;
  const std::array<std::pair<std::string, std::string>, 3> files{{
      {"/daemon.toml", "[daemon]\nmode = \"simple\"\nadmin_token = \"" + made.admin_token + "\"\n"},
      {"/sources/demo.toml",
       "[source]\nname = \"demo\"\napi_key = \"" + made.api_key +
           "\"\ncan_write = true\ntarget_destination = \"sqlite\"\n"
           "[source.rate_limit]\nrequests_per_minute = 1000000000\n"
           "[source.mapping]\ncontent = \"message.content\"\nrole = \"message.role\"\n"},
      {"/destinations/sqlite.toml",
       "[destination]\nname = \"sqlite\"\ntype = \"sqlite\"\ndb_path = \"" + made.database() +
           "\"\n"},
  }};
  for (const auto& [name, text] : files) {
    if (auto written = write_file(path + name, text); !written) return written.reason();
  }
  return made;
}

core::result<std::unique_ptr<child_server>> start_server(const stage& on) {
  child_server::options how;
  how.program = std::filesystem::read_symlink("/proc/self/exe").string();
  how.home = on.home;
  how.log_file = on.log_file();
  return child_server::start(how);
}

/// Writes, and kills the server while the clients wait for answers.
core::result<ledger> write_and_kill(const demo_options& how, const stage& on) {
  auto server = start_server(on);
  if (!server) return server.reason();
  load clients({(*server)->host(), (*server)->port(), "demo", on.api_key, how.clients, "demo"});
  const bool enough = clients.wait_for(how.entries);
  (*server)->signal(SIGKILL);
  (*server)->wait();
  ledger book = clients.finish();
  if (!enough) {
    return core::error{core::errc::unreachable, "the server stopped answering after " +
                                                    std::to_string(book.acknowledged.size()) +
                                                    " entries"};
  }
  return book;
}

core::result<void> recover(const stage& on) {
  auto server = start_server(on);
  if (!server) return server.reason();
  if (auto delivered =
          wait_until_delivered((*server)->host(), (*server)->port(), on.admin_token, delivery_time);
      !delivered)
    return delivered;
  (*server)->signal(SIGTERM);
  if (const int status = (*server)->wait(); status != 0) {
    return core::error{core::errc::io_failed,
                       "the server's exit status after SIGTERM is " + std::to_string(status)};
  }
  return {};
}

core::result<proof> run_demo(const demo_options& how, const stage& on) {
  print("writing with " + std::to_string(how.clients) + " clients until " +
        std::to_string(how.entries) + " entries are acknowledged, then SIGKILL\n");
  const auto book = write_and_kill(how, on);
  if (!book) return book.reason();
  print("killed; starting again on the same home\n");
  if (auto recovered = recover(on); !recovered) return recovered.reason();
  const auto rows = read_rows(on.database());
  if (!rows) return rows.reason();
  return compare(*book, *rows);
}

std::string row(std::string_view label, std::uint64_t number) {
  std::string line = "  " + std::string(label);
  line.resize(46, ' ');
  const std::string digits = std::to_string(number);
  return line + std::string(digits.size() < 9 ? 9 - digits.size() : 0, ' ') + digits + "\n";
}

std::string table(const proof& found, std::chrono::duration<double> took) {
  return "\n" + row("acknowledged with 200", found.acknowledged) +
         row("  in SQLite exactly once, as sent", found.once) + row("  missing", found.missing) +
         row("  stored with another content", found.changed) +
         row("stored more than once", found.repeated) +
         row("stored but never sent", found.unknown) +
         row("sent, unanswered when the server was killed", found.unanswered) +
         row("  of those in SQLite (allowed, not promised)", found.survived) +
         row("milliseconds", static_cast<std::uint64_t>(took.count() * 1000)) +
         (found.holds() ? "\nEvery acknowledged entry was delivered exactly once.\n"
                        : "\nFAILED: not every promise was kept.\n");
}

}  // namespace

int command_demo(const demo_options& how) {
  const auto begin = clock::now();
  const auto on = set_stage();
  if (!on) return fail(on.reason());
  const auto found = run_demo(how, *on);
  if (found) print(table(*found, clock::now() - begin));
  const bool success = found && found->holds();
  if (success && !how.keep) {
    std::filesystem::remove_all(on->home);
    return 0;
  }
  if (!found) fail(found.reason());
  print("kept: " + on->home + "\n");
  return success ? 0 : 1;
}

}  // namespace nexus::cli
