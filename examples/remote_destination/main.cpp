// A destination in a program of its own: a Nexus delivers to it over the network (type = "actor").
// It appends each payload id to a file, a line each.
//
//     remote_destination PORT FILE      (port 0: any free one; SECRET comes from the environment)
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>

#include <caf/all.hpp>
#include <nexus/actors/publish_destination.hpp>

namespace actors = nexus::actors;
namespace dest = nexus::destinations;

class id_file final : public dest::destination {
 public:
  explicit id_file(const std::string& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
    std::ifstream in(path);
    for (std::string id; std::getline(in, id);) known_.insert(id);
  }
  ~id_file() override { ::close(fd_); }

  std::vector<dest::outcome> deliver(std::span<const nexus::core::entry_ptr> batch) override {
    std::string lines;
    std::set<std::string> fresh;
    for (const auto& entry : batch) {
      const auto& id = entry->payload_id;
      // Delivery is at least once: what comes again is there already. The newline in front keeps
      // an id apart from one that a crash has cut off.
      if (!known_.contains(id) && fresh.insert(id).second) lines += "\n" + id + "\n";
    }
    const bool stored = ::write(fd_, lines.data(), lines.size()) == ssize_t(lines.size()) &&
                        ::fdatasync(fd_) == 0;  // "delivered" means: it survives a crash
    if (!stored) {
      return {batch.size(), {dest::outcome_kind::transient, "cannot write the file", {}}};
    }
    known_.merge(fresh);
    return std::vector<dest::outcome>(batch.size());
  }

  nexus::core::result<void> ping() override {
    if (fd_ >= 0) return {};
    return nexus::core::error{nexus::core::errc::bad_config, "the file cannot be opened"};
  }

 private:
  int fd_;
  std::set<std::string> known_;
};

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: remote_destination PORT FILE\n", stderr), 2;
  sigset_t end;  // blocked before there are other threads: main waits for them below
  sigemptyset(&end);
  sigaddset(&end, SIGINT);
  sigaddset(&end, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &end, nullptr);

  caf::actor_system_config config;
  caf::actor_system system{actors::networking(config)};
  auto target = actors::spawn_destination_actor(
      system, {"ids", std::make_shared<id_file>(argv[2]), nexus::core::make_null_logger()});
  actors::publish_options how;
  how.port = static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10));
  if (const char* secret = std::getenv("SECRET")) how.secret = secret;
  const auto port = actors::publish_destination(system, target, how);
  if (port) {
    std::printf("listening on port %d\n", *port);
    std::fflush(stdout);
    int signal = 0;
    sigwait(&end, &signal);
  } else {
    std::fprintf(stderr, "%s\n", port.reason().text.c_str());
  }
  caf::anon_send_exit(target, caf::exit_reason::user_shutdown);  // the system ends with its actors
  return port ? 0 : 1;
}
