// A queue whose worker is the test, whose log is scripted, and whose time stands still.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/queue_actor.hpp"
#include "tests/actors/deterministic.hpp"
#include "tests/actors/log_keeper.hpp"
#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"

namespace nexus::actors {

/// A log in memory; position i holds the i-th entry.
struct log_script {
  std::vector<core::entry_ptr> entries;
  bool sealed = false;
  bool unreadable = false;
  std::vector<fetch_request> fetches;
  std::vector<wal::failure> failures;
  std::vector<std::string> delivered;
};

inline wal_actor::behavior_type scripted_log(wal_actor::pointer self,
                                             std::shared_ptr<log_script> is) {
  return {
      [=](delivered_atom, const std::string&, const std::vector<std::string>& ids) {
        is->delivered.insert(is->delivered.end(), ids.begin(), ids.end());
      },
      [=](failed_atom, const std::string&, const std::vector<wal::failure>& failures) {
        is->failures.insert(is->failures.end(), failures.begin(), failures.end());
      },
      [=](fetch_atom, const fetch_request& what) -> caf::result<fetched> {
        is->fetches.push_back(what);
        if (is->unreadable && what.from < is->entries.size())
          return to_caf({core::errc::io_failed, "scripted"});
        fetched answer;
        auto at = what.from;
        for (; at < is->entries.size() && answer.entries.size() < what.entries_max; ++at) {
          if (is->entries[at]) answer.entries.push_back({at, is->entries[at]});
        }
        answer.next = at;
        answer.last = is->sealed && at == is->entries.size();
        if (answer.entries.empty() && !is->sealed && what.wait)
          return self->make_response_promise<fetched>();
        return answer;
      },
      [](flush_atom) {},
      [](expire_atom) {},
      [](poll_atom) {},
      [](leave_atom, const std::string&) {},
      [](release_atom) {},
      [](seal_atom) {},
  };
}

class queue_house : public test::deterministic {
 public:
  explicit queue_house(std::size_t entries, std::size_t workers = 0) {
    for (std::size_t i = 0; i < entries; ++i) {
      log->entries.push_back(test::make_entry("p" + std::to_string(i)));
    }
    how.settings.name = "d";
    how.workers = workers;
    how.retry = {3, std::chrono::seconds(1), std::chrono::seconds(8)};
    how.breaker = {1, std::chrono::seconds(1), std::chrono::seconds(8), std::chrono::seconds(30)};
  }
  ~queue_house() {
    self->send_exit(queue, caf::exit_reason::user_shutdown);
    self->send_exit(wal, caf::exit_reason::user_shutdown);
    settle();
  }

  void start() {
    wal = system.spawn(scripted_log, log);
    queue = spawn_queue_actor(system, {how, wal, spawner, in_order, shown, kept, &metrics});
    settle();
    if (how.workers == 0) answer_question(destinations::outcome_kind::delivered);
  }

  /// Takes the question that a queue asks first of all, and answers it.
  void answer_question(destinations::outcome_kind kind) {
    auto question = next();
    REQUIRE(question);
    REQUIRE(question->what.entries.empty());
    finish(*question, {{destinations::outcome{kind, "scripted", {}}}, false});
  }

  /// Asks as a worker does; the batch, or nothing while there is none.
  std::optional<work> next() {
    caf::scoped_actor worker{system};
    auto asked = worker->request(queue, caf::infinite, next_atom::value);
    settle();
    if (!worker->has_next_message()) return {};
    std::optional<work> got;
    asked.receive([&](work& given) { got = std::move(given); },
                  [&](const caf::error& reason) { FAIL(system.render(reason)); });
    return got;
  }

  void report(const work& done, destinations::outcome_kind kind) {
    finish(done, {test::all(done.what.entries, kind), false});
  }

  void finish(const work& done, delivery_result result) {
    self->send(queue, report_atom::value, done.batch, std::move(result));
    settle();
  }

  /// As a worker does whose destination has broken down.
  void break_down(const work& done) {
    finish(done, {test::all(done.what.entries, destinations::outcome_kind::unreachable), true});
  }

  destination_status status() const { return shown->read(); }

  std::shared_ptr<log_script> log = std::make_shared<log_script>();
  std::shared_ptr<board> shown = std::make_shared<board>("d", "scripted", false);
  std::shared_ptr<test::log_keeper> kept = std::make_shared<test::log_keeper>();
  core::metrics metrics;
  destination_options how;
  destination_spawner spawner;
  bool in_order = false;
  wal_actor wal;
  queue_actor queue;
};

}  // namespace nexus::actors
