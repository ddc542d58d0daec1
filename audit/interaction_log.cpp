#include "audit/interaction_log.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "audit/audit_file.hpp"
#include "audit/line.hpp"
#include "audit/reader.hpp"
#include "audit/tally.hpp"
#include "core/json_object.hpp"
#include "core/random.hpp"

namespace nexus::audit {
namespace {

/// Records gather this long before they are written: the disk is the log's first.
constexpr std::chrono::milliseconds gathering{50};

struct metric_set {
  explicit metric_set(core::metrics& registry)
      : all(registry),
        shadow_errors(registry.get_counter("bubblefish_audit_shadow_errors_total",
                                           "Writes to the interaction log's shadow that failed.")),
        damaged(registry.get_counter("bubblefish_audit_crc_failures_total",
                                     "Damaged or changed lines that reading the interaction log "
                                     "came upon, each time.")),
        recovered(registry.get_counter("bubblefish_audit_shadow_recoveries_total",
                                       "Records that were read from the shadow, each time.")),
        rotations(registry.get_counter("bubblefish_audit_log_rotation_total",
                                       "Files of the interaction log that were full.")),
        dropped(registry.get_counter("bubblefish_audit_records_dropped_total",
                                     "Interactions that are in no file.")),
        bytes(registry.get_gauge("bubblefish_audit_log_bytes",
                                 "Size of the interaction log's current file.")),
        query_seconds(registry.get_histogram("bubblefish_audit_query_latency_seconds",
                                             "Time to read the interaction log.")) {}

  core::counter& errors(const char* file) {
    return all.get_counter("bubblefish_audit_log_errors_total",
                           "Writes to the interaction log that failed.", {{"file", file}});
  }
  core::counter& records(const record& one) {
    return all.get_counter(
        "bubblefish_audit_records_total", "Interactions that were recorded.",
        {{"operation_type", one.operation}, {"policy_decision", one.policy_decision}});
  }

  core::metrics& all;
  core::counter& shadow_errors;
  core::counter& damaged;
  core::counter& recovered;
  core::counter& rotations;
  core::counter& dropped;
  core::gauge& bytes;
  core::histogram& query_seconds;
};

line_options lines_of(const options& how) {
  return {how.mac_key, how.key, how.encrypts};
}

}  // namespace

struct interaction_log::impl {
  impl(options with, core::file_system& where, core::logger_ptr logger, core::metrics& metrics)
      : how(std::move(with)),
        files(where),
        log(std::move(logger)),
        counts(metrics),
        codec(lines_of(how)),
        primary(files, how.file),
        shadow(files, shadow_path(how.file)) {}

  core::result<void> open();
  void loop();
  /// Everything that was recorded before is in the files, or is lost.
  void flush();
  void write(const std::vector<audit::record>& records, std::uint64_t missing);
  std::string lines_of_batch(const std::vector<audit::record>& records,
                             std::uint64_t missing) const;
  bool append(audit_file& to, const char* name, std::string_view lines);
  void rotate();
  std::string marker(std::string_view type, std::string_view key, std::string_view value) const;
  core::result<std::vector<file_pair>> open_files();
  readable_file open_rotated(const std::string& path, const std::string& time) const;
  readable_file open_current(const audit_file& from, std::uint64_t size) const;
  void note(const reader& done, std::chrono::steady_clock::time_point started);

  const options how;
  core::file_system& files;
  const core::logger_ptr log;
  metric_set counts;
  const line_codec codec;
  std::unique_ptr<core::file_lock> lock;
  std::atomic<bool> stopping{false};

  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable written;
  std::vector<audit::record> waiting;
  std::uint64_t lost = 0;     ///< since the last batch
  std::uint64_t taken = 0;    ///< records ever put into `waiting`
  std::uint64_t settled = 0;  ///< of these, those that are written or lost
  bool hurry = false;         ///< somebody waits for what is there
  std::uint64_t primary_size = 0;
  std::uint64_t shadow_size = 0;
  /// Held while the names of files change, and while they are opened for reading.
  std::mutex names;

