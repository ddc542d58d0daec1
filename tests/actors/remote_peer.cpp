// A program that publishes a destination, for tests that stop it, kill it and start it again:
//
//     remote_peer PORT SECRET FILE [CA CERTIFICATE KEY]
//
// It appends the payload id of each new entry to FILE, a line each, prints its port, and ends with
// its standard input. An entry of the subject "hang" is answered by nothing.
#include <poll.h>
#include <unistd.h>

#include <caf/all.hpp>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>

#include "actors/publish_destination.hpp"

using namespace nexus;

namespace {

class id_file final : public destinations::destination {
 public:
  explicit id_file(const std::string& path) : out_(path, std::ios::app) {
    std::ifstream in(path);
    for (std::string id; std::getline(in, id);) known_.insert(id);
  }

  std::vector<destinations::outcome> deliver(std::span<const core::entry_ptr> batch) override {
    for (const auto& entry : batch) {
      if (known_.insert(entry->payload_id).second) out_ << entry->payload_id << std::endl;
      if (entry->subject == "hang") ::poll(nullptr, 0, -1);
    }
    return std::vector<destinations::outcome>(batch.size());
  }
  core::result<void> ping() override { return {}; }

 private:
  std::set<std::string> known_;
  std::ofstream out_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 7) return 2;
  actors::tls_files tls;
  if (argc == 7) tls = {argv[4], argv[5], argv[6]};
  actors::publish_options how;
  const std::string port_text = argv[1];
  std::from_chars(port_text.data(), port_text.data() + port_text.size(), how.port);
  how.secret = argv[2];
  caf::actor_system_config config;
  caf::actor_system system{actors::networking(config, tls)};
  auto target = actors::spawn_destination_actor(
      system, {"peer", std::make_shared<id_file>(argv[3]), core::make_null_logger()});
  const auto port = actors::publish_destination(system, target, how);
  if (!port) {
    std::fprintf(stderr, "%s\n", port.reason().text.c_str());
    return 1;
  }
  std::printf("%d\n", *port);
  std::fflush(stdout);
  for (char byte = 0; ::read(STDIN_FILENO, &byte, 1) > 0;) {
  }
  caf::anon_send_exit(target, caf::exit_reason::user_shutdown);
  return 0;
}
