// Marks that come while the segment of their entries is being rewritten.
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/failing_files.hpp"
#include "tests/wal/log_support.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

/// A file that does something before it is synced.
class watched_file final : public core::file {
 public:
  watched_file(std::unique_ptr<core::file> inner, std::function<void()> before_sync)
      : inner_(std::move(inner)), before_sync_(std::move(before_sync)) {}

  core::result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    return inner_->read_at(offset, into);
  }
  core::result<void> write_at(std::uint64_t offset,
                              std::span<const std::string_view> pieces) override {
    return inner_->write_at(offset, pieces);
  }
  core::result<void> sync() override {
    before_sync_();
    return inner_->sync();
  }
  core::result<void> allocate(std::uint64_t size) override { return inner_->allocate(size); }
  core::result<void> truncate(std::uint64_t size) override { return inner_->truncate(size); }
  core::result<std::uint64_t> size() const override { return inner_->size(); }
  core::result<void> check_in_place() const override { return inner_->check_in_place(); }

 private:
  const std::unique_ptr<core::file> inner_;
  const std::function<void()> before_sync_;
};

/// Does something once a segment has been copied, and before the copy takes its place.
class watched_settling final : public failing_files {
 public:
  using failing_files::failing_files;

  std::function<void()> when_copied = [] {};

  core::result<std::unique_ptr<core::file>> create(const std::string& path) override {
    auto made = failing_files::create(path);
    if (!made || !path.ends_with(".tmp")) return made;
    return std::unique_ptr<core::file>(
        std::make_unique<watched_file>(*std::move(made), [this] { when_copied(); }));
  }
};

}  // namespace

TEST_CASE("a mark that comes while its segment is settled is not lost with the status lines") {
  temp_dir dir, killed;
  watched_settling files(dir.path());
  auto how = options_for(dir.path());
  how.files = &files;
  auto log = open_log(how);
  const bool fails = GENERATE(false, true);
  append_ids(*log, {"done before", "marked", "pending"});
  REQUIRE(log->mark_delivered("done before").ok());
  int copied = 0;
  files.when_copied = [&] {
    if (copied++ > 0) return;
    CHECK((fails ? log->mark_permanent_failure("marked", "why") : log->mark_delivered("marked"))
              .ok());
  };
  REQUIRE(log->settle().ok());
  REQUIRE(copied == 1);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"pending"});
  REQUIRE(log->settle().ok());  // also what has been marked meanwhile, and its status lines go
  CHECK(copied > 1);
  CHECK(bytes_of(dir.path()).find("\"mark\"") == std::string::npos);
  copy_as_killed(dir.path(), killed.path());
  auto reopened = open_log(killed.path());
  CHECK(replayed_ids(*reopened) == std::vector<std::string>{"pending"});
  CHECK(reopened->stats().dead_letters == (fails ? 1 : 0));
}
