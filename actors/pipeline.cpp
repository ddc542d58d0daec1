#include "actors/pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <thread>
#include <utility>

#include "actors/admission.hpp"
#include "actors/probe.hpp"
#include "actors/protocol.hpp"
#include "actors/queue_actor.hpp"
#include "actors/scheduling.hpp"
#include "actors/spawner.hpp"
#include "actors/status_source.hpp"
#include "actors/wal_actor.hpp"
#include "actors/weight.hpp"

namespace nexus::actors {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Beyond the budget, how long stop() waits for threads to end that are not blocked.
constexpr milliseconds teardown_grace{500};

/// The actors and their threads. Its destructor waits until every actor has ended.
struct runtime {
  explicit runtime(bool networked) : system{scheduling(config, networked)} {}

  caf::actor_system_config config;
  caf::actor_system system;
  // Behind the system: handles must be gone before it ends.
  wal_actor wal;
  std::vector<queue_actor> queues;
};

core::result<void> check(const std::vector<destination_options>& destinations) {
  std::set<std::string> names;
  for (const auto& how : destinations) {
    if (how.workers == 0 || how.batch_entries_max == 0 || how.window_entries_max == 0 ||
        how.window_bytes_max == 0) {
      return core::error{core::errc::bad_config,
                         fmt::format("destination {}: workers, batch and window must be at least 1",
                                     how.settings.name)};
    }
    if (!names.insert(how.settings.name).second) {
      return core::error{core::errc::bad_config,
                         fmt::format("there are two destinations {}", how.settings.name)};
    }
  }
  return {};
}

/// Those without which the program does not start must take entries now.
core::result<void> check_required(const std::vector<destination_options>& destinations,
                                  const destinations::registry& types,
                                  const core::logger_ptr& log) {
  for (const auto& how : destinations) {
    if (!how.required) continue;
    auto tested = how.fault.empty() ? test_destination(how.settings, types, log)
                                    : core::error{core::errc::bad_config, how.fault};
    if (tested.ok() || tested.reason().code == core::errc::unsupported) continue;
    return core::error{core::errc::bad_config,
                       fmt::format("destination {}, which is required: {}", how.settings.name,
                                   tested.reason().text)};
  }
  return {};
}

/// The entry as the log stores it, so that a destination sees the same whether it comes from memory
/// or from the log.
core::entry_ptr as_stored(core::entry_ptr value, const core::wall_clock& clock) {
  if (value->version == 2 && value->status == "PENDING" && !value->timestamp.empty()) return value;
  auto stored = std::make_shared<core::entry>(*value);
  stored->version = 2;
  stored->status = "PENDING";
  if (stored->timestamp.empty()) stored->timestamp = core::format_timestamp(clock());
  return stored;
}

class running_pipeline final : public pipeline {
 public:
  running_pipeline(pipeline_options how, std::shared_ptr<wal::log> log, core::logger_ptr logger)
      : how_(std::move(how)),
        log_(std::move(log)),
        logger_(std::move(logger)),
        admission_(
            std::make_shared<admission>(how_.pending_entries_max, how_.in_flight_bytes_max)) {}

  ~running_pipeline() override {
    if (home_.joinable()) stop(milliseconds{0});
  }

  void run(const destinations::registry& types, core::metrics& metrics) {
    std::vector<std::shared_ptr<board>> boards;
    for (const auto& one : how_.destinations) {
      boards.push_back(std::make_shared<board>(one.settings.name, one.settings.type));
    }
    shown_ = std::make_shared<status_source>(log_, boards);
    publish(metrics, shown_);
    observe_commits(metrics, *log_);

    for (const auto& one : how_.destinations) {
      probes_.try_emplace(one.settings.name, one.settings, types, logger_);
    }
    std::promise<handles> opened;
    auto inside = opened.get_future();
    std::promise<void> ended;
    actors_ended_ = ended.get_future();
    std::packaged_task<void()> task([this, &types, &metrics, boards, opened = std::move(opened),
                                     ended = std::move(ended)]() mutable {
      runtime now(is_networked(types));
      spawn(now, types, boards, metrics);
      opened.set_value({now.wal, now.queues});
      end(now, stop_at_.get_future().get());
      ended.set_value();  // from here on the pipeline may be gone
    });
    torn_down_ = task.get_future();
    home_ = std::thread(std::move(task));
    inside_ = inside.get();
  }

