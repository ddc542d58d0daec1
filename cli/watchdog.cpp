#include "cli/watchdog.hpp"

#include <utility>

#include "core/random.hpp"

namespace nexus::cli {

watchdog::watchdog(watchdog_options how, core::file_system& files, core::logger_ptr log,
                   core::metrics& metrics)
    : how_(std::move(how)),
      files_(files),
      log_(std::move(log)),
      free_bytes_(metrics.get_gauge("bubblefish_wal_disk_bytes_free",
                                    "Free bytes on the disk of the write-ahead log.")) {
  check();
  thread_ = std::thread([this] { run(); });
}

watchdog::~watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

std::string watchdog::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, how_.interval, [this] { return stopping_; })) {
    lock.unlock();
    check();
    lock.lock();
  }
}

void watchdog::check() {
  std::string found;
  if (auto written = probe(); !written) found = written.reason().text;
  auto free = files_.free_bytes(how_.directory);
  if (free) {
    free_bytes_.set(static_cast<double>(*free));
    if (*free < how_.free_bytes_min) {
      found = how_.directory + ": " + std::to_string(*free) + " bytes free, fewer than " +
              std::to_string(how_.free_bytes_min) + " (min_disk_bytes). Make room";
    }
  } else if (found.empty()) {
    found = free.reason().text;
  }
  const std::lock_guard lock(mutex_);
  if (found != trouble_) {
    found.empty() ? log_->info("the disk of the log is well again") : log_->warn(found);
  }
  trouble_ = std::move(found);
}

core::result<void> watchdog::probe() {
  // The reference's name for it, which is no segment's name.
  const std::string path = how_.directory + "/.probe-" + core::random_hex(8);
  auto made = files_.create(path);
  if (!made) return made.reason();
  return files_.remove(path);
}

}  // namespace nexus::cli
