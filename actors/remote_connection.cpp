#include "actors/remote_connection.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/openssl/all.hpp>
#include <future>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>

#include "actors/guard.hpp"
#include "actors/reach.hpp"
#include "actors/remote_door.hpp"

namespace nexus::actors {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// At least one: CAF takes 0 for ever.
milliseconds until(remote_connection::clock::time_point deadline) {
  const auto left = deadline - remote_connection::clock::now();
  return std::max(std::chrono::duration_cast<milliseconds>(left), 1ms);
}

caf::actor_system_config& client(caf::actor_system_config& config, const tls_files& tls) {
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", 1);
  networking(config, tls);
  // Calls have a timeout. CAF must not let go of a silent connection before that: it would be out
  // of hang_up's reach, and still be waited for.
  config.set("middleman.connection-timeout", caf::timespan(24h * 365));
  return config;
}

using network_broker = caf::io::basp_broker;

/// On CAF's network thread: settles `gone` when the broker has seen that every connection has
/// ended.
void await_end(caf::io::middleman& network, const caf::actor& broker,
               remote_connection::clock::time_point deadline,
               const std::shared_ptr<std::promise<void>>& gone) {
  const auto* all = static_cast<network_broker*>(caf::actor_cast<caf::abstract_actor*>(broker));
  if (all->connections().empty() || remote_connection::clock::now() > deadline) {
    return gone->set_value();
  }
  network.run_later([=, &network] { await_end(network, broker, deadline, gone); });
}

/// CAF's network thread ends, and ~actor_system with it, only when the other side has taken all
/// that was written, which one that stands still never does. What the broker has let go of by
/// itself is out of reach: so this comes before the end of the actor system.
void hang_up(caf::actor_system& system) {
  auto& network = system.middleman();
  auto broker = network.named_broker<network_broker>(caf::atom("BASP"));
  auto gone = std::make_shared<std::promise<void>>();
  auto settled = gone->get_future();
  network.run_later([&network, broker, gone] {
    const auto* all = static_cast<network_broker*>(caf::actor_cast<caf::abstract_actor*>(broker));
    // The number of a connection is that of its socket (conn_hdl_from_socket).
    for (const auto& one : all->connections()) ::shutdown(static_cast<int>(one.id()), SHUT_RDWR);
    await_end(network, broker, remote_connection::clock::now() + 1s, gone);
  });
  settled.wait();
}

core::error unreachable(std::string text) {
  return {core::errc::unreachable, std::move(text)};
}

}  // namespace

class remote_connection::impl {
 public:
  explicit impl(const remote_address& to)
      : where_(fmt::format("{}:{}", to.host, to.port)), system_(client(config_, to.tls)) {}

  ~impl() { hang_up(system_); }

  core::result<void> connect(const remote_address& to, clock::time_point deadline) {
    if (auto found = find_door(to, deadline); !found) return found;
    const std::string nonce = make_nonce();
    using answer = std::pair<std::string, std::string>;
    auto met = ask<answer>(deadline, hello_atom::value, handshake_version, nonce);
    if (!met) return met.reason();
    const auto& [door_nonce, proof] = *met;
    if (!is_door_proof(proof, to.secret, nonce, door_nonce)) {
      return core::error{core::errc::bad_config,
                         where_ + " does not know the secret that is configured here"};
    }
    pass_ = make_pass(to.secret, nonce, door_nonce);
    return {};
  }

