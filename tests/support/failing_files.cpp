#include "tests/support/failing_files.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <limits>

#include "tests/support/temp_dir.hpp"

namespace nexus::test {

using core::result;

/// A real file whose changes are noted in its node.
class failing_files::tracked_file final : public core::file {
 public:
  /// `known`: null if it is only read.
  tracked_file(failing_files& owner, std::string path, std::unique_ptr<core::file> real,
               std::shared_ptr<node> known)
      : owner_(owner), path_(std::move(path)), real_(std::move(real)), known_(std::move(known)) {}

  result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    {
      std::lock_guard guard(owner_.mutex_);
      if (auto failure = owner_.strike(operation::read, path_)) return *failure;
    }
    return real_->read_at(offset, into);
  }

  result<void> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    std::lock_guard guard(owner_.mutex_);
    if (sync_failed_) ++owner_.uses_after_failed_sync_;
    std::string bytes;
    for (auto piece : pieces) bytes += piece;
    auto failure = owner_.strike(operation::write, path_);
    if (failure) {
      if (owner_.power_off_) return *failure;
      bytes.resize(std::min(bytes.size(), owner_.fault_->short_write));
    }
    auto end_max = known_->taken + owner_.room();
    if (offset + bytes.size() > end_max) {
      bytes.resize(end_max > offset ? end_max - offset : 0);
      failure = core::os_error(ENOSPC, "the pretended disk is full: " + path_);
    }
    if (!bytes.empty()) {
      std::string_view piece = bytes;
      if (auto written = real_->write_at(offset, std::span(&piece, 1)); !written) return written;
      known_->taken = std::max(known_->taken, offset + bytes.size());
      known_->unsynced.push_back({offset, bytes, {}});
    }
    if (failure) return *failure;
    return {};
  }

  result<void> sync() override {
    std::lock_guard guard(owner_.mutex_);
    if (sync_failed_) ++owner_.uses_after_failed_sync_;
    if (auto failure = owner_.strike(operation::sync, path_)) {
      sync_failed_ = true;
      if (!owner_.power_off_) known_->unsynced.clear();  // the kernel has dropped the pages
      return *failure;
    }
    for (const auto& one : known_->unsynced) apply(known_->durable, one);
    known_->unsynced.clear();
    return {};
  }

  result<void> allocate(std::uint64_t size) override { return resize(operation::allocate, size); }
  result<void> truncate(std::uint64_t size) override { return resize(operation::truncate, size); }
  result<void> check_in_place() const override {
    std::lock_guard guard(owner_.mutex_);
    if (auto failure = owner_.strike(operation::check_in_place, path_)) return *failure;
    return real_->check_in_place();
  }
  result<std::uint64_t> size() const override { return real_->size(); }

 private:
  result<void> resize(operation kind, std::uint64_t size) {
    std::lock_guard guard(owner_.mutex_);
    if (auto failure = owner_.strike(kind, path_)) return *failure;
    auto old = real_->size();
    if (!old) return old.reason();
    auto taken = std::min(known_->taken, size);
    if (kind == operation::allocate) {
      taken = std::max(known_->taken, size);
      if (taken - known_->taken > owner_.room())
        return core::os_error(ENOSPC, "the pretended disk is full: " + path_);
      size = std::max(size, *old);
    }
    if (auto done = real_->truncate(size); !done)
      return done;  // sparse: reserves nothing, reads the same
    known_->taken = taken;
    known_->unsynced.push_back({0, {}, size});
    return {};
  }

  failing_files& owner_;
  std::string path_;
  std::unique_ptr<core::file> real_;
  std::shared_ptr<node> known_;
  bool sync_failed_ = false;
};

failing_files::failing_files(std::string directory) : directory_(std::move(directory)) {
  learn_directory();
}

void failing_files::learn_directory() {
  live_.clear();
  if (std::filesystem::is_directory(directory_))
    for (const auto& one : std::filesystem::recursive_directory_iterator(directory_)) {
      if (!one.is_regular_file()) continue;
      auto known = std::make_shared<node>();
      known->durable = read_file(one.path().string());
      known->taken = known->durable.size();
      live_.emplace(name_of(one.path().string()), std::move(known));
    }
  durable_ = live_;
}

void failing_files::fail(fault which) {
  std::lock_guard guard(mutex_);
  fault_ = which;
  matched_ = fired_ = operations_ = 0;
}

void failing_files::cut_power_at(std::uint64_t n) {
  std::lock_guard guard(mutex_);
  power_off_at_ = n;
  operations_ = 0;
}

void failing_files::heal() {
  std::lock_guard guard(mutex_);
  fault_.reset();
  power_off_at_.reset();
  power_off_ = false;
  operations_ = 0;
}

void failing_files::crash(survival what) {
  heal();
  std::lock_guard guard(mutex_);
  const auto& left = what == survival::nothing ? durable_ : live_;
  std::map<std::string, std::string> contents;
  for (const auto& [name, file] : left) contents[name] = after_crash(*file, what);
  for (const auto& one : std::filesystem::directory_iterator(directory_))
    std::filesystem::remove_all(one.path());
  for (const auto& [name, bytes] : contents) write_file(directory_ + "/" + name, bytes);
  learn_directory();
}

std::uint64_t failing_files::operations() const {
  std::lock_guard guard(mutex_);
  return operations_;
}

std::uint64_t failing_files::count(operation kind) const {
  std::lock_guard guard(mutex_);
  auto known = counts_.find(kind);
  return known == counts_.end() ? 0 : known->second;
}

