#include "cli/config_watch.hpp"

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A home that is watched.
struct watched_home {
  explicit watched_home(std::vector<std::string> files = {}) {
    auto started = cli::config_watch::start(
        directory.path(), std::move(files), 20ms,
        [this] {
          const std::lock_guard lock(mutex);
          ++seen;
          changed.notify_all();
        },
        core::make_null_logger());
    REQUIRE(started.ok());
    watch = *std::move(started);
  }

  /// Whether a change is noticed within two minutes.
  bool notices() {
    std::unique_lock lock(mutex);
    const bool well = changed.wait_for(lock, 2min, [&] { return seen > 0; });
    seen = 0;
    return well;
  }

  void write(const std::string& name, const std::string& text) {
    test::write_file(directory / name, text);
  }

  test::temp_dir directory;
  std::mutex mutex;
  std::condition_variable changed;
  int seen = 0;
  std::unique_ptr<cli::config_watch> watch;
};

}  // namespace

TEST_CASE("a file of the configuration that is written, replaced or removed is noticed") {
  watched_home in;
  in.write("daemon.toml", "a");
  CHECK(in.notices());
  in.write("daemon.toml.new", "b");
  fs::rename(in.directory / "daemon.toml.new", in.directory / "daemon.toml");
  CHECK(in.notices());
  fs::remove(in.directory / "daemon.toml");
  CHECK(in.notices());
}

TEST_CASE("a directory that comes later is watched, and watched anew when it is replaced") {
  watched_home in;
  fs::create_directory(in.directory / "sources");
  CHECK(in.notices());
  in.write("sources/a.toml", "a");
  CHECK(in.notices());
  fs::create_directory(in.directory / "fresh");
  in.write("fresh/b.toml", "b");
  fs::rename(in.directory / "sources", in.directory / "old");
  fs::rename(in.directory / "fresh", in.directory / "sources");
  CHECK(in.notices());
  in.write("sources/c.toml", "c");
  CHECK(in.notices());
  fs::create_symlink(in.directory / "old/a.toml", in.directory / "sources/linked.toml");
  CHECK(in.notices());
}

TEST_CASE("other files are not noticed") {
  watched_home in;
  in.write("memories.db", "x");
  in.write("paused", "x");
  fs::create_directory(in.directory / "wal");
  in.write("wal/wal-1.jsonl", "x");
  fs::create_directory(in.directory / "sources");
  CHECK(in.notices());
  in.write("sources/notes.txt", "x");
  in.write("sources/a.toml~", "x");
  in.watch.reset();  // waits for the thread: what has not been noticed by now never is
  CHECK(in.seen == 0);
}

TEST_CASE("single files elsewhere are watched, and others once they are named") {
  const test::temp_dir elsewhere;
  watched_home in({elsewhere / "cert.pem"});
  test::write_file(elsewhere / "cert.pem", "one");
  CHECK(in.notices());
  in.watch->also({elsewhere / "other.pem"});
  CHECK(in.notices());  // it may have changed before it was watched
  test::write_file(elsewhere / "other.pem", "two");
  CHECK(in.notices());
}