  /// An actor for each call: it hears of an answer, of the end of the connection, or of the end of
  /// the time, whatever comes first.
  template <class Result, class... Words>
  core::result<Result> ask(clock::time_point deadline, Words... words) {
    const auto limit = until(deadline);
    using promise = std::promise<core::result<Result>>;
    auto answer = std::make_shared<promise>();
    auto settled = answer->get_future();
    // The promise is handed in: CAF dereferences a null pointer where an actor has no argument.
    system_.spawn(
        [this, limit, ... words = std::move(words)](caf::event_based_actor* self,
                                                    std::shared_ptr<promise> to) {
          guard(self, "call of a remote destination", core::make_null_logger());
          const auto finish = [this, self, to](core::result<Result> with) {
            to->set_value(std::move(with));
            self->demonitor(door_->address());
            self->quit();
          };
          self->set_down_handler([this, finish](caf::down_msg&) {
            lost_ = true;
            finish(unreachable("the connection to " + where_ + " was lost"));
          });
          self->monitor(*door_);
          const auto failed = [this, finish, limit](const caf::error& why) {
            finish(to_error(why, limit));
          };
          auto asked = self->request(*door_, limit, words...);
          if constexpr (std::is_void_v<Result>) {
            asked.then([finish] { finish({}); }, failed);
          } else if constexpr (std::is_same_v<Result, std::pair<std::string, std::string>>) {
            asked.then(
                [finish](std::string& first, std::string& second) {
                  finish(Result(std::move(first), std::move(second)));
                },
                failed);
          } else {
            asked.then([finish](Result& given) { finish(std::move(given)); }, failed);
          }
        },
        std::move(answer));
    return settled.get();
  }

  const std::string& pass() const noexcept { return pass_; }
  bool lost() const noexcept { return lost_; }

 private:
  /// Has CAF connect. The network layer's actor cannot be interrupted: see that somebody is there
  /// first.
  core::result<void> find_door(const remote_address& to, clock::time_point deadline) {
    if (auto there = reach(to.host, to.port, deadline); !there) return there;
    caf::scoped_actor self{system_};
    const auto& manager = system_.has_openssl_manager() ? system_.openssl_manager().actor_handle()
                                                        : system_.middleman().actor_handle();
    std::optional<core::error> wrong;
    self->request(manager, until(deadline), caf::connect_atom::value, to.host, to.port)
        .receive(
            [&](const caf::node_id&, const caf::strong_actor_ptr& found,
                const std::set<std::string>& speaks) {
              if (found != nullptr && system_.assignable<remote_door>(speaks)) {
                door_.emplace(caf::actor_cast<remote_door>(found));
              } else {
                wrong = {core::errc::bad_config,
                         where_ + " is no destination, or one of another version"};
              }
            },
            [&](const caf::error& why) {
              wrong = unreachable(fmt::format("{} does not let us in{}: {}", where_,
                                              to.tls.any() ? " (or refuses our TLS)" : "",
                                              system_.render(why)));
            });
    if (wrong) return *std::move(wrong);
    return {};
  }

  core::error to_error(const caf::error& why, milliseconds limit) {
    lost_ = !is_ours(why);
    if (why == caf::sec::request_timeout) {
      return unreachable(fmt::format("{} gave no answer within {} ms", where_, limit.count()));
    }
    return from_caf(system_, why);
  }

  const std::string where_;
  caf::actor_system_config config_;
  caf::actor_system system_;
  // CAF: below its system.
  std::optional<remote_door> door_;
  std::string pass_;
  bool lost_ = false;  ///< set by a call's actor before it settles the call
};

remote_connection::remote_connection(std::unique_ptr<impl> made) : impl_(std::move(made)) {}

remote_connection::~remote_connection() = default;

core::result<std::unique_ptr<remote_connection>> remote_connection::open(
    const remote_address& to, clock::time_point deadline) {
  auto made = std::make_unique<impl>(to);
  if (auto connected = made->connect(to, deadline); !connected) return connected.reason();
  return std::unique_ptr<remote_connection>(new remote_connection(std::move(made)));
}

core::result<std::vector<destinations::outcome>> remote_connection::deliver(
    std::vector<core::entry_ptr> entries, clock::time_point deadline) {
  return impl_->ask<outcome_list>(deadline, deliver_atom::value, impl_->pass(),
                                  delivery{std::move(entries)});
}

core::result<void> remote_connection::ping(clock::time_point deadline) {
  return impl_->ask<void>(deadline, ping_atom::value, impl_->pass());
}

core::result<std::vector<bool>> remote_connection::exists(std::vector<std::string> payload_ids,
                                                          clock::time_point deadline) {
  return impl_->ask<std::vector<bool>>(deadline, exists_atom::value, impl_->pass(),
                                       std::move(payload_ids));
}

bool remote_connection::lost() const noexcept {
  return impl_->lost();
}

}  // namespace nexus::actors
