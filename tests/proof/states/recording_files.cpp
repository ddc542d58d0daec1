#include "tests/proof/states/recording_files.hpp"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

namespace nexus::test {

using core::result;

void content::write(std::uint64_t offset, std::string_view what) {
  bytes.resize(std::max<std::size_t>(bytes.size(), offset + what.size()));
  std::copy(what.begin(), what.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  size = std::max<std::uint64_t>(size, bytes.size());
}

void content::resize(std::uint64_t to) {
  bytes.resize(std::min<std::size_t>(bytes.size(), to));
  size = to;
}

namespace {

std::string_view without_zeros(const content& of) {
  return std::string_view(of.bytes).substr(0, of.bytes.find_last_not_of('\0') + 1);
}

}  // namespace

std::uint64_t content::hash() const {
  return std::hash<std::string_view>{}(without_zeros(*this)) ^ (size * 0x9e3779b97f4a7c15);
}

bool content::operator==(const content& other) const {
  return size == other.size && without_zeros(*this) == without_zeros(other);
}

class recording_files::open_file final : public core::file {
 public:
  open_file(recording_files& owner, std::string path, std::shared_ptr<inode> node)
      : owner_(owner), path_(std::move(path)), node_(std::move(node)) {}

  result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    std::lock_guard guard(owner_.mutex_);
    const auto& [bytes, size] = node_->holds;
    if (offset >= size) return std::size_t{0};
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size - offset));
    const auto first = std::min<std::size_t>(bytes.size(), offset);
    const auto stored = std::min(wanted, bytes.size() - first);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(first), stored, into.begin());
    std::fill_n(into.begin() + static_cast<std::ptrdiff_t>(stored), wanted - stored, '\0');
    return wanted;
  }

  result<void> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    if (auto may = owner_.check_changeable(); !may) return may;
    std::lock_guard guard(owner_.mutex_);
    std::string bytes;
    for (auto piece : pieces) bytes += piece;
    node_->holds.write(offset, bytes);
    note({change::kind::write, node_->number, offset, std::move(bytes), {}, {}});
    return {};
  }

  result<void> sync() override {
    if (auto may = owner_.check_changeable(); !may) return may;
    std::lock_guard guard(owner_.mutex_);
    note({change::kind::sync, node_->number, 0, {}, {}, {}});
    return {};
  }

  result<void> allocate(std::uint64_t size) override {
    std::lock_guard guard(owner_.mutex_);
    return resize(std::max(size, node_->holds.size));
  }
  result<void> truncate(std::uint64_t size) override {
    std::lock_guard guard(owner_.mutex_);
    return resize(size);
  }

  result<std::uint64_t> size() const override {
    std::lock_guard guard(owner_.mutex_);
    return node_->holds.size;
  }

  result<void> check_in_place() const override {
    std::lock_guard guard(owner_.mutex_);
    auto named = owner_.names_.find(path_);
    if (named == owner_.names_.end() || named->second != node_)
      return core::error{core::errc::io_failed, path_ + " was removed or replaced"};
    return {};
  }

 private:
  result<void> resize(std::uint64_t size) {
    if (auto may = owner_.check_changeable(); !may) return may;
    if (size == node_->holds.size) return {};
    node_->holds.resize(size);
    note({change::kind::resize, node_->number, size, {}, {}, {}});
    return {};
  }
  void note(change what) {
    if (what.what != change::kind::sync) node_->modified = owner_.clock_();
    owner_.record_.push_back(std::move(what));
  }

  recording_files& owner_;
  const std::string path_;
  const std::shared_ptr<inode> node_;
};

class recording_files::held_lock final : public core::file_lock {
 public:
  held_lock(recording_files& owner, std::string path) : owner_(owner), path_(std::move(path)) {}
  ~held_lock() override {
    std::lock_guard guard(owner_.mutex_);
    owner_.locked_.erase(path_);
  }

