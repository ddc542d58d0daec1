// What the PostgreSQL destination does when the server, the network or the log-in fails.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "tests/destinations/postgres_support.hpp"

using namespace nexus::destinations;
using namespace nexus::test;
using namespace std::chrono_literals;
using nexus::core::errc;

namespace {

const auto delivered = outcome_kind::delivered;
const auto unreachable = outcome_kind::unreachable;

/// Four threads that deliver until everything is in, as the pipeline would, while `disturb` runs
/// again and again; it is given time to see some batches pass in between.
class delivery {
 public:
  static constexpr int threads = 4;
  static constexpr int batches = 25;
  static constexpr int batch_size = 40;

  template <class Disturb>
  delivery(fresh_database& database, const Disturb& disturb) {
    std::vector<std::thread> workers;
    for (std::size_t i = 0; i < threads; ++i) {
      workers.emplace_back([&, i] {
        const auto store = database.store();
        for (int batch = 0; batch < batches && errors_[i].empty(); ++batch) {
          const std::string prefix = "w" + std::to_string(i) + "-" + std::to_string(batch) + "-";
          deliver_batch(*store, entries(prefix, batch_size), errors_[i]);
        }
        ++finished_;
      });
    }
    for (int seen = 0; finished_ == 0;) {
      if (passed_ < seen + threads) {
        std::this_thread::yield();
        continue;
      }
      disturb();
      seen = passed_;
    }
    for (auto& worker : workers) worker.join();
    for (const auto& error : errors_) CHECK(error == "");
  }

  /// Batches that had to be repeated.
  int failures() const { return failures_; }

 private:
  void deliver_batch(destination& to, const std::vector<nexus::core::entry_ptr>& batch,
                     std::string& error) {
    for (;;) {
      const auto outcomes = to.deliver(batch);
      const auto bad = std::find_if(outcomes.begin(), outcomes.end(),
                                    [](const outcome& each) { return each.kind != delivered; });
      if (bad == outcomes.end()) break;
      ++failures_;
      if (bad->kind != unreachable) {
        error = bad->reason;
        return;
      }
      std::this_thread::yield();
    }
    ++passed_;
  }

  std::atomic<int> passed_{0};
  std::atomic<int> failures_{0};
  std::atomic<int> finished_{0};
  std::array<std::string, threads> errors_;
};

/// A port that takes connections and never says a word.
class mute_server {
 public:
  mute_server() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, any, size) != 0 || ::listen(socket_, 16) != 0 ||
        ::getsockname(socket_, any, &size) != 0) {
      throw std::runtime_error("no mute server");
    }
    port_ = ntohs(address.sin_port);
  }
  ~mute_server() { ::close(socket_); }
  mute_server(const mute_server&) = delete;
  mute_server& operator=(const mute_server&) = delete;
  int port() const { return port_; }

 private:
  int socket_;
  int port_ = 0;
};

/// Ours are the sessions that call themselves so.
constexpr const char* our_sessions =
    " FROM pg_stat_activity WHERE application_name = 'nexus' AND datname = current_database()";

void wait_for_value(fresh_database& database, const std::string& sql, const std::string& value) {
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (database->value(sql) != value) {
    if (std::chrono::steady_clock::now() > until) FAIL("never " << value << ": " << sql);
    std::this_thread::yield();
  }
}

}  // namespace

TEST_CASE("a wrong password, user or database is a fault of the configuration") {
  fresh_database database;
  auto wrong = GENERATE_REF(values<std::pair<std::string, std::string>>(
      {{"password=hush-wrong-0815", "28P01"},
       {"user=nobody-0 password=hush-wrong-0815", "28P01"},
       {"dbname=missing", "3D000"}}));
  auto options = database.options();
  options.dsn += " " + wrong.first;
  auto store = fresh_database::made(options);
  CHECK(contains(ping_reason(*store, errc::bad_config), wrong.second));
  const auto outcomes = store->deliver(entries("p", 2));
  CHECK(kinds(outcomes) == all_of(outcome_kind::config_fault, 2));
  CHECK(contains(outcomes[0].reason, wrong.second));
  CHECK(contains(outcomes[0].reason, "127.0.0.1:" + std::to_string(server().port())));
  const std::vector<std::string> ids{"p0"};
  CHECK_FALSE(store->exists(ids).ok());
}

TEST_CASE("no password where one is asked for is a fault of the configuration") {
  fresh_database database;
  auto options = database.options();
  options.dsn = options.dsn.substr(0, options.dsn.find("password="));
  CHECK(deliver(*fresh_database::made(options), {entry_named("p1")}) ==
        all_of(outcome_kind::config_fault, 1));
}

TEST_CASE("what is refused before a row was sent is no row's fault") {
  fresh_database database;
  auto options = database.options();
  options.dsn += " options='-c lock_timeout=soon'";
  auto store = fresh_database::made(options);
  CHECK(contains(ping_reason(*store, errc::bad_config), "22023"));
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(outcome_kind::config_fault, 1));

  database->rows(
      "CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE"
      " EXCEPTION 'ask first'; END $$");
  database->rows("CREATE EVENT TRIGGER no ON ddl_command_start EXECUTE FUNCTION no()");
  const auto outcomes = database.store()->deliver(entries("p", 1));
  CHECK(kinds(outcomes) == all_of(outcome_kind::config_fault, 1));
  CHECK(contains(outcomes[0].reason, "ask first"));
}

TEST_CASE("too many connections are waited for") {
  fresh_database database;
  const std::string password = database.add_user("bob");
  database->rows("ALTER ROLE bob CONNECTION LIMIT 0");
  auto store = fresh_database::made(database.options("bob", password));
  CHECK(contains(ping_reason(*store, errc::unreachable), "53300"));
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(unreachable, 1));
  database->rows("DROP ROLE bob");
}

