#include "actors/publish_destination.hpp"

#include <fmt/format.h>

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>
#include <exception>

#include "actors/remote_door.hpp"

namespace nexus::actors {
namespace {

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

core::result<void> may_publish(const caf::actor_system& system, const publish_options& how) {
  if (!system.has_middleman()) {
    return core::error{core::errc::bad_config, "the actor system was not set up by networking()"};
  }
  const auto& config = system.config();
  const tls_files tls{config.openssl_cafile, config.openssl_certificate, config.openssl_key};
  if (auto usable = check(tls); !usable) return usable;
  if (!how.secret.empty() && how.secret.size() < secret_bytes_min) {
    return core::error{core::errc::bad_config,
                       fmt::format("the secret has less than {} bytes", secret_bytes_min)};
  }
  if (how.secret.empty() && !tls.any() && !is_loopback(how.host)) {
    return core::error{
        core::errc::bad_config,
        fmt::format("{} can be reached by others: a secret or TLS is needed", how.host)};
  }
  return {};
}

}  // namespace

core::result<std::uint16_t> publish_destination(caf::actor_system& system,
                                                const destination_actor& target,
                                                const publish_options& how) {
  if (auto right = may_publish(system, how); !right) return right.reason();
  const auto door = spawn_remote_door(system, target, how.secret);
  // Its port is in TIME_WAIT for a while after a crash.
  constexpr bool reuse_address = true;
  auto port = system.has_openssl_manager()
                  ? caf::openssl::publish(door, how.port, how.host.c_str(), reuse_address)
                  : caf::io::publish(door, how.port, how.host.c_str(), reuse_address);
  if (port) return *port;
  caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
  return core::error{core::errc::io_failed, fmt::format("cannot listen on {}:{}: {}", how.host,
                                                        how.port, system.render(port.error()))};
}

}  // namespace nexus::actors
