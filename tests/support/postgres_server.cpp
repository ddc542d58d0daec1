#include "tests/support/postgres_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "tests/support/standstill.hpp"

namespace nexus::test {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto patience = 120s;
constexpr int look_for_its_end_every_ms = 100;

/// Says when a file of a directory has changed.
class directory_watch {
 public:
  explicit directory_watch(const std::string& directory)
      : events_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (::inotify_add_watch(events_, directory.c_str(), IN_CREATE | IN_MODIFY) < 0) {
      throw std::runtime_error("inotify " + directory);
    }
  }
  ~directory_watch() { ::close(events_); }
  directory_watch(const directory_watch&) = delete;
  directory_watch& operator=(const directory_watch&) = delete;

  void wait(int milliseconds) {
    pollfd watched{events_, POLLIN, 0};
    ::poll(&watched, 1, milliseconds);
    std::array<char, 4096> passed;
    while (::read(events_, passed.data(), passed.size()) > 0) {
    }
  }

 private:
  int events_;
};

/// The directory of the newest version's programs; empty if there is none.
std::string newest_binaries() {
  std::string newest;
  int newest_version = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
    int version = 0;
    const std::string name = entry.path().filename().string();
    std::from_chars(name.data(), name.data() + name.size(), version);
    const fs::path bin = entry.path() / "bin";
    if (version > newest_version && fs::exists(bin / "initdb")) {
      newest = bin.string();
      newest_version = version;
    }
  }
  return newest;
}

std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  const bool found = ::bind(probe, any, size) == 0 && ::getsockname(probe, any, &size) == 0;
  ::close(probe);
  if (!found) throw std::runtime_error("no port is free");
  return ntohs(address.sin_port);
}

/// The word that the postmaster leaves about itself, on the eighth line of its file.
std::string status_of(const std::string& data, pid_t postmaster) {
  std::ifstream file(data + "/postmaster.pid");
  std::string line;
  std::getline(file, line);
  if (line != std::to_string(postmaster)) return {};
  for (int i = 1; i < 8; ++i) {
    if (!std::getline(file, line)) return {};
  }
  return line.substr(0, line.find(' '));
}

}  // namespace

bool postgres_server::installed() {
  return !newest_binaries().empty();
}

postgres_server::postgres_server(authentication how, const std::string& settings)
    : binaries_(newest_binaries()), user_(::geteuid()), group_(::getegid()), port_(free_port()) {
  if (binaries_.empty()) throw std::runtime_error("PostgreSQL is not installed");
  if (user_ == 0) {
    const passwd* other = ::getpwnam("postgres");
    if (other == nullptr) other = ::getpwnam("nobody");
    if (other == nullptr) throw std::runtime_error("no user to run PostgreSQL as");
    user_ = other->pw_uid;
    group_ = other->pw_gid;
  }
  write_file(directory_ / "password", password);
  for (const auto& path : {directory_.path(), directory_ / "password"}) {
    if (::chown(path.c_str(), user_, group_) != 0) throw std::runtime_error("chown " + path);
  }
  const pid_t child = spawn({binaries_ + "/initdb", "--pgdata", directory_ / "data", "--username",
                             superuser, "--pwfile", directory_ / "password", "--auth",
                             how == authentication::trust ? "trust" : "scram-sha-256", "--encoding",
                             "UTF8", "--locale", "C", "--no-sync", "--no-instructions"});
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) {
    throw std::runtime_error("initdb: " + read_file(directory_ / "log"));
  }
  std::ofstream(directory_ / "data/postgresql.conf", std::ios::app)
      << "listen_addresses = '127.0.0.1'\nport = " << port_ << "\nunix_socket_directories = '"
      << directory_.path() << "'\n"
      << settings;
  start();
}

postgres_server::~postgres_server() {
  if (postmaster_ == 0) return;
  resume();
  ::kill(postmaster_, SIGQUIT);
  ::waitpid(postmaster_, nullptr, 0);
}

pid_t postgres_server::spawn(const std::vector<std::string>& command) const {
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const std::string log = directory_ / "log";
  const bool change_user = user_ != ::geteuid();
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child > 0) return child;
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int in = ::open("/dev/null", O_RDONLY);
  const bool ready = out >= 0 && in >= 0 && ::dup2(in, 0) == 0 && ::dup2(out, 1) == 1 &&
                     ::dup2(out, 2) == 2 && ::chdir("/") == 0 && ::setpgid(0, 0) == 0 &&
                     (!change_user || (::setgroups(0, nullptr) == 0 && ::setgid(group_) == 0 &&
                                       ::setuid(user_) == 0)) &&
                     ::prctl(PR_SET_PDEATHSIG, SIGQUIT) == 0;  // a change of user clears it
  if (ready) ::execv(words[0], words.data());
  ::_exit(127);
}

/// False if it ended instead: after a kill, what is left of the one before may be in its way.
bool postgres_server::came_up() {
  directory_watch changes(directory_ / "data");
  postmaster_ = spawn({binaries_ + "/postgres", "-D", directory_ / "data"});
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    if (status_of(directory_ / "data", postmaster_) == "ready") return true;
    if (::waitpid(postmaster_, nullptr, WNOHANG) == postmaster_) {
      postmaster_ = 0;
      return false;
    }
    changes.wait(look_for_its_end_every_ms);
  }
  throw std::runtime_error("PostgreSQL does not come up: " + read_file(directory_ / "log"));
}

void postgres_server::start() {
  if (postmaster_ != 0) return;
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!came_up()) {
    if (std::chrono::steady_clock::now() > until) {
      throw std::runtime_error("PostgreSQL ends at once: " + read_file(directory_ / "log"));
    }
  }
}

void postgres_server::stop(stop_mode mode) {
  if (postmaster_ == 0) return;
  ::kill(postmaster_, mode == stop_mode::fast ? SIGINT : SIGQUIT);
  ::waitpid(postmaster_, nullptr, 0);
  postmaster_ = 0;
}

void postgres_server::restart(stop_mode mode) {
  stop(mode);
  start();
}

void postgres_server::kill() {
  if (postmaster_ == 0) return;
  ::kill(postmaster_, SIGKILL);
  ::waitpid(postmaster_, nullptr, 0);
  postmaster_ = 0;
}

std::vector<pid_t> postgres_server::children() const {
  const std::string pid = std::to_string(postmaster_);
  std::istringstream text(read_file("/proc/" + pid + "/task/" + pid + "/children"));
  return {std::istream_iterator<pid_t>(text), {}};
}

void postgres_server::suspend() {
  bring_to_standstill(postmaster_);
  for (const auto child : children()) bring_to_standstill(child);
}

void postgres_server::resume() {
  ::kill(postmaster_, SIGCONT);
  for (const auto child : children()) ::kill(child, SIGCONT);
}

std::string postgres_server::dsn(const std::string& database, const std::string& user,
                                 const std::string& user_password) const {
  return "host=127.0.0.1 port=" + std::to_string(port_) + " dbname=" + database + " user=" + user +
         " password=" + user_password + " sslmode=disable";
}

}  // namespace nexus::test