TEST_CASE("a server that is down is waited for, and used as soon as it is up") {
  fresh_database database;
  auto store = database.store();
  server().stop(postgres_server::stop_mode::immediate);
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(unreachable, 1));
  CHECK(contains(ping_reason(*store, errc::unreachable), "onnection refused"));
  server().start();
  CHECK(store->ping().ok());
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
  server().restart(postgres_server::stop_mode::fast);
  CHECK(deliver(*store, {entry_named("p2")}) == all_of(delivered, 1));
  server().restart(postgres_server::stop_mode::immediate);
  CHECK(deliver(*store, {entry_named("p3")}) == all_of(delivered, 1));
  database.connect();
  CHECK(database->value("SELECT count(*) FROM memories") == "3");
}

TEST_CASE("a connection that was ended while idle is replaced unnoticed") {
  fresh_database database;
  auto store = database.store();
  for (int i = 0; i < 20; ++i) {
    REQUIRE(deliver(*store, {entry_named("p" + std::to_string(i))}) == all_of(delivered, 1));
    database->rows(std::string("SELECT pg_terminate_backend(pid, 10000)") + our_sessions);
  }
  CHECK(store->ping().ok());
  CHECK(database->value("SELECT count(*) FROM memories") == "20");
}

TEST_CASE("nothing is lost and nothing is there twice when the server restarts in mid-batch") {
  const auto mode =
      GENERATE(postgres_server::stop_mode::fast, postgres_server::stop_mode::immediate);
  fresh_database database;
  const delivery all(database, [&] { server().restart(mode); });
  CHECK(all.failures() > 0);
  database.connect();
  CHECK(database->value("SELECT count(*), count(DISTINCT payload_id) FROM memories") ==
        "4000|4000");
}

TEST_CASE("nothing is lost and nothing is there twice when the server is killed in mid-batch") {
  fresh_database database;
  const delivery all(database, [&] {
    server().kill();
    server().start();
  });
  CHECK(all.failures() > 0);
  database.connect();
  CHECK(database->value("SELECT count(*), count(DISTINCT payload_id) FROM memories") ==
        "4000|4000");
}

TEST_CASE("nothing is lost and nothing is there twice when sessions are ended in mid-batch") {
  fresh_database database;
  const delivery all(database, [&] {
    database->rows(std::string("SELECT pg_terminate_backend(pid)") + our_sessions);
  });
  CHECK(all.failures() > 0);
  CHECK(database->value("SELECT count(*), count(DISTINCT payload_id) FROM memories") ==
        "4000|4000");
}

TEST_CASE("a server that takes the connection and never answers is given up in time") {
  const mute_server mute;
  postgres_options options;
  options.dsn = "host=127.0.0.1 password=hush-0815 dbname=d port=" + std::to_string(mute.port());
  options.timeout = 200ms;
  auto store = fresh_database::made(options);
  const auto outcomes = store->deliver({entries("p", 1)});
  CHECK(kinds(outcomes) == all_of(unreachable, 1));
  CHECK(contains(outcomes[0].reason, "no answer in time"));
  CHECK(contains(ping_reason(*store, errc::unreachable), "no answer in time"));
  const std::vector<std::string> ids{"p0"};
  CHECK_FALSE(store->exists(ids).ok());
}

TEST_CASE("a server that freezes is given up in time, whatever its buffers hold") {
  fresh_database database;
  auto options = database.options();
  options.timeout = 1s;
  auto store = fresh_database::made(options);
  REQUIRE(deliver(*store, {entry_named("p0")}) == all_of(delivered, 1));
  auto large = record_named("large");
  large.content = std::string(30'000'000, 'x');  // more than a socket takes
  server().suspend();
  CHECK(deliver(*store, {entry_of(large)}) == all_of(unreachable, 1));
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(unreachable, 1));
  server().resume();
  auto patient = database.store();
  CHECK(deliver(*patient, {entry_of(large), entry_named("p1")}) == all_of(delivered, 2));
  CHECK(database->value("SELECT count(*) FROM memories") == "3");
}

TEST_CASE("a statement that waits for a lock is given up, and does not stay on the server") {
  fresh_database database;
  auto options = database.options();
  options.timeout = 300ms;
  auto store = fresh_database::made(options);
  auto patient = database.store();
  REQUIRE(deliver(*patient, {entry_named("p0")}) == all_of(delivered, 1));
  database->rows("BEGIN");
  database->rows("LOCK TABLE memories");
  for (int i = 0; i < 3; ++i) {
    CHECK(deliver(*store, {entry_named("p1")}) == all_of(unreachable, 1));
  }
  wait_for_value(database,
                 std::string("SELECT count(*)") + our_sessions + " AND wait_event_type = 'Lock'",
                 "0");
  database->rows("COMMIT");
  CHECK(deliver(*patient, {entry_named("p1")}) == all_of(delivered, 1));
}

TEST_CASE("a statement that the server cancels may be tried again on the same connection") {
  fresh_database database;
  auto options = database.options();
  options.dsn += " options='-c lock_timeout=100ms'";
  auto store = fresh_database::made(options);
  REQUIRE(deliver(*store, {entry_named("p0")}) == all_of(delivered, 1));
  const std::string session = database->value(std::string("SELECT pid") + our_sessions);
  database->rows("BEGIN");
  database->rows("LOCK TABLE memories");
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(outcome_kind::transient, 1));
  database->rows("COMMIT");
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
  CHECK(database->value(std::string("SELECT pid") + our_sessions) == session);
}
