#include "bench/wal_actor_load.hpp"

#include <caf/all.hpp>
#include <semaphore>

#include "actors/wal_actor.hpp"
#include "bench/give_up.hpp"
#include "core/metrics.hpp"

namespace nexus::bench {

timing actor_loop(std::shared_ptr<wal::log> log, std::size_t payload_bytes, std::size_t in_flight) {
  core::metrics metrics;
  auto& seconds = metrics.get_histogram("append_seconds", "From submission to the answer.");
  entry_source entries(payload_bytes);
  std::counting_semaphore<> room(static_cast<std::ptrdiff_t>(in_flight));
  timing out;
  double spent = 0;
  {
    caf::actor_system_config config;
    caf::actor_system system(config);
    const auto submissions = std::make_shared<actors::inbox>();
    auto actor = actors::spawn_wal_actor(
        system, {std::move(log), core::make_null_logger(), &seconds, submissions});
    auto start = steady::now();
    while (steady::now() - start < round_time) {
      room.acquire();
      auto begun = steady::now();
      // Only the actor's thread answers, so `latencies` needs no lock.
      auto answered = [&, begun](const core::result<void>& outcome) {
        must(core::result<void>(outcome));
        out.latencies.push_back(seconds_since(begun));
        room.release();
      };
      actors::append(actor, *submissions,
                     std::make_shared<actors::submission>(
                         std::vector<core::entry_ptr>{entries.next_shared()}, answered));
    }
    for (std::size_t i = 0; i < in_flight; ++i) room.acquire();  // all are answered
    spent = seconds_since(start);
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }
  out.entries_per_second = static_cast<double>(out.latencies.size()) / spent;
  return out;
}

}  // namespace nexus::bench
