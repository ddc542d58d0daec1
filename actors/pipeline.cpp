#include "actors/pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <iterator>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <utility>

#include "actors/admission.hpp"
#include "actors/crew.hpp"
#include "actors/destination_plan.hpp"
#include "actors/opening.hpp"
#include "actors/probe.hpp"
#include "actors/protocol.hpp"
#include "actors/scheduling.hpp"
#include "actors/spoken.hpp"
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
  runtime(bool networked, const wal_actor_options& log, const crew_options& with)
      : system{scheduling(config, networked)},
        wal(spawn_wal_actor(system, log)),
        queues(system, wal, with) {}

  caf::actor_system_config config;
  caf::actor_system system;
  // Behind the system: handles must be gone before it ends.
  wal_actor wal;
  crew queues;
};

/// Whether actors of other processes may be spoken to: a type that makes them may get a destination
/// at any time.
bool is_networked(const destinations::registry& types) {
  const auto names = types.types();
  return std::any_of(names.begin(), names.end(),
                     [&](const auto& name) { return types.find(name)->make_actor != nullptr; });
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
  running_pipeline(pipeline_options how, std::shared_ptr<wal::log> log,
                   const destinations::registry& types, core::logger_ptr logger)
      : clock_(how.wal.clock),
        log_(std::move(log)),
        types_(types),
        logger_(std::move(logger)),
        admission_(std::make_shared<admission>(how.pending_entries_max, how.pending_bytes_max,
                                               how.in_flight_bytes_max)),
        shown_(std::make_shared<status_source>(log_)),
        destinations_(std::move(how.destinations)) {}

  ~running_pipeline() override {
    if (home_.joinable()) stop(milliseconds{0});
  }

  void run(core::metrics& metrics) {
    publish(metrics, shown_);
    observe_commits(metrics, *log_);
    std::promise<void> opened;
    auto open = opened.get_future();
    std::promise<void> ended;
    actors_ended_ = ended.get_future();
    std::packaged_task<void()> task(
        [this, &metrics, opened = std::move(opened), ended = std::move(ended)]() mutable {
          runtime now(is_networked(types_), {log_, logger_, &append_seconds(metrics), submissions_},
                      {types_, logger_, metrics});
          begin(now);
          opened.set_value();
          end(now, carry_out_orders(now));
          ended.set_value();  // from here on the pipeline may be gone
        });
    torn_down_ = task.get_future();
    home_ = std::thread(std::move(task));
    open.wait();
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

  std::vector<bool> keys_wait(const std::string& source,
                              const std::vector<std::string>& destinations,
                              std::span<const std::string> keys) const override {
    std::vector<bool> waits(keys.size());
    for (const auto& one : destinations) {
      const auto there = log_->keys_wait(source, one, keys);
      std::transform(waits.begin(), waits.end(), there.begin(), waits.begin(), std::logical_or{});
    }
    return waits;
  }

  core::result<void> dead_letters(const wal::dead_letter_filter& which,
                                  const std::function<void(const wal::dead_letter&)>& fn) override {
    return log_->dead_letters(which, fn);
  }

  core::result<std::uint64_t> redrive(const wal::dead_letter_filter& which) override {
    auto sent = log_->redrive(which);
    deliver_more();
    return sent;
  }

  core::result<std::uint64_t> purge(const wal::dead_letter_filter& which) override {
    return log_->purge(which);
  }

  core::result<void> pause(const std::string& destination) override {
    return tell(destination, pause_atom::value, true);
  }

  core::result<void> resume(const std::string& destination) override {
    return tell(destination, resume_atom::value, false);
  }

  core::result<std::vector<bool>> exists(const std::string& destination,
                                         std::vector<std::string> payload_ids) override {
    std::shared_ptr<probe> asked;
    {
      std::shared_lock guard(entrance_mutex_);
      const auto found = probes_.find(destination);
      if (found == probes_.end()) return no_destination(destination);
      asked = found->second;
    }
    return asked->exists(std::move(payload_ids));
  }

  core::result<std::vector<core::entry>> sample_delivered(std::size_t count) override {
    return log_->sample_delivered(count);
  }

  core::result<void> delivered_entries(const wal::delivered_visitor& fn) override {
    return log_->delivered_entries(fn);
  }

  core::result<std::uint64_t> redeliver(std::span<const core::entry> entries) override {
    auto sent = log_->redeliver(entries);
    deliver_more();
    return sent;
  }

  core::result<void> reconfigure(std::vector<destination_options> destinations,
                                 milliseconds budget) override {
    if (auto checked = check(destinations); !checked.ok()) return checked;
    const std::lock_guard one_at_a_time(changes_mutex_);
    auto plan = plan_change(current(), std::move(destinations), *log_);
    const auto is_stopping = [this] { return is_urgent_.load(); };
    if (auto there = check_required(plan.fresh(), types_, logger_, is_stopping); !there.ok())
      return there.reason().code == core::errc::closed ? stopping() : there;
    return carry_out(plan, steady_clock::now() + budget);
  }

  void set_pending_limits(std::uint64_t entries_max, std::uint64_t bytes_max) override {
    admission_->set_pending_limits(entries_max, bytes_max);
  }

  void release_waiting() override {
    is_urgent_ = true;
    std::shared_lock guard(entrance_mutex_);
    if (inside_.wal) caf::anon_send(inside_.wal, release_atom::value);
    for (auto& [name, one] : probes_) one->cancel();
  }

  pipeline_status status() const override { return shown_->read(); }

  std::uint64_t stop(milliseconds budget) override {
    if (!home_.joinable()) return log_->pending_count();
    const auto deadline = steady_clock::now() + budget;
    is_urgent_ = true;
    close_entrance();
    {
      std::lock_guard guard(orders_mutex_);
      stop_at_ = deadline;
    }
    ordered_.notify_one();
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
    std::map<std::string, queue_actor> queues;  ///< by destination
  };

  /// Hands writes to the log's actor, or answers at once why not.
  template <class Done>
  void submit(std::vector<core::entry_ptr> values, std::vector<std::size_t> sizes, Done done,
              std::vector<core::confirmation> wanted) {
    const std::size_t bytes = weight(values);
    std::shared_lock guard(entrance_mutex_);
    const bool open = static_cast<bool>(inside_.wal);
    if (!open || !admission_->enter(log_->how_much_is_pending(), values.size(), bytes)) {
      guard.unlock();
      const core::error why =
          open ? core::error{core::errc::overloaded,
                             "too much is waiting for delivery; try again later"}
               : core::error{core::errc::closed, "the pipeline is stopping; send the entry again"};
      return done(submission::outcomes(sizes.size(), why));
    }
    auto leave = [room = admission_, entries = values.size(), bytes,
                  done = std::move(done)](submission::outcomes each) {
      room->leave(entries, bytes);
      done(std::move(each));
    };
    for (auto& value : values) value = as_stored(std::move(value), clock_);
    const auto handed_in = std::make_shared<submission>(std::move(values), std::move(sizes),
                                                        std::move(leave), std::move(wanted));
    actors::append(inside_.wal, *submissions_, handed_in);
    guard.unlock();  // before the submission goes: where nobody has taken it, it calls back
  }

  static core::error no_destination(const std::string& name) {
    return {core::errc::not_found, "there is no destination " + name};
  }
  static core::result<void> stopping() {
    return core::error{core::errc::closed, "the pipeline is stopping"};
  }

  template <class Word>
  core::result<void> tell(const std::string& destination, Word word, bool paused) {
    std::unique_lock guard(entrance_mutex_);
    const auto found = inside_.queues.find(destination);
    if (found == inside_.queues.end()) return no_destination(destination);
    caf::anon_send(found->second, word);
    // It may be about to be started again.
    for (auto& one : destinations_)
      if (one.settings.name == destination) one.paused = paused;
    return {};
  }

  /// The log has got entries from elsewhere than through the entrance.
  void deliver_more() {
    if (nameless_wait(*log_)) adopt_nameless();
    std::shared_lock guard(entrance_mutex_);
    if (inside_.wal) caf::anon_send(inside_.wal, poll_atom::value);
  }

  void adopt_nameless() {
    const std::lock_guard one_at_a_time(changes_mutex_);
    auto plan = plan_change(current(), current(), *log_);
    if (plan.added.empty()) return;
    if (auto done = carry_out(plan, steady_clock::now()); !done.ok())
      logger_->debug("entries without a destination wait for the next start: " +
                     done.reason().text);
  }

  core::result<void> carry_out(destination_plan& plan, steady_clock::time_point deadline) {
    std::promise<core::result<void>> done;
    auto answer = done.get_future();
    {
      std::lock_guard guard(orders_mutex_);
      if (stop_at_) return stopping();
      order_ = [&](runtime* now) {
        if (now != nullptr) exchange(*now, plan, deadline);
        done.set_value(now != nullptr ? core::result<void>{} : stopping());
      };
    }
    ordered_.notify_one();
    return answer.get();
  }

  std::vector<destination_options> current() const {
    std::shared_lock guard(entrance_mutex_);
    return destinations_;
  }

  void close_entrance() {
    shown_->set_draining();
    std::unique_lock guard(entrance_mutex_);
    inside_ = {};
  }

  // --- on the runtime's thread ---

  void begin(runtime& now) {
    now.wal->attach_functor([shown = shown_](const caf::error&) { shown->set_log_unattended(); });
    std::unique_lock guard(entrance_mutex_);
    inside_.wal = now.wal;
    for (const auto& one : destinations_) open(now, one);
    shown_->show(now.queues.boards(destinations_));
  }

  /// With the entrance locked.
  void open(runtime& now, const destination_options& how) {
    const auto& name = how.settings.name;
    inside_.queues[name] = now.queues.start(how);
    auto& asked = probes_[name];
    if (asked) asked->cancel();
    asked = std::make_shared<probe>(how.settings, types_, logger_);
  }

  /// Returns when the pipeline is to stop, with the end of its budget.
  steady_clock::time_point carry_out_orders(runtime& now) {
    std::unique_lock lock(orders_mutex_);
    for (;;) {
      ordered_.wait(lock, [&] { return stop_at_ || order_; });
      const auto order = std::exchange(order_, nullptr);
      const auto stop_at = stop_at_;
      lock.unlock();
      if (order) order(stop_at ? nullptr : &now);
      if (stop_at) return *stop_at;
      lock.lock();
    }
  }

  void exchange(runtime& now, destination_plan& plan, steady_clock::time_point deadline) {
    {
      std::unique_lock guard(entrance_mutex_);
      if (!inside_.wal) return;
      for (const auto& name : plan.added) {
        open(now, *plan.find(name));
        destinations_.push_back(*plan.find(name));
      }
      shown_->show(now.queues.boards(destinations_));
    }
    auto leaving = plan.removed;
    leaving.insert(leaving.end(), plan.changed.begin(), plan.changed.end());
    now.queues.retire(leaving, deadline, [this] { return is_urgent_.load(); });

    std::unique_lock guard(entrance_mutex_);
    if (!inside_.wal) return;  // what has been retired is delivered after the next start
    // Somebody may have paused one meanwhile.
    for (const auto& before : destinations_)
      if (auto* one = plan.find(before.settings.name)) one->paused = before.paused;
    for (const auto& name : plan.changed) open(now, *plan.find(name));
    for (const auto& name : plan.removed) {
      inside_.queues.erase(name);
      probes_.at(name)->cancel();
      probes_.erase(name);
    }
    destinations_ = plan.next;
    shown_->show(now.queues.boards(destinations_));
  }

  /// Ends the actors in the order in which entries travel: whatever one still sends, the next
  /// takes.
  void end(runtime& now, steady_clock::time_point deadline) {
    caf::scoped_actor self{now.system};
    // Answered when everything that was handed in has been answered.
    self->request(now.wal, caf::infinite, seal_atom::value)
        .receive([] {},
                 [&](const caf::error& why) {
                   logger_->warn("stopping: sealing the log: " + now.system.render(why));
                 });
    now.queues.end(deadline);
    self->send_exit(now.wal, caf::exit_reason::user_shutdown);
    self->wait_for(now.wal);
  }

  // --- on any thread ---

  /// A destination that blocks cannot be interrupted. Its thread, which holds nothing of ours but
  /// the destination, is left to itself then, and so is the thread that waits for it.
  void tear_down(steady_clock::time_point deadline) {
    const auto until = std::max(deadline, steady_clock::now() + teardown_grace);
    if (torn_down_.wait_until(until) == std::future_status::ready) return home_.join();
    logger_->warn("a destination still blocks; stopped without it, what it holds stays pending");
    home_.detach();
  }

  const core::wall_clock clock_;
  const std::shared_ptr<wal::log> log_;
  const destinations::registry& types_;
  const core::logger_ptr logger_;
  const std::shared_ptr<admission> admission_;
  const std::shared_ptr<inbox> submissions_ = std::make_shared<inbox>();
  const std::shared_ptr<status_source> shown_;
  /// The thread that the runtime lives on. ~actor_system waits for ever if another thread than the
  /// one that made it destroys it (CAF's logger is kept alive by a variable of that thread).
  std::thread home_;  ///< not joinable when stopped
  std::future<void> actors_ended_;
  std::future<void> torn_down_;

  std::mutex changes_mutex_;  ///< from the plan of a change to its end
  std::mutex orders_mutex_;
  std::condition_variable ordered_;
  std::optional<steady_clock::time_point> stop_at_;
  std::function<void(runtime*)> order_;  ///< null is given where it comes too late
  std::atomic<bool> is_urgent_ = false;

  mutable std::shared_mutex entrance_mutex_;
  handles inside_;  ///< Empty when closed: nothing must reach a runtime that is being taken down.
  std::map<std::string, std::shared_ptr<probe>> probes_;  ///< by destination
  std::vector<destination_options> destinations_;         ///< those that there are now
};

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
  if (nameless_wait(**opened)) add_heir(how.destinations);
  note_opened(**opened, seconds, how.destinations, *log, metrics);
  if (how.on_recent)
    if (auto told = tell_recent(**opened, how, *log); !told.ok()) return std::move(told).reason();

  auto made = std::make_unique<running_pipeline>(std::move(how), *std::move(opened), types, log);
  made->run(metrics);
  return std::unique_ptr<pipeline>(std::move(made));
}

core::result<void> test_destination(const destinations::settings& settings,
                                    const destinations::registry& types, core::logger_ptr log) {
  return probe(settings, types, std::move(log)).ping();
}

}  // namespace nexus::actors