std::uint64_t failing_files::faults_fired() const {
  std::lock_guard guard(mutex_);
  return fired_;
}

std::uint64_t failing_files::uses_after_failed_sync() const {
  std::lock_guard guard(mutex_);
  return uses_after_failed_sync_;
}

void failing_files::set_capacity(std::optional<std::uint64_t> bytes) {
  std::lock_guard guard(mutex_);
  capacity_ = bytes;
}

void failing_files::pretend_free(std::optional<std::uint64_t> bytes) {
  std::lock_guard guard(mutex_);
  pretended_free_ = bytes;
}

std::uint64_t failing_files::room() const {
  if (!capacity_) return std::numeric_limits<std::uint64_t>::max() / 2;
  std::uint64_t taken = 0;
  for (const auto& [name, file] : live_) taken += file->taken;
  return *capacity_ > taken ? *capacity_ - taken : 0;
}

std::optional<core::error> failing_files::strike(operation kind, const std::string& path) {
  const bool changes = kind <= operation::make_directory;
  if (changes) ++operations_;
  ++counts_[kind];
  if (power_off_at_ && operations_ >= *power_off_at_) power_off_ = true;
  if (power_off_ && changes) return core::os_error(EIO, "the power is off: " + path);
  if (!fault_ || (fault_->which ? *fault_->which != kind : !changes)) return {};
  ++matched_;
  if (matched_ < fault_->nth || (matched_ > fault_->nth && !fault_->all_after)) return {};
  ++fired_;
  return core::os_error(fault_->error, "injected failure: " + path);
}

void failing_files::apply(std::string& bytes, const change& what) {
  if (what.size) {
    bytes.resize(*what.size);
    return;
  }
  bytes.resize(std::max<std::size_t>(bytes.size(), what.offset + what.bytes.size()));
  bytes.replace(what.offset, what.bytes.size(), what.bytes);
}

std::string failing_files::after_crash(const node& file, survival what) {
  auto bytes = file.durable;
  if (what == survival::nothing) return bytes;
  std::size_t total = 0;
  for (const auto& one : file.unsynced) total += one.bytes.size();
  auto left = what == survival::torn ? total / 2 : total;
  for (auto one : file.unsynced) {
    one.bytes.resize(std::min(one.bytes.size(), left));
    left -= one.bytes.size();
    if (one.size || !one.bytes.empty()) apply(bytes, one);
  }
  return bytes;
}

std::string failing_files::name_of(const std::string& path) const {
  return std::filesystem::path(path).lexically_relative(directory_).string();
}

result<std::unique_ptr<core::file>> failing_files::open_read(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto failure = strike(operation::open_read, path)) return *failure;
  auto real = core::posix_files().open_read(path);
  if (!real) return real;
  return std::unique_ptr<core::file>(
      std::make_unique<tracked_file>(*this, path, *std::move(real), nullptr));
}

result<std::unique_ptr<core::file>> failing_files::open_write(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto failure = strike(operation::open_write, path)) return *failure;
  auto real = core::posix_files().open_write(path);
  if (!real) return real;
  auto& known = live_[name_of(path)];
  if (!known) known = std::make_shared<node>();
  return std::unique_ptr<core::file>(
      std::make_unique<tracked_file>(*this, path, *std::move(real), known));
}

result<std::unique_ptr<core::file>> failing_files::create(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto failure = strike(operation::create, path)) return *failure;
  auto real = core::posix_files().create(path);
  if (!real) return real;
  auto known = std::make_shared<node>();
  live_[name_of(path)] = known;
  return std::unique_ptr<core::file>(
      std::make_unique<tracked_file>(*this, path, *std::move(real), known));
}

result<void> failing_files::rename(const std::string& from, const std::string& to) {
  std::lock_guard guard(mutex_);
  if (auto failure = strike(operation::rename, from)) return *failure;
  if (auto done = core::posix_files().rename(from, to); !done) return done;
  live_[name_of(to)] = live_.at(name_of(from));
  live_.erase(name_of(from));
  return {};
}

result<void> failing_files::remove(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto failure = strike(operation::remove, path)) return *failure;
  if (auto done = core::posix_files().remove(path); !done) return done;
  live_.erase(name_of(path));
  return {};
}

result<void> failing_files::sync_directory(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto failure = strike(operation::sync_directory, path)) return *failure;
  auto inside = [&](const auto& one) {
    return std::filesystem::path(directory_ + "/" + one.first).parent_path() ==
           std::filesystem::path(path);
  };
  std::erase_if(durable_, inside);
  std::copy_if(live_.begin(), live_.end(), std::inserter(durable_, durable_.end()), inside);
  return {};
}

result<core::time_point> failing_files::modified_at(const std::string& path) {
  return core::posix_files().modified_at(path);
}

result<void> failing_files::make_directory(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (!std::filesystem::is_directory(path))
    if (auto failure = strike(operation::make_directory, path)) return *failure;
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (!failed) std::filesystem::permissions(path, std::filesystem::perms::owner_all, failed);
  if (failed) return core::os_error(failed.value(), "cannot create the directory " + path);
  return {};
}

result<std::vector<std::string>> failing_files::list(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto failure = strike(operation::list, path)) return *failure;
  return core::posix_files().list(path);
}

result<std::unique_ptr<core::file_lock>> failing_files::lock(const std::string& path) {
  return core::posix_files().lock(path);
}

result<std::uint64_t> failing_files::free_bytes(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (pretended_free_) return *pretended_free_;
  if (capacity_) return room();
  return core::posix_files().free_bytes(path);
}

}  // namespace nexus::test