  void append(std::vector<core::entry_ptr> values,
              std::function<void(const core::result<void>&)> done,
              std::optional<core::confirmation> wanted) override {
    std::vector<core::confirmation> waiting;
    if (wanted) waiting.push_back(std::move(*wanted));
    const std::size_t count = values.size();
    submit(
        std::move(values), {count},
        [done = std::move(done)](const submission::outcomes& each) { done(each.front()); },
        std::move(waiting));
  }

  void append_batch(std::vector<std::vector<core::entry_ptr>> writes,
                    std::function<void(std::vector<core::result<void>>)> done,
                    std::vector<core::confirmation> wanted) override {
    std::vector<core::entry_ptr> values;
    std::vector<std::size_t> sizes;
    values.reserve(writes.size());
    sizes.reserve(writes.size());
    for (auto& one : writes) {
      sizes.push_back(one.size());
      std::move(one.begin(), one.end(), std::back_inserter(values));
    }
    submit(std::move(values), std::move(sizes), std::move(done), std::move(wanted));
  }

  bool key_waits(const std::string& source, const std::vector<std::string>& destinations,
                 const std::string& key) const override {
    return std::any_of(destinations.begin(), destinations.end(),
                       [&](const std::string& one) { return log_->key_waits(source, one, key); });
  }

  core::result<void> dead_letters(const wal::dead_letter_filter& which,
                                  const std::function<void(const wal::dead_letter&)>& fn) override {
    return log_->dead_letters(which, fn);
  }

  core::result<std::uint64_t> redrive(const wal::dead_letter_filter& which) override {
    auto sent = log_->redrive(which);
    std::shared_lock guard(entrance_mutex_);
    if (inside_.wal) caf::anon_send(inside_.wal, poll_atom::value);
    return sent;
  }

  core::result<std::uint64_t> purge(const wal::dead_letter_filter& which) override {
    return log_->purge(which);
  }

  core::result<void> pause(const std::string& destination) override {
    return tell(destination, pause_atom::value);
  }

  core::result<void> resume(const std::string& destination) override {
    return tell(destination, resume_atom::value);
  }

  core::result<std::vector<bool>> exists(const std::string& destination,
                                         std::vector<std::string> payload_ids) override {
    const auto found = probes_.find(destination);
    if (found == probes_.end()) return no_destination(destination);
    return found->second.exists(std::move(payload_ids));
  }

  core::result<std::vector<core::entry>> sample_delivered(std::size_t count) override {
    return log_->sample_delivered(count);
  }

  core::result<void> delivered_entries(const wal::delivered_visitor& fn) override {
    return log_->delivered_entries(fn);
  }

  core::result<std::uint64_t> redeliver(std::span<const core::entry> entries) override {
    auto sent = log_->redeliver(entries);
    std::shared_lock guard(entrance_mutex_);
    if (inside_.wal) caf::anon_send(inside_.wal, poll_atom::value);
    return sent;
  }

  core::result<void> reconfigure(std::vector<destination_options>, milliseconds) override {
    return core::error{core::errc::unsupported, "destinations change with the next start"};
  }

  void release_waiting() override {
    std::shared_lock guard(entrance_mutex_);
    if (inside_.wal) caf::anon_send(inside_.wal, release_atom::value);
    for (auto& [name, one] : probes_) one.cancel();
  }

  pipeline_status status() const override { return shown_->read(); }

  std::uint64_t stop(milliseconds budget) override {
    if (!home_.joinable()) return log_->pending_count();
    const auto deadline = steady_clock::now() + budget;
    close_entrance();
    stop_at_.set_value(deadline);
    actors_ended_.wait();
    if (auto closed = log_->close(); !closed.ok()) {
      logger_->error(fmt::format("closing the log: {}", closed.reason().text));
    }
    tear_down(deadline);
    return log_->pending_count();
  }

 private:
  /// What other threads talk to.
  struct handles {
    wal_actor wal;
    std::vector<queue_actor> queues;  ///< as how_.destinations
  };

