#include "actors/wal_actor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <span>
#include <unordered_map>
#include <utility>

#include "actors/confirmations.hpp"
#include "actors/guard.hpp"
#include "actors/recent_entries.hpp"
#include "actors/weight.hpp"

namespace nexus::actors {
namespace {

/// A group is written at the latest when it has grown to this size, so that one write stays short.
constexpr std::size_t group_bytes_max = 8 * 1024 * 1024;

/// A group costs the processors some 0.1 ms whatever is in it (the sync, threads that are woken).
/// So one that is smaller than the last waits for others, at most as long as this after that one.
constexpr std::chrono::microseconds group_spacing{200};

/// How often those are looked for who have waited long enough for a delivery.
constexpr std::chrono::milliseconds expiry_step{250};

/// What is kept at most of the last commits for those who fetch it a moment later.
constexpr std::size_t recent_bytes_max = 16 * 1024 * 1024;

/// A fetch that waits for the next commit.
struct waiting_fetch {
  fetch_request what;
  caf::typed_response_promise<fetched> promise;
};

class wal_state {
 public:
  static inline const char* name = "wal";

  explicit wal_state(wal_actor::pointer self) : self_(self) {}
  ~wal_state() {
    if (options_.submissions) options_.submissions->close();
  }

  wal_actor::behavior_type make_behavior(wal_actor_options options) {
    options_ = std::move(options);
    seen_ = options_.log->end();
    guard(self_, name, options_.logger);
    self_->set_exit_handler([this](caf::exit_msg& message) {
      flush_all();
      confirmations_.settle_all();
      self_->quit(std::move(message.reason));
    });
    return {
        [this](delivered_atom, const std::string& destination, std::vector<std::string>& ids) {
          delivered(destination, std::move(ids));
        },
        [this](failed_atom, const std::string& destination,
               const std::vector<wal::failure>& failures) {
          confirmations_.failed(destination, failures);
          warn_if_failed("marking permanent failures",
                         options_.log->mark_permanent_failure_batch(failures, destination));
        },
        [this](fetch_atom, const fetch_request& what) { return fetch(what); },
        [this](flush_atom) {
          await_company();
          flush();
        },
        [this](expire_atom) { expire(); },
        [this](poll_atom) { poll(); },
        [this](leave_atom, const std::string& destination) { leave(destination); },
        [this](release_atom) { confirmations_.settle_all(); },
        [this](seal_atom) { seal(); },
    };
  }

 private:
  void delivered(const std::string& destination, std::vector<std::string> ids) {
    confirmations_.delivered(destination, ids);
    auto& marks = marks_[destination];
    std::move(ids.begin(), ids.end(), std::back_inserter(marks));
    queue_flush();
  }

  /// Those who have just been answered are likely to be here again soon, beside those who came
  /// meanwhile.
  void await_company() {
    const auto until = last_commit_ + group_spacing;
    if (submission::clock::now() < until)
      options_.submissions->await(expected_, group_bytes_max, until);
  }

  /// The group closes when this message comes up, behind everything that is in the mailbox now.
  void queue_flush() {
    if (options_.submissions->call()) self_->send(self_, flush_atom::value);
  }

  void flush() {
    mark();
    commit();
  }

  /// Everything that has been handed in.
  void flush_all() {
    do flush();
    while (options_.submissions->size() > 0);
  }

  void mark() {
    for (const auto& [destination, ids] : std::exchange(marks_, {})) {
      warn_if_failed("marking delivered entries",
                     options_.log->mark_delivered_batch(ids, destination));
    }
  }

  void commit() {
    const auto group = options_.submissions->take(group_bytes_max);
    if (group.empty()) return;
    if (options_.submissions->size() > 0) queue_flush();
    std::vector<core::entry_ptr> entries;
    for (const auto& one : group)
      entries.insert(entries.end(), one->entries().begin(), one->entries().end());

    const auto results = options_.log->append_batch(entries);
    const wal::position before = std::exchange(seen_, options_.log->end());
    const auto now = last_commit_ = submission::clock::now();
    expected_ = group.size() + options_.submissions->size();
    std::span<const core::result<void>> rest = results;
    for (const auto& one : group) {
      const std::size_t size = one->entries().size();
      one->settle_each(rest.first(size), [this](auto of, core::confirmation wanted) {
        await(of, std::move(wanted));
      });
      rest = rest.subspan(size);
      options_.append_seconds->observe(std::chrono::duration<double>(now - one->begun()).count());
    }
    const auto is_accepted = [](const core::result<void>& one) { return one.ok(); };
    const auto accepted = std::count_if(results.begin(), results.end(), is_accepted);
    if (seen_ - before != static_cast<wal::position>(accepted)) return poll();
    hand_on(before, entries, results);
  }

  /// Somebody wants to hear of the delivery. It cannot have happened yet: nobody has been given the
  /// entries.
  void await(std::span<const core::entry_ptr> entries, core::confirmation wanted) {
    confirmations_.add(entries, std::move(wanted), submission::clock::now());
    arm_expiry();
  }

  void expire() {
    expiry_armed_ = false;
    confirmations_.expire(submission::clock::now());
    arm_expiry();
  }

  void arm_expiry() {
    if (confirmations_.empty() || std::exchange(expiry_armed_, true)) return;
    self_->delayed_send(self_, expiry_step, expire_atom::value);
  }

