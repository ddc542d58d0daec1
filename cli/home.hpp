// The home directory of one server, and the note in it that says where the running one listens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "core/result.hpp"

namespace nexus::cli {

/// The flag's value, else NEXUS_HOME, else BUBBLEFISH_HOME, else ~/.nexus; made absolute.
/// Error `bad_config`: none of them is set and there is no HOME either.
core::result<std::string> home_directory(const std::string& flag);

/// A server that runs now.
struct running_server {
  pid_t pid = 0;
  std::string host;  ///< an address that a client on this machine can connect to
  std::uint16_t port = 0;
  bool tls = false;
};

/// Writes the note `nexus.run` (mode 0600), replacing that of a server that was killed.
core::result<void> write_running(const std::string& home, const running_server& server);
/// Removes the note.
void remove_running(const std::string& home);
/// What the note says, if the process that it names is alive.
std::optional<running_server> find_running(const std::string& home);

/// Whether the process runs; one that has ended and was not waited for does not.
bool is_alive(pid_t pid);

/// The address to connect to when a server listens on `bind`: that address, or loopback where it
/// means all interfaces.
std::string client_host(const std::string& bind);

/// `host:port`, with an IPv6 address in brackets.
std::string address_text(const std::string& host, std::uint16_t port);

}  // namespace nexus::cli
