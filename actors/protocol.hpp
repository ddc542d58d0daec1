// What the actors say to each other: every atom, message and typed interface.
//
//     pipeline ──append, seal──▶ wal_actor ◀──fetch, failed── queue_actor
//                                    ▲                             ▲
//                                    │ delivered                   │ next, report
//                                    └──────────── worker_actor ───┘
//                                                       └──deliver──▶ destination_actor
//
// `destination_actor` is the published interface: whatever speaks it can be plugged in, also over
// the network, so its messages can be serialised. All other messages stay inside one process.
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/submission.hpp"
#include "core/entry.hpp"
#include "core/error.hpp"
#include "destinations/destination.hpp"
#include "wal/log.hpp"

namespace nexus::actors {

// Atoms; CAF allows at most ten characters.
using deliver_atom = caf::atom_constant<caf::atom("deliver")>;
using delivered_atom = caf::atom_constant<caf::atom("delivered")>;
using drain_atom = caf::atom_constant<caf::atom("drain")>;
using exists_atom = caf::atom_constant<caf::atom("exists")>;
using failed_atom = caf::atom_constant<caf::atom("failed")>;
using expire_atom = caf::atom_constant<caf::atom("expire")>;
using fetch_atom = caf::atom_constant<caf::atom("fetch")>;
using flush_atom = caf::atom_constant<caf::atom("flush")>;
using leave_atom = caf::atom_constant<caf::atom("leave")>;
using next_atom = caf::atom_constant<caf::atom("next")>;
using pause_atom = caf::atom_constant<caf::atom("pause")>;
using ping_atom = caf::atom_constant<caf::atom("ping")>;
using poll_atom = caf::atom_constant<caf::atom("poll")>;
using probe_atom = caf::atom_constant<caf::atom("probe")>;
using refill_atom = caf::atom_constant<caf::atom("refill")>;
using release_atom = caf::atom_constant<caf::atom("release")>;
using report_atom = caf::atom_constant<caf::atom("report")>;
using restart_atom = caf::atom_constant<caf::atom("restart")>;
using resume_atom = caf::atom_constant<caf::atom("resume")>;
using retire_atom = caf::atom_constant<caf::atom("retire")>;
using seal_atom = caf::atom_constant<caf::atom("seal")>;
using wake_atom = caf::atom_constant<caf::atom("wake")>;

// messages

/// Entries for one call of a destination, oldest first.
struct delivery {
  std::vector<core::entry_ptr> entries;
};

/// One outcome for each entry of a delivery, in the same order.
using outcome_list = std::vector<destinations::outcome>;

/// What became of a batch.
struct delivery_result {
  outcome_list outcomes;  ///< of a question without entries: one
  /// The destination did not do what it must: it threw, hung, ended, or gave another number of
  /// outcomes. All outcomes are `unreachable`; it has been replaced.
  bool broken = false;
  bool hung = false;  ///< broken in that way
};

/// Asks the log for the entries of one destination that stand at or after `from`.
struct fetch_request {
  std::string destination;
  wal::position from = 0;
  std::size_t entries_max = 0;
  std::size_t bytes_max = 0;  ///< One entry is given even if it alone is larger.
  bool wait = true;           ///< False: the answer comes at once, also without entries.
};

struct fetched {
  std::vector<wal::pending_entry> entries;
  wal::position next = 0;  ///< `from` of the request that follows.
  bool last = false;       ///< No entry follows, now or later: the log takes no more appends.
};

/// What a worker gets: a delivery, and the number under which it reports the result. Without
/// entries it is a question: how is the destination?
struct work {
  std::uint64_t batch = 0;
  delivery what;
};

// interfaces

/// Appends to the log what comes in from outside, through an inbox. Redriving dead letters appends
/// as well, beside it.
/// - delivered, failed: marks entries of a destination.
/// - fetch: the next pending entries; while there are none the answer waits for the next commit
/// that brings some.
/// - flush: there is something in the inbox, or there are marks: makes all of it durable together,
/// then settles the submissions.
/// - poll: somebody else has appended to the log: looks there for what waiting fetches ask for.
/// - expire: from itself: somebody has waited long enough for a delivery.
/// - leave: the queue of a destination ends: its fetch is answered at once, without entries.
/// - release: nobody is to wait for a delivery any more.
/// - seal: answered when everything appended before is settled; from then on appends are refused
/// and no fetch waits. When it is told to end it writes what is left; closing the log is up to the
/// log's owner.
using wal_actor =
    caf::typed_actor<caf::reacts_to<delivered_atom, std::string, std::vector<std::string>>,
                     caf::reacts_to<failed_atom, std::string, std::vector<wal::failure>>,
                     caf::replies_to<fetch_atom, fetch_request>::with<fetched>,
                     caf::reacts_to<flush_atom>, caf::reacts_to<expire_atom>,
                     caf::reacts_to<poll_atom>, caf::reacts_to<leave_atom, std::string>,
                     caf::reacts_to<release_atom>, caf::reacts_to<seal_atom>>;

/// Decides what is delivered when, for one destination.
/// - next: from a worker: the next batch; the answer waits until there is one.
/// - report: the result of a batch; what was delivered has been marked already.
/// - pause, resume: by the operator: until resumed, nothing is handed out. Resuming also has a
///   destination tried at once that is out of order.
/// - drain: answered when everything that can be delivered now is; what is in backoff is left
/// pending. The log must
///   have been sealed.
/// - retire: answered when nothing is on its way to the destination any more; nothing is handed out
///   from then on, and what waits stays pending in the log. The queue is of no use afterwards.
/// - wake, probe, refill, restart: from itself: entries are due again; the
///   circuit may be tried; fetch again; spawn the worker of that number again. Timers can't be
///   cancelled: the first two carry a generation, stale ones are ignored.
using queue_actor = caf::typed_actor<
    caf::replies_to<next_atom>::with<work>,
    caf::reacts_to<report_atom, std::uint64_t, delivery_result>, caf::reacts_to<drain_atom>,
    caf::reacts_to<retire_atom>, caf::reacts_to<pause_atom>, caf::reacts_to<resume_atom>,
    caf::reacts_to<wake_atom, std::uint64_t>, caf::reacts_to<probe_atom, std::uint64_t>,
    caf::reacts_to<refill_atom>, caf::reacts_to<restart_atom, std::size_t>>;

/// Carries batches from one queue to one destination actor.
/// - restart: from itself: spawn the destination actor again.
using worker_actor = caf::typed_actor<caf::reacts_to<restart_atom>>;

/// Whatever takes entries.
/// - deliver: one outcome for each entry, in order. The error `unreachable` means that nobody could
///   be asked. Any other error or number of outcomes, no answer within the timeout, and ending
///   count as a breakdown: the actor is replaced, the entries stay pending.
/// - ping: an empty answer if it would take an entry now, else an error: `bad_config` or
///   `unreachable`.
/// - exists: for each payload id whether it is there.
using destination_actor = caf::typed_actor<
    caf::replies_to<deliver_atom, delivery>::with<outcome_list>, caf::reacts_to<ping_atom>,
    caf::replies_to<exists_atom, std::vector<std::string>>::with<std::vector<bool>>>;

// errors

/// A core::error as an actor's answer, and back. Errors that CAF itself makes become `io_failed`.
caf::error to_caf(const core::error& reason);
core::error from_caf(const caf::actor_system& system, const caf::error& reason);
/// Whether it was a core::error: somebody's answer, nothing that CAF says of a message's way.
bool is_ours(const caf::error& reason) noexcept;

// serialisation of the published messages

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, delivery& x) {
  const auto name = caf::meta::type_name("delivery");
  if constexpr (std::is_same_v<Inspector, caf::detail::stringification_inspector>) {
    return f(name, x.entries.size());  // entries must not get into a log
  } else if constexpr (Inspector::reads_state) {
    std::vector<core::entry> copies;
    for (const auto& entry : x.entries) copies.push_back(*entry);
    return f(name, copies);
  } else {
    std::vector<core::entry> copies;
    auto result = f(name, copies);
    x.entries.clear();
    for (auto& entry : copies)
      x.entries.push_back(std::make_shared<const core::entry>(std::move(entry)));
    return result;
  }
}

}  // namespace nexus::actors

namespace nexus::core {

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, entry& x) {
  return f(caf::meta::type_name("entry"), x.version, x.payload_id, x.idempotency_key, x.status,
           x.timestamp, x.source, x.destination, x.subject, x.actor_type, x.actor_id, x.payload,
           x.extension, x.entry_type);
}

}  // namespace nexus::core

namespace nexus::destinations {

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, outcome& x) {
  std::int64_t retry_after_ms = x.retry_after ? x.retry_after->count() : -1;
  const auto name = caf::meta::type_name("outcome");
  if constexpr (Inspector::reads_state) {
    return f(name, x.kind, x.reason, retry_after_ms);
  } else {
    auto result = f(name, x.kind, x.reason, retry_after_ms);
    x.retry_after.reset();
    if (retry_after_ms >= 0) x.retry_after = std::chrono::milliseconds(retry_after_ms);
    return result;
  }
}

}  // namespace nexus::destinations

CAF_ERROR_CODE_ENUM(nexus::core::errc, "nexus")
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nexus::actors::fetch_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nexus::actors::fetched)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nexus::actors::work)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nexus::actors::delivery_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<nexus::wal::failure>)