  /// Answers waiting fetches from memory. They have seen everything before `before`, and since then
  /// nobody else has appended (the log would have grown by more), so the accepted entries stand at
  /// `before`, `before` + 1, ... in order. What a fetch has no room for it gets with the next one.
  void hand_on(wal::position before, std::vector<core::entry_ptr>& entries,
               const std::vector<core::result<void>>& results) {
    wal::position at = before;
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (results[i].ok()) recent_.add(at++, std::move(entries[i]));
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      auto& fetch = it->second;
      fetch.what.from = before;
      auto read = look_at_recent(fetch.what);
      if (read.entries.empty()) {
        ++it;
        continue;
      }
      fetch.promise.deliver(answer(fetch.what, std::move(read)));
      it = waiting_.erase(it);
    }
    forget_recent();
  }

  /// What every queue has got, or waits behind, is of no use any more.
  void forget_recent() {
    wal::position wanted = seen_;
    for (const auto& [destination, at] : read_up_to_)
      if (!waiting_.contains(destination)) wanted = std::min(wanted, at);
    recent_.forget_before(wanted);
    recent_.trim();
  }

  /// Nothing unless it goes on where its queue has come to: whoever looks back for what it has let
  /// go (and does not wait) wants only what is still pending. Moves `from` there.
  wal::pending_batch look_at_recent(fetch_request& what) const {
    if (!what.wait || !recent_.reaches(what.from)) return {};
    auto read = recent_.read(what);
    what.from = read.next;
    return read;
  }

  caf::result<fetched> fetch(fetch_request what) {
    // A queue that begins must not see what the one before it has delivered.
    if (what.from == 0) {
      mark();
      recent_.clear();
    }
    auto read = look(what);
    if (!read.ok()) return to_caf(read.reason());
    if (!read->entries.empty() || sealed_ || !what.wait) return answer(what, *std::move(read));
    auto promise = self_->make_response_promise<fetched>();
    waiting_.insert_or_assign(what.destination, waiting_fetch{what, promise});
    return promise;
  }

  void leave(const std::string& destination) {
    read_up_to_.erase(destination);
    auto found = waiting_.extract(destination);
    if (!found.empty())
      found.mapped().promise.deliver(fetched{{}, found.mapped().what.from, false});
  }

  /// Answers waiting fetches from the log.
  void poll() {
    seen_ = options_.log->end();
    recent_.clear();
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      auto& fetch = it->second;
      auto read = look(fetch.what);
      if (read.ok() && read->entries.empty()) {
        ++it;
        continue;
      }
      if (read.ok()) {
        fetch.promise.deliver(answer(fetch.what, *std::move(read)));
      } else {
        fetch.promise.deliver(to_caf(read.reason()));
      }
      it = waiting_.erase(it);
    }
  }

  /// What the log has for a fetch; nothing only at its end. Moves `from` there.
  core::result<wal::pending_batch> look(fetch_request& what) {
    if (auto read = look_at_recent(what); !read.entries.empty()) return read;
    for (;;) {
      auto read =
          options_.log->read_pending(what.destination, what.from, what.entries_max, what.bytes_max);
      if (!read.ok()) return read;
      what.from = read->next;
      if (!read->entries.empty() || read->at_end) return read;
      // Nothing could be read of this part: its lines are damaged. The log has said so and passes
      // them over.
    }
  }

  /// Notes how far a queue has come, but where it only looks back.
  fetched answer(const fetch_request& what, wal::pending_batch read) {
    if (what.wait) read_up_to_[what.destination] = read.next;
    fetched out;
    out.next = read.next;
    out.last = sealed_ && read.at_end;
    out.entries = std::move(read.entries);
    return out;
  }

  void seal() {
    flush_all();
    sealed_ = true;
    options_.submissions->close();
    for (auto& [destination, fetch] : std::exchange(waiting_, {})) {
      fetch.promise.deliver(fetched{{}, fetch.what.from, true});
    }
  }

  void warn_if_failed(const char* action, const core::result<void>& result) {
    if (!result.ok())
      options_.logger->warn(fmt::format("wal: {}: {}", action, result.reason().text));
  }

  wal_actor::pointer self_;
  wal_actor_options options_;
  std::map<std::string, std::vector<std::string>> marks_;
  confirmations confirmations_;
  std::unordered_map<std::string, waiting_fetch> waiting_;  ///< by destination
  recent_entries recent_{recent_bytes_max};
  std::unordered_map<std::string, wal::position> read_up_to_;  ///< by destination
  wal::position seen_ = 0;  ///< every waiting fetch has seen what stands before it
  std::size_t expected_ = 0;  ///< submissions, in the next group
  submission::clock::time_point last_commit_{};
  bool expiry_armed_ = false;
  bool sealed_ = false;
};

static_assert(!std::is_aggregate_v<wal_state>);

wal_actor::behavior_type run(wal_actor::stateful_pointer<wal_state> self,
                             wal_actor_options options) {
  return self->state.make_behavior(std::move(options));
}

}  // namespace

void append(const wal_actor& to, inbox& at, const submission_ptr& value) {
  if (at.push(value)) caf::anon_send(to, flush_atom::value);
}

wal_actor spawn_wal_actor(caf::actor_system& system, wal_actor_options options) {
  return system.spawn<caf::detached>(run, std::move(options));
}

}  // namespace nexus::actors
