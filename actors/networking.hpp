// How an actor system of ours is set up to speak with other processes.
#pragma once

#include <caf/fwd.hpp>
#include <string>

#include "core/result.hpp"

namespace nexus::actors {

/// PEM files of one side: either none, or all three. Each side then has to show a certificate that
/// was signed by one in `ca`. Nothing else is looked at, no host name either: have an authority of
/// your own for the two sides alone.
struct tls_files {
  std::string ca;           ///< the certificates that are trusted
  std::string certificate;  ///< one's own, with those between it and the authority
  std::string key;          ///< the key of that, not encrypted

  bool any() const noexcept { return !(ca.empty() && certificate.empty() && key.empty()); }
};

/// Whether the files can be used. Error: `bad_config`. CAF itself throws, later and on a thread of
/// its own, where they cannot.
core::result<void> check(const tls_files& files);

/// Makes `config` one of a system that reaches others or is reached: CAF's network layer, the types
/// of the published messages, heartbeats, and TLS for every connection if there are files: they
/// belong to the whole actor system.
caf::actor_system_config& networking(caf::actor_system_config& config, const tls_files& files = {});

}  // namespace nexus::actors