 private:
  recording_files& owner_;
  const std::string path_;
};

recording_files::recording_files(const disk_image& start, core::wall_clock clock)
    : clock_(std::move(clock)) {
  for (const auto& [path, holds] : start)
    names_[path] = std::make_shared<inode>(next_number_++, *holds, clock_());
}

std::size_t recording_files::position() const {
  std::lock_guard guard(mutex_);
  return record_.size();
}

disk_image recording_files::image() const {
  disk_image out;
  for (const auto& [path, node] : names_) out[path] = std::make_shared<const content>(node->holds);
  return out;
}

result<void> recording_files::check_changeable() const {
  if (frozen_) return core::os_error(EIO, "the disk is frozen");
  return {};
}

result<std::unique_ptr<core::file>> recording_files::open(const std::string& path) {
  std::lock_guard guard(mutex_);
  auto named = names_.find(path);
  if (named == names_.end()) return core::os_error(ENOENT, "cannot open " + path);
  return std::unique_ptr<core::file>(std::make_unique<open_file>(*this, path, named->second));
}

result<std::unique_ptr<core::file>> recording_files::open_read(const std::string& path) {
  return open(path);
}
result<std::unique_ptr<core::file>> recording_files::open_write(const std::string& path) {
  return open(path);
}

result<std::unique_ptr<core::file>> recording_files::create(const std::string& path) {
  if (auto may = check_changeable(); !may) return may.reason();
  {
    std::lock_guard guard(mutex_);
    if (names_.contains(path)) return core::os_error(EEXIST, "cannot create " + path);
    names_[path] = std::make_shared<inode>(next_number_, content(), clock_());
    record_.push_back({change::kind::create, next_number_++, 0, {}, path, {}});
  }
  return open(path);
}

result<void> recording_files::rename(const std::string& from, const std::string& to) {
  if (auto may = check_changeable(); !may) return may;
  std::lock_guard guard(mutex_);
  auto named = names_.extract(from);
  if (!named) return core::os_error(ENOENT, "cannot rename " + from);
  names_[to] = named.mapped();
  record_.push_back({change::kind::rename, 0, 0, {}, from, to});
  return {};
}

result<void> recording_files::remove(const std::string& path) {
  if (auto may = check_changeable(); !may) return may;
  std::lock_guard guard(mutex_);
  if (names_.erase(path) == 0) return core::os_error(ENOENT, "cannot remove " + path);
  record_.push_back({change::kind::remove, 0, 0, {}, path, {}});
  return {};
}

result<void> recording_files::sync_directory(const std::string& path) {
  if (auto may = check_changeable(); !may) return may;
  std::lock_guard guard(mutex_);
  record_.push_back({change::kind::sync_directory, 0, 0, {}, path, {}});
  return {};
}

result<core::time_point> recording_files::modified_at(const std::string& path) {
  std::lock_guard guard(mutex_);
  auto named = names_.find(path);
  if (named == names_.end()) return core::os_error(ENOENT, "cannot stat " + path);
  return named->second->modified;
}

/// A directory is durable from the start, as its door to the disk promises.
result<void> recording_files::make_directory(const std::string&) {
  return {};
}

result<std::vector<std::string>> recording_files::list(const std::string& path) {
  std::lock_guard guard(mutex_);
  std::set<std::string> names;
  const auto prefix = path + "/";
  for (auto at = names_.lower_bound(prefix); at != names_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    auto rest = std::string_view(at->first).substr(prefix.size());
    names.emplace(rest.substr(0, rest.find('/')));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

result<std::unique_ptr<core::file_lock>> recording_files::lock(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (!locked_.insert(path).second) return core::error{core::errc::locked, path + " is held"};
  return std::unique_ptr<core::file_lock>(std::make_unique<held_lock>(*this, path));
}

result<std::uint64_t> recording_files::free_bytes(const std::string&) {
  return free_;
}

}  // namespace nexus::test
