// A file system in memory, for tests that open a log tens of thousands of times. One thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/file.hpp"

namespace nexus::test::sweep {

/// Files by their paths; every directory is there. Locks bind nobody, nothing is set
/// aside for a file (`allocate` is `unsupported`), and everything is durable.
class memory_files final : public core::file_system {
 public:
  std::map<std::string, std::shared_ptr<std::string>> bytes;

  core::result<std::unique_ptr<core::file>> open_read(const std::string& path) override;
  core::result<std::unique_ptr<core::file>> open_write(const std::string& path) override;
  core::result<std::unique_ptr<core::file>> create(const std::string& path) override;
  core::result<void> rename(const std::string& from, const std::string& to) override;
  core::result<void> remove(const std::string& path) override;
  core::result<void> sync_directory(const std::string&) override { return {}; }
  core::result<core::time_point> modified_at(const std::string&) override {
    return core::time_point{};
  }
  core::result<void> make_directory(const std::string&) override { return {}; }
  core::result<std::vector<std::string>> list(const std::string& path) override;
  core::result<std::unique_ptr<core::file_lock>> lock(const std::string& path) override;
  core::result<std::uint64_t> free_bytes(const std::string&) override {
    return std::uint64_t{1} << 40;
  }
};

}  // namespace nexus::test::sweep