  /// Hands writes to the log's actor, or answers at once why not.
  template <class Done>
  void submit(std::vector<core::entry_ptr> values, std::vector<std::size_t> sizes, Done done,
              std::vector<core::confirmation> wanted) {
    std::size_t bytes = 0;
    for (const auto& value : values) bytes += weight(*value);
    std::shared_lock guard(entrance_mutex_);
    const bool open = static_cast<bool>(inside_.wal);
    if (!open || !admission_->enter(log_->pending_count(), values.size(), bytes)) {
      guard.unlock();
      const core::error why =
          open
              ? core::error{core::errc::overloaded, "too many entries are waiting; try again later"}
              : core::error{core::errc::closed, "the pipeline is stopping; send the entry again"};
      return done(submission::outcomes(sizes.size(), why));
    }
    auto leave = [room = admission_, entries = values.size(), bytes,
                  done = std::move(done)](submission::outcomes each) {
      room->leave(entries, bytes);
      done(std::move(each));
    };
    for (auto& value : values) value = as_stored(std::move(value), how_.wal.clock);
    caf::anon_send(inside_.wal, append_atom::value,
                   std::make_shared<submission>(std::move(values), std::move(sizes),
                                                std::move(leave), std::move(wanted)));
  }

  static core::error no_destination(const std::string& name) {
    return {core::errc::not_found, "there is no destination " + name};
  }

  template <class Word>
  core::result<void> tell(const std::string& destination, Word word) {
    std::shared_lock guard(entrance_mutex_);
    for (std::size_t i = 0; i < inside_.queues.size(); ++i) {
      if (how_.destinations[i].settings.name != destination) continue;
      caf::anon_send(inside_.queues[i], word);
      return {};
    }
    return no_destination(destination);
  }

  bool is_networked(const destinations::registry& types) const {
    return std::any_of(how_.destinations.begin(), how_.destinations.end(), [&](const auto& one) {
      const auto* type = types.find(one.settings.type);
      return type != nullptr && type->make_actor != nullptr;
    });
  }

  void close_entrance() {
    shown_->set_draining();
    std::unique_lock guard(entrance_mutex_);
    inside_ = {};
  }

  void spawn(runtime& now, const destinations::registry& types,
             const std::vector<std::shared_ptr<board>>& boards, core::metrics& metrics) {
    now.wal = spawn_wal_actor(now.system, {log_, logger_, &append_seconds(metrics)});
    now.wal->attach_functor([shown = shown_](const caf::error&) { shown->set_log_unattended(); });
    for (std::size_t i = 0; i < boards.size(); ++i) {
      const auto& how = how_.destinations[i];
      const auto* type = types.find(how.settings.type);
      now.queues.push_back(spawn_queue_actor(
          now.system, {how, now.wal, make_spawner(how, types, logger_),
                       type != nullptr && type->in_order, boards[i], logger_, &metrics}));
      now.queues.back()->attach_functor(
          [board = boards[i], name = how.settings.name, log = logger_](const caf::error& why) {
            if (why == caf::exit_reason::user_shutdown) return;
            log->error("destination " + name + ": its queue has ended; restart the program");
            board->update([](destination_status& status) {
              status.state = destination_status::phase::misconfigured;
              status.last_error = "its queue has ended; restart the program";
            });
          });
    }
  }

  /// Ends the actors in the order in which entries travel: whatever one still sends, the next
  /// takes.
  void end(runtime& now, steady_clock::time_point deadline) {
    caf::scoped_actor self{now.system};
    // Answered when everything that was handed in has been answered.
    self->request(now.wal, caf::infinite, seal_atom::value)
        .receive([] {}, [&](const caf::error& why) { warn(now, "sealing the log", why); });
    drain(now, self, deadline);
    // Queues and the log's actor never block for long; destination actors may, and are not waited
    // for here.
    for (const auto& queue : now.queues) self->send_exit(queue, caf::exit_reason::user_shutdown);
    for (const auto& queue : now.queues) self->wait_for(queue);
    self->send_exit(now.wal, caf::exit_reason::user_shutdown);
    self->wait_for(now.wal);
  }

  void drain(runtime& now, caf::scoped_actor& self, steady_clock::time_point deadline) {
    if (now.queues.empty()) return;
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    const auto timeout = std::max(left, milliseconds{1});
    using response = decltype(self->request(now.queues.front(), timeout, drain_atom::value));
    std::vector<response> responses;
    for (const auto& queue : now.queues) {
      responses.push_back(self->request(queue, timeout, drain_atom::value));
    }
    for (std::size_t i = 0; i < responses.size(); ++i) {
      responses[i].receive([] {},
                           [&](const caf::error& why) {
                             warn(now, "draining destination " + how_.destinations[i].settings.name,
                                  why);
                           });
    }
  }

