// A home whose log has entries that wait.
#pragma once

#include <csignal>
#include <filesystem>
#include <string>

#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

namespace nexus::test {

/// A home whose server was killed with ten entries on the disk; none could be delivered.
struct killed_home : server_home {
  killed_home() {
    std::filesystem::create_directory(database());
    const auto server = start();
    http_client client(server->port());
    for (int i = 0; i < 10; ++i) payload_id(write_content(client, "entry " + std::to_string(i)));
    server->signal(SIGKILL);
    server->wait();
  }
};

}  // namespace nexus::test
