// The watermark and the reserve.
#include "wal/disk_space.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "tests/support/catch.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace nexus::test;
using core::errc;

namespace {

constexpr std::uint64_t mib = 1 << 20;

struct bench {
  bench() {
    std::filesystem::create_directories(dir / "wal");
    files = std::make_unique<failing_files>(dir / "wal");
    how.directory = dir / "wal";
    how.files = files.get();
    how.reserve_bytes = mib;
    how.min_free_bytes = 8 * mib;
  }
  std::string reserve() const { return dir / "wal/reserve"; }
  std::uint64_t reserve_size() const {
    return std::filesystem::exists(reserve()) ? std::filesystem::file_size(reserve()) : 0;
  }
  temp_dir dir;
  std::unique_ptr<failing_files> files;
  wal::options how;
};

}  // namespace

TEST_CASE("the reserve takes its space, for real, and gives it back") {
  bench at;
  at.how.files = &core::posix_files();
  wal::disk_space space(at.how);
  REQUIRE(space.keep_reserve().ok());
  struct stat info;
  REQUIRE(::stat(at.reserve().c_str(), &info) == 0);
  CHECK(info.st_size == mib);
  CHECK(static_cast<std::uint64_t>(info.st_blocks) * 512 >= mib);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(space.release_reserve());
  CHECK_FALSE(std::filesystem::exists(at.reserve()));
  CHECK_FALSE(space.release_reserve());
  REQUIRE(space.keep_reserve().ok());
  CHECK(at.reserve_size() == mib);
}

TEST_CASE("the reserve survives a power cut, and is not made twice") {
  bench at;
  REQUIRE(wal::disk_space(at.how).keep_reserve().ok());
  at.files->crash(survival::nothing);
  CHECK(at.reserve_size() == mib);
  wal::disk_space space(at.how);
  REQUIRE(space.keep_reserve().ok());
  auto operations = at.files->operations();
  for (int i = 0; i < 5; ++i) REQUIRE(space.keep_reserve().ok());
  CHECK(at.files->operations() == operations);
  CHECK(at.files->count(operation::create) == 1);
}

TEST_CASE("a reserve is made only where twice its size is free, and tried again") {
  bench at;
  wal::disk_space space(at.how);
  at.files->pretend_free(2 * mib - 1);
  REQUIRE(space.keep_reserve().ok());
  CHECK_FALSE(std::filesystem::exists(at.reserve()));
  CHECK_FALSE(space.release_reserve());
  at.files->pretend_free(2 * mib);
  REQUIRE(space.keep_reserve().ok());
  CHECK(at.reserve_size() == mib);
  // There is one: how much is left beside it does not matter.
  at.files->pretend_free(0);
  REQUIRE(wal::disk_space(at.how).keep_reserve().ok());
  CHECK(at.reserve_size() == mib);
}

TEST_CASE("where the file system can't allocate, the reserve is written") {
  bench at;
  at.how.reserve_bytes = 3 * mib + 5;
  /// Says what a file system without fallocate says.
  struct no_allocation final : core::file {
    explicit no_allocation(std::unique_ptr<core::file> f) : real(std::move(f)) {}
    core::result<std::size_t> read_at(std::uint64_t at, std::span<char> into) const override {
      return real->read_at(at, into);
    }
    core::result<void> write_at(std::uint64_t at,
                                std::span<const std::string_view> pieces) override {
      return real->write_at(at, pieces);
    }
    core::result<void> sync() override { return real->sync(); }
    core::result<void> allocate(std::uint64_t) override {
      return core::error{errc::unsupported, "no allocation here"};
    }
    core::result<void> truncate(std::uint64_t size) override { return real->truncate(size); }
    core::result<std::uint64_t> size() const override { return real->size(); }
    core::result<void> check_in_place() const override { return real->check_in_place(); }
    std::unique_ptr<core::file> real;
  };
  struct plain_files final : failing_files {
    using failing_files::failing_files;
    core::result<std::unique_ptr<core::file>> wrap(core::result<std::unique_ptr<core::file>> one) {
      if (!one) return one;
      return std::unique_ptr<core::file>(std::make_unique<no_allocation>(*std::move(one)));
    }
    core::result<std::unique_ptr<core::file>> create(const std::string& path) override {
      return wrap(failing_files::create(path));
    }
    core::result<std::unique_ptr<core::file>> open_write(const std::string& path) override {
      return wrap(failing_files::open_write(path));
    }
  };
  plain_files files(at.dir / "wal");
  at.how.files = &files;
  REQUIRE(wal::disk_space(at.how).keep_reserve().ok());
  CHECK(at.reserve_size() == at.how.reserve_bytes);
  files.crash(survival::nothing);
  CHECK((read_file(at.reserve()) == std::string(at.how.reserve_bytes, '\0')));
  // Half-made: completed from where it ends.
  std::filesystem::resize_file(at.reserve(), mib);
  REQUIRE(wal::disk_space(at.how).keep_reserve().ok());
  CHECK(at.reserve_size() == at.how.reserve_bytes);
  // A disk that fills on the way leaves nothing behind.
  std::filesystem::remove(at.reserve());
  files.fail({operation::write, 2, true, ENOSPC, 100});
  CHECK(wal::disk_space(at.how).keep_reserve().reason().code == errc::wal_full);
  CHECK_FALSE(std::filesystem::exists(at.reserve()));
}

