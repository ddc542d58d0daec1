#include "actors/probe.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "actors/protocol.hpp"
#include "actors/scheduling.hpp"
#include "actors/spawner.hpp"

namespace nexus::actors {

/// Lives on the thread of a call as well, so that a call that hangs finds it alive. The actor
/// system is made and unmade on that thread: ~actor_system waits for ever on another one.
class probe::impl {
 public:
  impl(destinations::settings settings, const destinations::registry& types, core::logger_ptr log)
      : timeout(hang_limit(settings.timeout)) {
    destination_options how;
    how.settings = std::move(settings);
    const auto* type = types.find(how.settings.type);
    networked_ = type != nullptr && type->make_actor != nullptr;
    spawn_ = make_spawner(how, types, log);
  }

  template <class Result, class... Words>
  core::result<Result> ask(const Words&... words) const {
    caf::actor_system_config config;
    caf::actor_system system{scheduling(config, networked_)};
    auto spawned = spawn_(system);
    if (!spawned.ok()) return spawned.reason();
    caf::scoped_actor self{system};
    std::optional<core::result<Result>> answer;
    const auto failed = [&](const caf::error& why) {
      auto reason = from_caf(system, why);
      if (reason.code == core::errc::io_failed) reason.code = core::errc::unreachable;
      answer.emplace(std::move(reason));
    };
    auto asked = self->request(*spawned, timeout, words...);
    if constexpr (std::is_void_v<Result>) {
      asked.receive([&] { answer.emplace(); }, failed);
    } else {
      asked.receive([&](Result& given) { answer.emplace(std::move(given)); }, failed);
    }
    self->send_exit(*spawned, caf::exit_reason::user_shutdown);
    return *std::move(answer);
  }

  const std::chrono::milliseconds timeout;
  std::atomic<bool> cancelled = false;

 private:
  bool networked_ = false;
  destination_spawner spawn_;
};

namespace {

/// How soon a call that is cancelled ends.
constexpr std::chrono::milliseconds cancel_step{50};

/// Runs `call` on a thread of its own, and leaves it there if it takes too long or is cancelled.
template <class Result, class Cancelled, class Call>
core::result<Result> within(std::chrono::milliseconds limit, const Cancelled& is_cancelled,
                            Call call) {
  std::packaged_task<core::result<Result>()> task(std::move(call));
  auto answer = task.get_future();
  std::thread left_behind(std::move(task));
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!is_cancelled() && std::chrono::steady_clock::now() < until) {
    if (answer.wait_for(cancel_step) != std::future_status::ready) continue;
    left_behind.join();
    return answer.get();
  }
  left_behind.detach();
  if (is_cancelled()) return core::error{core::errc::closed, "the question was cancelled"};
  return core::error{core::errc::unreachable,
                     fmt::format("it gave no answer within {} ms", limit.count())};
}

}  // namespace

probe::probe(destinations::settings settings, const destinations::registry& types,
             core::logger_ptr log)
    : impl_(std::make_shared<impl>(std::move(settings), types, std::move(log))) {}

probe::~probe() = default;

core::result<void> probe::ping(const std::function<bool()>& is_cancelled) {
  return within<void>(
      2 * impl_->timeout, [&] { return impl_->cancelled || is_cancelled(); },
      [state = impl_] { return state->ask<void>(ping_atom::value); });
}

core::result<std::vector<bool>> probe::exists(std::vector<std::string> payload_ids) {
  return within<std::vector<bool>>(
      2 * impl_->timeout, [&] { return impl_->cancelled.load(); },
      [state = impl_, ids = std::move(payload_ids)] {
        return state->ask<std::vector<bool>>(exists_atom::value, ids);
      });
}

void probe::cancel() {
  impl_->cancelled = true;
}

}  // namespace nexus::actors
