#include "actors/wal_actor.hpp"

#include <future>
#include <optional>

#include "actors/status_source.hpp"
#include "tests/actors/deterministic.hpp"
#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::actors;

TEST_CASE("those who wait for a delivery one after the other share one timer") {
  temp_dir directory;
  wal::options how;
  how.directory = directory / "wal";
  auto log = wal::log::open(how);
  REQUIRE(log.ok());
  core::metrics metrics;
  deterministic in;
  const auto submissions = std::make_shared<inbox>();
  auto wal = spawn_wal_actor(in.system, {std::move(*log), core::make_null_logger(),
                                         &append_seconds(metrics), submissions});
  for (int round = 0; round < 10; ++round) {
    const auto id = "p" + std::to_string(round);
    std::promise<void> durable, told;
    append(wal, *submissions,
           std::make_shared<submission>(
               std::vector{make_entry(id)}, [&](const core::result<void>&) { durable.set_value(); },
               core::confirmation{std::chrono::hours(1),
                                  [&](const core::delivery_report&) { told.set_value(); }}));
    durable.get_future().wait();
    caf::anon_send(wal, delivered_atom::value, std::string("d"), std::vector<std::string>{id});
    told.get_future().wait();
  }
  in.self->send_exit(wal, caf::exit_reason::user_shutdown);
  in.self->wait_for(wal);
  CHECK(in.timers() <= 1);
}

namespace {

/// A wal actor with a log of its own, and what a queue asks of it.
class asked_log {
 public:
  explicit asked_log(deterministic& in) : in_(in) {
    wal::options how;
    how.directory = directory_ / "wal";
    auto log = wal::log::open(how);
    REQUIRE(log.ok());
    wal_ = spawn_wal_actor(in.system, {std::move(*log), core::make_null_logger(),
                                       &append_seconds(metrics_), submissions_});
  }
  ~asked_log() {
    in_.self->send_exit(wal_, caf::exit_reason::user_shutdown);
    in_.self->wait_for(wal_);
  }

  void append(const std::string& id, std::optional<core::confirmation> wanted = {}) {
    std::promise<void> durable;
    actors::append(wal_, *submissions_,
                   std::make_shared<submission>(
                       std::vector{make_entry(id)},
                       [&](const core::result<void>&) { durable.set_value(); }, std::move(wanted)));
    durable.get_future().wait();
  }

  void mark(const std::string& id) {
    caf::anon_send(wal_, delivered_atom::value, std::string("d"), std::vector<std::string>{id});
  }

  std::vector<std::string> fetch(wal::position from, std::size_t entries_max = 100,
                                 bool wait = true) {
    std::vector<std::string> ids;
    in_.self
        ->request(wal_, caf::infinite, fetch_atom::value,
                  fetch_request{"d", from, entries_max, 1 << 20, wait})
        .receive(
            [&](const fetched& answer) {
              for (const auto& one : answer.entries) ids.push_back(one.entry->payload_id);
            },
            [](const caf::error&) { FAIL("the fetch failed"); });
    return ids;
  }

 private:
  deterministic& in_;
  temp_dir directory_;
  core::metrics metrics_;
  const std::shared_ptr<inbox> submissions_ = std::make_shared<inbox>();
  wal_actor wal_;
};

using ids = std::vector<std::string>;

}  // namespace

TEST_CASE("when one has waited for a delivery long enough, the others are looked after on") {
  deterministic in;
  asked_log log(in);
  std::promise<void> told;
  log.append("p0", core::confirmation{std::chrono::milliseconds(0),
                                      [&](const core::delivery_report&) { told.set_value(); }});
  log.append("p1", core::confirmation{std::chrono::hours(1), [](const core::delivery_report&) {}});
  log.fetch(0);  // behind it the timer is set
  in.pass(std::chrono::milliseconds(250));
  told.get_future().wait();
  log.fetch(0);
  CHECK(in.timers() == 1);
}

TEST_CASE("a queue that begins sees nothing that the one before it has delivered") {
  deterministic in;
  asked_log log(in);
  for (const auto* id : {"p0", "p1", "p2", "p3"}) log.append(id);
  log.mark("p2");
  CHECK(log.fetch(0, 1) == ids{"p0"});
  CHECK(log.fetch(1) == ids{"p1", "p3"});
}

TEST_CASE("who looks back for what it has let go sees only what is still pending") {
  deterministic in;
  asked_log log(in);
  CHECK(log.fetch(0, 1, false).empty());
  for (const auto* id : {"p0", "p1"}) log.append(id);
  log.mark("p1");
  log.append("p2");  // committed together with the mark
  CHECK(log.fetch(1, 100, false) == ids{"p2"});
}
