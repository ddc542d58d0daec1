#include "ingest/security_log.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "core/json_object.hpp"
#include "ingest/rotating_file.hpp"

namespace nexus::ingest {
namespace {

constexpr std::size_t recent_max = 1024;

void cut(std::string& text) {
  if (text.size() > security_text_bytes_max) text.resize(security_text_bytes_max);
}

/// What every log does with an event before it keeps it.
void prepare(security_event& event, const core::wall_clock& clock) {
  if (event.timestamp == core::time_point{}) event.timestamp = clock();
  for (auto* text : {&event.source, &event.subject, &event.ip, &event.endpoint}) cut(*text);
  for (auto& [name, value] : event.details)
    if (auto* text = std::get_if<std::string>(&value)) cut(*text);
  std::sort(event.details.begin(), event.details.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
}

/// The latest events, and how many there were.
class memory {
 public:
  void keep(security_event event) {
    const std::lock_guard lock(mutex_);
    count(event);
    events_.push_front(std::move(event));
    if (events_.size() > recent_max) events_.pop_back();
  }

  std::vector<security_event> recent(std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    const auto end = events_.begin() + static_cast<std::ptrdiff_t>(std::min(limit, events_.size()));
    return {events_.begin(), end};
  }

  security_totals totals() const {
    const std::lock_guard lock(mutex_);
    auto now = totals_;
    now.by_source.assign(by_source_.begin(), by_source_.end());
    return now;
  }

 private:
  void count(const security_event& event) {
    if (event.event_type == security_event_type::auth_failure) ++totals_.auth_failures;
    if (event.event_type == security_event_type::policy_denied) ++totals_.policy_denials;
    if (event.event_type == security_event_type::rate_limit_hit) ++totals_.rate_limit_hits;
    if (event.event_type == security_event_type::admin_access) ++totals_.admin_calls;
    if (!event.source.empty()) ++by_source_[event.source];
  }

  mutable std::mutex mutex_;
  std::deque<security_event> events_;  ///< newest first
  security_totals totals_;
  std::map<std::string, std::uint64_t> by_source_;
};

class memory_log final : public security_log {
 public:
  explicit memory_log(core::wall_clock clock) : clock_(std::move(clock)) {}

  void record(security_event event) override {
    prepare(event, clock_);
    memory_.keep(std::move(event));
  }
  std::vector<security_event> recent(std::size_t limit) const override {
    return memory_.recent(limit);
  }
  security_totals totals() const override { return memory_.totals(); }
  bool lasting() const override { return false; }

 private:
  const core::wall_clock clock_;
  memory memory_;
};

class file_log final : public security_log {
 public:
  file_log(security_log_options how, std::unique_ptr<rotating_file> file, core::logger_ptr log,
           core::counter& lost)
      : how_(std::move(how)),
        file_(std::move(file)),
        log_(std::move(log)),
        lost_(lost),
        thread_([this] { loop(); }) {}

  ~file_log() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void record(security_event event) override {
    prepare(event, how_.clock);
    std::string line = to_json(event);
    memory_.keep(std::move(event));
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.size() >= how_.waiting_max) {
        ++overflowed_;
        return;
      }
      waiting_.push_back(std::move(line));
      if (waiting_.size() > 1) return;  // the thread has been woken for the first
    }
    wake_.notify_one();
  }

  std::vector<security_event> recent(std::size_t limit) const override {
    return memory_.recent(limit);
  }
  security_totals totals() const override { return memory_.totals(); }
  bool lasting() const override { return true; }

 private:
  void loop();
  void write(std::vector<std::string> lines, std::uint64_t overflowed);
  std::string loss_note() const;

  const security_log_options how_;
  const std::unique_ptr<rotating_file> file_;
  const core::logger_ptr log_;
  core::counter& lost_;
  memory memory_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::string> waiting_;
  std::uint64_t overflowed_ = 0;
  bool stopping_ = false;
  // Only the thread uses these two.
  std::uint64_t to_note_ = 0;  ///< lost, and not yet noted in the file
  bool failing_ = false;
  std::thread thread_;
};

void file_log::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto lines = std::exchange(waiting_, {});
    const auto overflowed = std::exchange(overflowed_, 0);
    lock.unlock();
    write(std::move(lines), overflowed);
    lock.lock();
  }
}

void file_log::write(std::vector<std::string> lines, std::uint64_t overflowed) {
  to_note_ += overflowed;
  if (overflowed > 0) lost_.add(static_cast<double>(overflowed));
  const bool notes = to_note_ > 0;
  if (notes) lines.insert(lines.begin(), loss_note());
  std::size_t written = 0;
  const auto done = file_->append(lines, written);
  if (notes && written > 0) to_note_ = 0;
  if (done) {
    if (std::exchange(failing_, false)) log_->info("security events are written again");
    return;
  }
  const std::size_t not_events = notes && written == 0 ? 1 : 0;
  const std::uint64_t lost = lines.size() - written - not_events;
  to_note_ += lost;
  lost_.add(static_cast<double>(lost));
  if (!std::exchange(failing_, true))
    log_->error("security events are lost, their file cannot be written: " + done.reason().text);
}

std::string file_log::loss_note() const {
  security_event note;
  note.event_type = security_event_type::security_events_lost;
  note.timestamp = how_.clock();
  note.details.emplace_back("count", static_cast<std::int64_t>(to_note_));
  return to_json(note);
}

}  // namespace

std::string to_json(const security_event& event) {
  std::string out;
  core::json_object object(out);
  object.text("event_type", event.event_type);
  if (!event.source.empty()) object.text("source", event.source);
  if (!event.subject.empty()) object.text("subject", event.subject);
  if (!event.ip.empty()) object.text("ip", event.ip);
  if (!event.endpoint.empty()) object.text("endpoint", event.endpoint);
  object.text("timestamp", core::format_timestamp(event.timestamp));
  if (!event.details.empty()) {
    core::json_object details(object.start("details"));
    for (const auto& [name, value] : event.details) {
      if (const auto* text = std::get_if<std::string>(&value)) details.text(name, *text);
      if (const auto* number = std::get_if<std::int64_t>(&value)) details.number(name, *number);
    }
    details.end();
  }
  object.end();
  return out;
}

core::result<security_log_ptr> open_security_log(security_log_options how, core::file_system& files,
                                                 core::logger_ptr log, core::metrics& metrics) {
  auto file = rotating_file::open(files, {how.file, how.file_bytes_max, how.files_max});
  if (!file)
    return core::error{core::errc::io_failed,
                       "the file for security events, security_events.log_file, cannot be used: " +
                           file.reason().text};
  auto& lost = metrics.get_counter("nexus_security_events_lost_total",
                                   "Security events that are not in their file");
  return security_log_ptr(
      std::make_shared<file_log>(std::move(how), std::move(*file), std::move(log), lost));
}

security_log_ptr make_memory_security_log(core::wall_clock clock) {
  return std::make_shared<memory_log>(std::move(clock));
}

}  // namespace nexus::ingest