TEST_CASE("a reserve of another size is fitted, one that is not wanted any more is removed") {
  bench at;
  REQUIRE(wal::disk_space(at.how).keep_reserve().ok());
  for (auto wanted : {3 * mib, mib / 2}) {
    at.how.reserve_bytes = wanted;
    REQUIRE(wal::disk_space(at.how).keep_reserve().ok());
    CHECK(at.reserve_size() == wanted);
  }
  at.how.reserve_bytes = 0;
  wal::disk_space space(at.how);
  REQUIRE(space.keep_reserve().ok());
  CHECK_FALSE(std::filesystem::exists(at.reserve()));
  CHECK_FALSE(space.release_reserve());
}

TEST_CASE("a half-made reserve that has no room to be completed is removed") {
  bench at;
  write_file(at.reserve(), std::string(1000, '\0'));
  at.files->pretend_free(mib);
  REQUIRE(wal::disk_space(at.how).keep_reserve().ok());
  CHECK_FALSE(std::filesystem::exists(at.reserve()));
}

TEST_CASE("a failure while the reserve is made leaves none, and the next call makes it") {
  std::uint64_t fired = 0;
  for (auto kind : {operation::create, operation::allocate, operation::sync,
                    operation::sync_directory, operation::open_write})
    for (auto number : {EIO, ENOSPC}) {
      bench at;
      if (kind == operation::open_write) write_file(at.reserve(), "");
      wal::disk_space space(at.how);
      at.files->fail({kind, 1, false, number});
      auto kept = space.keep_reserve();
      INFO("operation " << static_cast<int>(kind));
      REQUIRE(at.files->faults_fired() == 1);
      ++fired;
      CHECK(kept.reason().code == (number == EIO ? errc::io_failed : errc::wal_full));
      CHECK_FALSE(std::filesystem::exists(at.reserve()));
      REQUIRE(space.keep_reserve().ok());
      CHECK(at.reserve_size() == mib);
      at.files->crash(survival::nothing);
      CHECK(at.reserve_size() == mib);
    }
  CHECK(fired == 10);
}

TEST_CASE("a reserve that can't be removed is not given, and not forgotten") {
  bench at;
  wal::disk_space space(at.how);
  REQUIRE(space.keep_reserve().ok());
  at.files->fail({operation::remove, 1, false, EROFS});
  CHECK_FALSE(space.release_reserve());
  CHECK(space.release_reserve());
  // A name that comes back after a power cut would only be a reserve again.
  REQUIRE(space.keep_reserve().ok());
  at.files->fail({operation::sync_directory, 1, false, EIO});
  CHECK(space.release_reserve());
}

TEST_CASE("on a full disk, what the reserve gives can be written") {
  bench at;
  at.files->set_capacity(3 * mib);
  wal::disk_space space(at.how);
  REQUIRE(space.keep_reserve().ok());
  auto file = at.files->create(at.dir / "wal/filler");
  REQUIRE(file.ok());
  REQUIRE((*file)->allocate(2 * mib).ok());
  const std::string more(1000, 'x');
  std::string_view piece = more;
  CHECK((*file)->write_at(2 * mib, std::span(&piece, 1)).reason().code == errc::wal_full);
  REQUIRE(space.release_reserve());
  CHECK((*file)->write_at(2 * mib, std::span(&piece, 1)).ok());
}

TEST_CASE("entries are refused below the watermark, with what to do, and admitted at once above") {
  bench at;
  wal::disk_space space(at.how);
  at.files->pretend_free(8 * mib - 1);
  auto refused = space.admit(1);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == errc::wal_full);
  for (std::string part : {at.how.directory, std::string("7.9 MiB"), std::string("8.0 MiB"),
                           std::string("min_free_bytes")})
    CHECK(refused.reason().text.find(part) != std::string::npos);
  CHECK_FALSE(space.admit(1).ok());
  at.files->pretend_free(8 * mib);
  CHECK(space.admit(1).ok());
}

TEST_CASE("the file system is asked again before more than 4 MiB have been written") {
  bench at;
  wal::disk_space space(at.how);
  at.files->pretend_free(8 * mib);
  REQUIRE(space.admit(0).ok());
  at.files->pretend_free(0);
  std::uint64_t admitted = 0;
  while (admitted <= 64 * mib && space.admit(mib / 4).ok()) admitted += mib / 4;
  CHECK(admitted <= 4 * mib);
}

TEST_CASE("without a watermark, or where the file system can't be asked, there is room") {
  bench at;
  at.how.min_free_bytes = 0;
  at.files->pretend_free(0);
  CHECK(wal::disk_space(at.how).admit(mib).ok());
  at.how.min_free_bytes = mib;
  at.how.files = &core::posix_files();
  at.how.directory = at.dir / "missing";
  CHECK(wal::disk_space(at.how).admit(mib).ok());
}