  // The thread's own.
  audit_file primary;
  audit_file shadow;
  bool failing = false;
  std::thread thread;
};

core::result<void> interaction_log::impl::open() {
  const std::string directory = directory_of(how.file);
  if (auto listed = files.list(directory); !listed) {
    if (listed.reason().code != core::errc::not_found) return listed.reason();
    if (auto made = files.make_directory(directory); !made) return made;
  }
  auto locked = files.lock(how.file + ".lock");
  if (!locked) return locked.reason();
  lock = std::move(*locked);
  if (auto opened = primary.open(); !opened) return opened;
  if (how.dual_write)
    if (auto opened = shadow.open(); !opened) return opened;
  primary_size = primary.size();
  shadow_size = shadow.size();
  counts.bytes.set(static_cast<double>(primary_size));
  thread = std::thread([this] { loop(); });
  return {};
}

void interaction_log::impl::loop() {
  std::unique_lock held(mutex);
  for (;;) {
    wake.wait(held, [this] { return stopping || hurry || !waiting.empty(); });
    wake.wait_for(held, gathering, [this] { return stopping || hurry; });
    auto batch = std::exchange(waiting, {});
    const auto missing = std::exchange(lost, 0);
    hurry = false;
    const bool ends = stopping;  // nothing comes any more
    if (!batch.empty() || missing > 0) {
      held.unlock();
      write(batch, missing);
      held.lock();
      settled += batch.size();
    }
    primary_size = primary.size();
    shadow_size = shadow.size();
    written.notify_all();
    if (ends) return;
  }
}

void interaction_log::impl::flush() {
  std::unique_lock held(mutex);
  const auto target = taken;
  while (settled < target && !stopping) {
    hurry = true;
    wake.notify_one();
    written.wait(held);
  }
}

std::string interaction_log::impl::marker(std::string_view type, std::string_view key,
                                          std::string_view value) const {
  std::string json;
  core::json_object object(json);
  object.text("record_type", type)
      .text("record_id", core::random_hex(16))
      .text("timestamp", core::format_timestamp(how.clock()))
      .text(key, value)
      .end();
  std::string line;
  codec.append_line(line, json);
  return line;
}

std::string interaction_log::impl::lines_of_batch(const std::vector<audit::record>& records,
                                                  std::uint64_t missing) const {
  std::string lines;
  std::string json;
  if (missing > 0) lines += marker("records_lost", "count", std::to_string(missing));
  for (const auto& one : records) {
    json.clear();
    append_json(json, one);
    codec.append_line(lines, json);
  }
  return lines;
}

void interaction_log::impl::write(const std::vector<audit::record>& records,
                                  std::uint64_t missing) {
  const std::string lines = lines_of_batch(records, missing);
  const bool in_primary = append(primary, "primary", lines);
  const bool in_shadow = how.dual_write && append(shadow, "shadow", lines);
  if (how.dual_write && !in_shadow) counts.shadow_errors.add();
  if (!in_primary && !in_shadow) {
    counts.dropped.add(static_cast<double>(records.size()));
    const std::lock_guard held(mutex);
    lost += records.size() + missing;
  } else if (in_primary && (in_shadow || !how.dual_write)) {
    if (std::exchange(failing, false)) log->info("the interaction log takes records again");
  }
  if (primary.size() >= how.file_bytes_max) rotate();
  counts.bytes.set(static_cast<double>(primary.size()));
}

bool interaction_log::impl::append(audit_file& to, const char* name, std::string_view lines) {
  const auto done = to.append(lines);
  if (done) return true;
  counts.errors(name).add();
  if (!std::exchange(failing, true))
    log->error("the interaction log cannot be written: " + done.reason().text);
  return false;
}

// The file ends with a line that says how it goes on.
void interaction_log::impl::rotate() {
  const std::lock_guard held(names);
  const auto times = find_rotations(files, how.file);
  const auto shadow_times = find_rotations(files, shadow.path());
  const auto fail = [this](const core::error& why) {
    counts.errors("primary").add();
    log->error("the interaction log cannot begin a new file: " + why.text);
  };
  if (!times || !shadow_times) return fail(times ? shadow_times.reason() : times.reason());
  std::size_t number = 0;
  auto time = rotation_time(how.clock(), number);
  while (times->contains(time) || shadow_times->contains(time))
    time = rotation_time(how.clock(), ++number);
  const std::string to = rotated_path(how.file, time);
  const std::string end = marker("rotation_marker", "file", to.substr(to.rfind('/') + 1));
  append(primary, "primary", end);
  if (auto renamed = primary.rename_to(to); !renamed) return fail(renamed.reason());
  if (how.dual_write) {
    append(shadow, "shadow", end);
    if (auto renamed = shadow.rename_to(rotated_path(shadow.path(), time)); !renamed)
      fail(renamed.reason());
  }
  counts.rotations.add();
  const std::lock_guard sizes(mutex);
  primary_size = 0;
  shadow_size = shadow.size();
}

readable_file interaction_log::impl::open_rotated(const std::string& path,
                                                  const std::string& time) const {
  auto opened = files.open_read(rotated_path(path, time));
  if (!opened) return {};
  const auto size = (*opened)->size();
  if (!size) return {};
  return {std::move(*opened), *size};
}

readable_file interaction_log::impl::open_current(const audit_file& from,
                                                  std::uint64_t size) const {
  auto opened = files.open_read(from.path());
  if (!opened) return {};
  return {std::move(*opened), size};
}

core::result<std::vector<file_pair>> interaction_log::impl::open_files() {
  const std::lock_guard held(names);
  auto times = find_rotations(files, how.file);
  if (!times) return times.reason();
  auto shadow_times = find_rotations(files, shadow.path());
  if (!shadow_times) return shadow_times.reason();
  times->merge(*shadow_times);
  std::vector<file_pair> all;
  {
    const std::lock_guard sizes(mutex);
    all.push_back({open_current(primary, primary_size), open_current(shadow, shadow_size)});
  }
  for (auto time = times->rbegin(); time != times->rend(); ++time)
    all.push_back({open_rotated(how.file, *time), open_rotated(shadow.path(), *time)});
  return all;
}

void interaction_log::impl::note(const reader& done,
                                 std::chrono::steady_clock::time_point started) {
  counts.damaged.add(static_cast<double>(done.counts().damaged));
  counts.recovered.add(static_cast<double>(done.counts().recovered));
  const auto took = std::chrono::steady_clock::now() - started;
  counts.query_seconds.observe(std::chrono::duration<double>(took).count());
}

core::result<std::unique_ptr<interaction_log>> interaction_log::open(options how,
                                                                     core::file_system& files,
                                                                     core::logger_ptr log,
                                                                     core::metrics& metrics) {
  auto made = std::make_unique<impl>(std::move(how), files, std::move(log), metrics);
  if (auto opened = made->open(); !opened)
    return core::error{opened.reason().code, "interaction log: " + opened.reason().text};
  return std::unique_ptr<interaction_log>(new interaction_log(std::move(made)));
}

interaction_log::interaction_log(std::unique_ptr<impl> made) : impl_(std::move(made)) {}

interaction_log::~interaction_log() {
  stop();
}

void interaction_log::record(audit::record one) {
  one.record_id = core::random_hex(16);
  impl_->counts.records(one).add();
  const std::lock_guard held(impl_->mutex);
  if (impl_->stopping || impl_->waiting.size() >= impl_->how.waiting_max) {
    impl_->counts.dropped.add();
    ++impl_->lost;
    return;
  }
  ++impl_->taken;
  impl_->waiting.push_back(std::move(one));
  if (impl_->waiting.size() == 1) impl_->wake.notify_one();
}

core::result<page> interaction_log::find(const filter& which, std::uint64_t offset,
                                         std::size_t limit) {
  const auto started = std::chrono::steady_clock::now();
  impl_->flush();
  auto files = impl_->open_files();
  if (!files) return files.reason();
  reader from(impl_->codec, impl_->stopping);
  page found;
  for (const auto& pair : *files) {
    const auto skip = offset > found.total ? offset - found.total : 0;
    auto count = from.find(pair, which, skip, limit, found.records);
    if (!count) return count.reason();
    found.total += *count;
  }
  impl_->note(from, started);
  return found;
}

core::result<statistics> interaction_log::count(const filter& which) {
  const auto started = std::chrono::steady_clock::now();
  impl_->flush();
  auto files = impl_->open_files();
  if (!files) return files.reason();
  reader from(impl_->codec, impl_->stopping);
  tally sum;
  for (const auto& pair : *files) {
    auto done = from.read(pair, [&](const audit::record& one, const place&) {
      if (which.fits(one)) sum.add(one);
    });
    if (!done) return done.reason();
  }
  impl_->note(from, started);
  return sum.result();
}

void interaction_log::stop() {
  {
    const std::lock_guard held(impl_->mutex);
    impl_->stopping = true;
    impl_->wake.notify_one();
    impl_->written.notify_all();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace nexus::audit
