#include "tests/proof/sweep/memory_files.hpp"

#include <algorithm>
#include <cerrno>

namespace nexus::test::sweep {
namespace {

class memory_file final : public core::file {
 public:
  explicit memory_file(std::shared_ptr<std::string> bytes) : bytes_(std::move(bytes)) {}

  core::result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    if (offset >= bytes_->size()) return std::size_t{0};
    return bytes_->copy(into.data(), into.size(), offset);
  }
  core::result<void> write_at(std::uint64_t offset,
                              std::span<const std::string_view> pieces) override {
    for (auto piece : pieces) {
      bytes_->resize(std::max<std::size_t>(bytes_->size(), offset + piece.size()));
      bytes_->replace(offset, piece.size(), piece);
      offset += piece.size();
    }
    return {};
  }
  core::result<void> sync() override { return {}; }
  core::result<void> allocate(std::uint64_t) override {
    return core::error{core::errc::unsupported, "memory is not set aside"};
  }
  core::result<void> truncate(std::uint64_t size) override {
    bytes_->resize(size);
    return {};
  }
  core::result<std::uint64_t> size() const override { return bytes_->size(); }
  core::result<void> check_in_place() const override { return {}; }

 private:
  std::shared_ptr<std::string> bytes_;
};

core::error missing(const std::string& path) {
  return core::os_error(ENOENT, path);
}

}  // namespace

core::result<std::unique_ptr<core::file>> memory_files::open_write(const std::string& path) {
  const auto found = bytes.find(path);
  if (found == bytes.end()) return missing(path);
  return std::unique_ptr<core::file>(std::make_unique<memory_file>(found->second));
}

core::result<std::unique_ptr<core::file>> memory_files::open_read(const std::string& path) {
  return open_write(path);
}

core::result<std::unique_ptr<core::file>> memory_files::create(const std::string& path) {
  const auto [made, is_new] = bytes.try_emplace(path, std::make_shared<std::string>());
  if (!is_new) return core::os_error(EEXIST, path);
  return open_write(path);
}

core::result<void> memory_files::rename(const std::string& from, const std::string& to) {
  auto found = bytes.extract(from);
  if (found.empty()) return missing(from);
  bytes[to] = found.mapped();
  return {};
}

core::result<void> memory_files::remove(const std::string& path) {
  if (bytes.erase(path) == 0) return missing(path);
  return {};
}

core::result<std::vector<std::string>> memory_files::list(const std::string& path) {
  const auto prefix = path + "/";
  std::vector<std::string> names;
  for (const auto& [name, ignored] : bytes) {
    if (!name.starts_with(prefix)) continue;
    const auto entry = name.substr(prefix.size(), name.find('/', prefix.size()) - prefix.size());
    if (names.empty() || names.back() != entry) names.push_back(entry);
  }
  return names;
}

core::result<std::unique_ptr<core::file_lock>> memory_files::lock(const std::string&) {
  return std::make_unique<core::file_lock>();
}

}  // namespace nexus::test::sweep
