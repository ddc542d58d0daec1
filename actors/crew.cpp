#include "actors/crew.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/queue_actor.hpp"
#include "actors/spawner.hpp"
#include "actors/spoken.hpp"

namespace nexus::actors {
namespace {

using std::chrono::milliseconds;

/// How soon a wait notices that it has become urgent.
constexpr milliseconds urgency_step{50};

}  // namespace

std::shared_ptr<board> crew::make_board(const destination_options& how) const {
  auto made = std::make_shared<board>(how.settings.name, how.settings.type, how.paused);
  const auto known = before_.find(how.settings.name);
  if (known == before_.end()) return made;
  made->update([&](destination_status& status) {
    status.attempts = known->second.attempts;
    status.delivered = known->second.delivered;
    status.failed = known->second.failed;
    status.restarts = known->second.restarts;
  });
  return made;
}

queue_actor crew::start(const destination_options& how) {
  // A board of its own: what has been retired may still write on the old one.
  auto shown = make_board(how);
  const auto* type = with_.types.find(how.settings.type);
  auto queue = spawn_queue_actor(
      system_, {how, wal_, make_spawner(how, with_.types, with_.log),
                type != nullptr && type->in_order, shown, with_.log, &with_.metrics});
  queue->attach_functor([shown, name = how.settings.name, log = with_.log](const caf::error& why) {
    if (why == caf::exit_reason::user_shutdown) return;
    log->error(spoken(name) + ": its queue has ended; restart the program");
    shown->update([](destination_status& status) {
      status.state = destination_status::phase::misconfigured;
      status.last_error = "its queue has ended; restart the program";
    });
  });
  members_[how.settings.name] = {queue, std::move(shown)};
  return queue;
}

void crew::retire(const std::vector<std::string>& names, clock::time_point deadline,
                  const std::function<bool()>& is_urgent) {
  // All at once; then each is asked whether it is through.
  for (const auto& name : names) caf::anon_send(members_.at(name).queue, retire_atom::value);
  caf::scoped_actor self{system_};
  for (const auto& name : names) wait_until_idle(self, name, deadline, is_urgent);
  for (const auto& name : names) {
    const auto leaving = members_.extract(name);
    self->send_exit(leaving.mapped().queue, caf::exit_reason::user_shutdown);
    self->wait_for(leaving.mapped().queue);
    before_[name] = leaving.mapped().shown->read();
  }
}

void crew::wait_until_idle(caf::scoped_actor& self, const std::string& name,
                           clock::time_point deadline, const std::function<bool()>& is_urgent) {
  bool waits = true;
  while (waits) {
    self->request(members_.at(name).queue, urgency_step, retire_atom::value)
        .receive([&] { waits = false; },
                 [&](const caf::error& why) { waits = why == caf::sec::request_timeout; });
    if (!waits || (clock::now() < deadline && !is_urgent())) continue;
    with_.log->warn(fmt::format("{}: stopped before it has answered; what it holds stays pending",
                                spoken(name)));
    return;
  }
}

void crew::end(clock::time_point deadline) {
  caf::scoped_actor self{system_};
  drain(self, deadline);
  // Queues never block for long; destination actors may, and are not waited for here.
  for (const auto& [name, one] : members_)
    self->send_exit(one.queue, caf::exit_reason::user_shutdown);
  for (const auto& [name, one] : members_) self->wait_for(one.queue);
}

void crew::drain(caf::scoped_actor& self, clock::time_point deadline) {
  if (members_.empty()) return;
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - clock::now());
  const auto timeout = std::max(left, milliseconds{1});
  using drained =
      decltype(self->request(members_.begin()->second.queue, timeout, drain_atom::value));
  std::vector<std::pair<std::string, drained>> responses;
  for (const auto& [name, one] : members_)
    responses.emplace_back(name, self->request(one.queue, timeout, drain_atom::value));
  for (auto& [name, answer] : responses) {
    answer.receive([] {},
                   [&, &who = name](const caf::error& why) {
                     with_.log->warn(fmt::format("stopping: draining {}: {}", spoken(who),
                                                 system_.render(why)));
                   });
  }
}

std::vector<std::shared_ptr<board>> crew::boards(const std::vector<destination_options>& of) const {
  std::vector<std::shared_ptr<board>> all;
  for (const auto& how : of)
    if (const auto found = members_.find(how.settings.name); found != members_.end())
      all.push_back(found->second.shown);
  return all;
}

}  // namespace nexus::actors
