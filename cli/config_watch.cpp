#include "cli/config_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nexus::cli {
namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

/// A file that is being written counts once it is closed.
constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                  IN_CREATE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

/// After so many times the quiet time a change counts, even if there are others all the time.
constexpr int quiet_times_max = 10;

/// Which entries of a directory matter.
struct interest {
  bool toml = false;            ///< all *.toml
  std::set<std::string> names;  ///< and these

  bool has(std::string_view name) const {
    // What Kubernetes swaps when it changes a mounted secret: files link into it.
    if (name == "..data") return true;
    return (toml && name.ends_with(".toml")) || names.contains(std::string(name));
  }
};

bool is_link(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && (S_ISLNK(found.st_mode) || found.st_nlink > 1);
}

}  // namespace

/// One inotify instance.
class config_watch::watches {
 public:
  static core::result<std::unique_ptr<watches>> make(const std::string& home,
                                                     const std::vector<std::string>& files) {
    const int fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) return core::os_error(errno, "inotify");
    std::unique_ptr<watches> made(new watches(fd));
    std::map<std::string, interest> wanted;
    wanted[home].names = {"daemon.toml", "sources", "destinations"};
    wanted[home + "/sources"].toml = true;
    wanted[home + "/destinations"].toml = true;
    for (const auto& file : files) {
      const fs::path path(file);
      wanted[path.parent_path().string()].names.insert(path.filename().string());
    }
    for (auto& [directory, what] : wanted)
      if (auto added = made->add(directory, std::move(what)); !added) return added.reason();
    return made;
  }
  ~watches() { ::close(fd_); }
  watches(const watches&) = delete;
  watches& operator=(const watches&) = delete;

  int fd() const { return fd_; }

  /// Takes the events that there are; true if one of them matters.
  bool take() {
    bool matters = false;
    alignas(inotify_event) std::array<char, 16 * 1024> bytes;
    for (;;) {
      const ssize_t n = ::read(fd_, bytes.data(), bytes.size());
      if (n <= 0) return matters;
      for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
        inotify_event event;
        std::memcpy(&event, bytes.data() + at, sizeof event);
        const char* name = event.len > 0 ? bytes.data() + at + sizeof event : "";
        matters = is_of_interest(event, name) || matters;
        at += sizeof event + event.len;
      }
    }
  }

 private:
  struct watched {
    std::string directory;
    interest what;
  };

  explicit watches(int fd) : fd_(fd) {}

  core::result<void> add(const std::string& directory, interest what) {
    const int number = ::inotify_add_watch(fd_, directory.c_str(), changes | IN_ONLYDIR);
    // What is not there yet is noticed by its parent, if that is ours.
    if (number < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) return {};
    if (number < 0) return core::os_error(errno, "cannot watch " + directory);
    auto& known = all_[number];  // two paths may lead to one directory
    known.directory = directory;
    known.what.toml = known.what.toml || what.toml;
    known.what.names.merge(what.names);
    return {};
  }

  bool is_of_interest(const inotify_event& event, const std::string& name) const {
    if ((event.mask & IN_Q_OVERFLOW) != 0) return true;
    if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0) return true;
    const auto found = all_.find(event.wd);
    if (found == all_.end() || !found->second.what.has(name)) return false;
    // A file that has been made is not whole yet, but a link or a directory is.
    return (event.mask & IN_CREATE) == 0 || (event.mask & IN_ISDIR) != 0 ||
           is_link(found->second.directory + "/" + name);
  }

  int fd_;
  std::map<int, watched> all_;
};

core::result<std::unique_ptr<config_watch>> config_watch::start(std::string home,
                                                                std::vector<std::string> files,
                                                                std::chrono::milliseconds quiet,
                                                                std::function<void()> on_change,
                                                                core::logger_ptr log) {
  std::unique_ptr<config_watch> made(
      new config_watch(std::move(home), quiet, std::move(on_change), std::move(log)));
  made->files_ = std::move(files);
  made->wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (made->wake_ < 0) return core::os_error(errno, "eventfd");
  auto first = made->make_watches();
  if (!first) return first.reason();
  made->now_ = *std::move(first);
  made->thread_ = std::thread([at = made.get()] { at->loop(); });
  return made;
}

config_watch::config_watch(std::string home, std::chrono::milliseconds quiet,
                           std::function<void()> on_change, core::logger_ptr log)
    : home_(std::move(home)),
      quiet_(quiet),
      on_change_(std::move(on_change)),
      log_(std::move(log)) {}

config_watch::~config_watch() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake();
    thread_.join();
  }
  if (wake_ >= 0) ::close(wake_);
}

void config_watch::wake() const {
  const std::uint64_t one = 1;
  // It can only fail when the counter is full, and then the thread is awake.
  [[maybe_unused]] const ssize_t n = ::write(wake_, &one, sizeof one);
}

void config_watch::also(std::vector<std::string> files) {
  {
    const std::lock_guard lock(mutex_);
    if (files == files_) return;
    files_ = std::move(files);
    renew_ = true;
  }
  wake();
}

core::result<std::unique_ptr<config_watch::watches>> config_watch::make_watches() {
  const std::lock_guard lock(mutex_);
  renew_ = false;
  return watches::make(home_, files_);
}

/// False: it is time to stop.
bool config_watch::wait_until_quiet() {
  std::optional<clock::time_point> due;
  std::optional<clock::time_point> latest;
  for (;;) {
    int wait_ms = -1;
    if (due) {
      const auto left = std::min(*due, *latest) - clock::now();
      if (left <= clock::duration::zero()) return true;
      wait_ms = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
    }
    std::array<pollfd, 2> waiting{{{now_->fd(), POLLIN, 0}, {wake_, POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), wait_ms) < 0 && errno != EINTR) return false;
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t n = ::read(wake_, &count, sizeof count);
    bool changed = now_->take();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return false;
      // What has happened to the new files before they were watched counts as a change.
      changed = changed || renew_;
      renew_ = false;
    }
    if (!changed) continue;
    due = clock::now() + quiet_;
    if (!latest) latest = clock::now() + quiet_times_max * quiet_;
  }
}

void config_watch::loop() {
  while (wait_until_quiet()) {
    // Directories may have come or been exchanged. Before the call: what changes from here on is
    // seen by the new watches, what has changed before by the one who is called.
    if (auto next = make_watches()) {
      now_ = *std::move(next);
    } else {
      log_->warn("configuration files that are new may not be watched: " + next.reason().text);
    }
    on_change_();
  }
}

}  // namespace nexus::cli
