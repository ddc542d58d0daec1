// A PostgreSQL server of one's own: a private cluster in a temporary directory, gone with this
// object. Errors are thrown as std::runtime_error.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace nexus::test {

/// Made with the newest /usr/lib/postgresql/*/bin. As PostgreSQL refuses to run as root, root's
/// servers run as `postgres` or `nobody`. Default durability: fsync is on.
///
/// Start it from a thread that lives as long as it shall: it ends with that thread.
class postgres_server {
 public:
  enum class authentication { trust, password };
  enum class stop_mode {
    fast,       ///< Ends sessions, writes everything back.
    immediate,  ///< Ends at once; the next start recovers.
  };

  /// The superuser `postgres`, and its password where one is asked for.
  static constexpr const char* superuser = "postgres";
  static constexpr const char* password = "open-sesame-4711";

  /// Creates the cluster and starts it. `settings`: lines for postgresql.conf.
  explicit postgres_server(authentication how = authentication::trust,
                           const std::string& settings = "");
  ~postgres_server();
  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  /// Whether there is a PostgreSQL to make servers with.
  static bool installed();

  /// Returns when connections are accepted.
  void start();
  void stop(stop_mode mode);
  void restart(stop_mode mode);
  /// SIGKILL to the postmaster; its children notice and end by themselves.
  void kill();
  /// SIGSTOP and SIGCONT to the postmaster and its children.
  void suspend();
  void resume();

  /// On 127.0.0.1; the same after each start.
  std::uint16_t port() const { return port_; }
  /// Where its unix socket is.
  const std::string& directory() const { return directory_.path(); }
  /// A connection string by TCP, as key=value pairs.
  std::string dsn(const std::string& database = "postgres", const std::string& user = superuser,
                  const std::string& user_password = password) const;

 private:
  pid_t spawn(const std::vector<std::string>& command) const;
  std::vector<pid_t> children() const;
  bool came_up();

  temp_dir directory_;
  std::string binaries_;
  uid_t user_;
  gid_t group_;
  std::uint16_t port_ = 0;
  pid_t postmaster_ = 0;
};

}  // namespace nexus::test