  /// A destination that blocks cannot be interrupted. Its thread, which holds nothing of ours but
  /// the destination, is left to itself then, and so is the thread that waits for it.
  void tear_down(steady_clock::time_point deadline) {
    const auto until = std::max(deadline, steady_clock::now() + teardown_grace);
    if (torn_down_.wait_until(until) == std::future_status::ready) return home_.join();
    logger_->warn("a destination still blocks; stopped without it, what it holds stays pending");
    home_.detach();
  }

  void warn(runtime& now, const std::string& action, const caf::error& why) {
    logger_->warn(fmt::format("stopping: {}: {}", action, now.system.render(why)));
  }

  const pipeline_options how_;
  const std::shared_ptr<wal::log> log_;
  const core::logger_ptr logger_;
  const std::shared_ptr<admission> admission_;
  std::shared_ptr<status_source> shown_;
  /// The thread that the runtime lives on. ~actor_system waits for ever if another thread than the
  /// one that made it destroys it (CAF's logger is kept alive by a variable of that thread).
  std::thread home_;  ///< not joinable when stopped
  std::promise<steady_clock::time_point> stop_at_;
  std::future<void> actors_ended_;
  std::future<void> torn_down_;
  std::shared_mutex entrance_mutex_;
  handles inside_;  ///< Empty when closed: nothing must reach a runtime that is being taken down.
  std::map<std::string, probe> probes_;  ///< by destination
};

/// Counts what opening the log found, and names pending entries that nobody will deliver.
void note_replay(const wal::log& log, double seconds,
                 const std::vector<destination_options>& destinations, core::logger& logger,
                 core::metrics& metrics) {
  const auto found = log.stats();
  metrics.get_counter("bubblefish_replay_entries_total", "Entries found pending at start.")
      .add(static_cast<double>(found.replayed));
  metrics.get_gauge("bubblefish_replay_duration_seconds", "How long opening the log took.")
      .set(seconds);
  logger.info(fmt::format("log opened in {:.3f} s: {} entries pending", seconds, found.pending));
  for (const auto& waiting : log.backlogs()) {
    const bool known = std::any_of(destinations.begin(), destinations.end(), [&](const auto& one) {
      return one.settings.name == waiting.destination;
    });
    if (!known)
      logger.warn(fmt::format("{} entries are pending for destination {}, which is not configured",
                              waiting.entries, waiting.destination));
  }
}

/// A log of v0.1.2 may hold entries without a destination: of a source that named none, and all of
/// that program's entries went to one database anyway. They go where the entries of such a source
/// go now, through a queue of their own.
void adopt_nameless(const wal::log& log, std::vector<destination_options>& destinations) {
  const auto waiting = log.backlogs();
  const auto is_nameless = [](const auto& one) { return one.destination.empty(); };
  if (destinations.empty() || std::none_of(waiting.begin(), waiting.end(), is_nameless)) return;
  auto heir = destinations.front();
  heir.settings.name.clear();
  destinations.push_back(std::move(heir));
}

}  // namespace

core::result<std::unique_ptr<pipeline>> pipeline::start(pipeline_options how,
                                                        const destinations::registry& types,
                                                        core::logger_ptr log,
                                                        core::metrics& metrics) {
  if (auto checked = check(how.destinations); !checked.ok()) return std::move(checked).reason();
  if (auto there = check_required(how.destinations, types, log); !there.ok())
    return std::move(there).reason();
  const auto begun = steady_clock::now();
  auto opened = wal::log::open(how.wal);
  if (!opened.ok()) return std::move(opened).reason();
  const double seconds = std::chrono::duration<double>(steady_clock::now() - begun).count();
  adopt_nameless(**opened, how.destinations);
  note_replay(**opened, seconds, how.destinations, *log, metrics);
  if (how.on_recent)
    if (auto told = (*opened)->recent_entries(how.recent_since, how.on_recent); !told.ok())
      return std::move(told).reason();

  auto made = std::make_unique<running_pipeline>(std::move(how), *std::move(opened), log);
  made->run(types, metrics);
  return std::unique_ptr<pipeline>(std::move(made));
}

core::result<void> test_destination(const destinations::settings& settings,
                                    const destinations::registry& types, core::logger_ptr log) {
  return probe(settings, types, std::move(log)).ping();
}

}  // namespace nexus::actors
