#include "actors/remote_door.hpp"

#include <fmt/format.h>

#include <type_traits>
#include <utility>

#include "actors/guard.hpp"

namespace nexus::actors {
namespace {

class door_state {
 public:
  static inline const char* name = "remote_door";

  explicit door_state(remote_door::pointer self) : self_(self) {}

  remote_door::behavior_type make_behavior(destination_actor target, std::string secret) {
    guard(self_, "door of a destination", core::make_null_logger());
    target_ = std::move(target);
    secret_ = std::move(secret);
    self_->monitor(target_);
    self_->set_down_handler([this](caf::down_msg& message) { self_->quit(message.reason); });
    return {
        [this](hello_atom, std::uint32_t version, const std::string& client_nonce) {
          return hello(version, client_nonce);
        },
        [this](deliver_atom, const std::string& pass, const delivery& what) {
          return pass_on<outcome_list>(pass, deliver_atom::value, what);
        },
        [this](ping_atom, const std::string& pass) {
          return pass_on<void>(pass, ping_atom::value);
        },
        [this](exists_atom, const std::string& pass, const std::vector<std::string>& ids) {
          return pass_on<std::vector<bool>>(pass, exists_atom::value, ids);
        },
    };
  }

 private:
  caf::result<std::string, std::string> hello(std::uint32_t version,
                                              const std::string& client_nonce) const {
    if (version != handshake_version || !is_nonce(client_nonce)) {
      return to_caf({core::errc::bad_config,
                     fmt::format("the other side speaks version {} of the handshake, not {}",
                                 handshake_version, version)});
    }
    return {nonce_, door_proof(secret_, client_nonce, nonce_)};
  }

  template <class Result, class... Words>
  caf::result<Result> pass_on(const std::string& pass, const Words&... words) {
    if (!is_pass(pass, secret_, nonce_)) {
      return to_caf({core::errc::bad_config, "the other side refuses the pass: not its secret"});
    }
    caf::response_promise answer = self_->make_response_promise();
    const auto failed = [answer](caf::error& reason) mutable { answer.deliver(std::move(reason)); };
    // Unlimited: the door ends with the target.
    auto asked = self_->request(target_, caf::infinite, words...);
    if constexpr (std::is_void_v<Result>) {
      asked.then([answer]() mutable { answer.deliver(caf::unit); }, failed);
    } else {
      asked.then([answer](Result& given) mutable { answer.deliver(std::move(given)); }, failed);
    }
    return answer;
  }

  remote_door::pointer self_;
  destination_actor target_;
  std::string secret_;
  const std::string nonce_ = make_nonce();
};

static_assert(!std::is_aggregate_v<door_state>);

remote_door::behavior_type run(remote_door::stateful_pointer<door_state> self,
                               destination_actor target, std::string secret) {
  return self->state.make_behavior(std::move(target), std::move(secret));
}

}  // namespace

remote_door spawn_remote_door(caf::actor_system& system, destination_actor target,
                              std::string secret) {
  return system.spawn(run, std::move(target), std::move(secret));
}

}  // namespace nexus::actors
