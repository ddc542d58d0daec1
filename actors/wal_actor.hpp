// The actor in front of the log: group commit, marks, and the only way by which entries reach a
// queue.
//
// Appends that arrive while a group is being written wait in an inbox, marks in the mailbox, and
// make up the next group. Marks are written before the entries of their group, so that the same
// sync makes both durable.
//
// A queue pulls with `fetch`. What is in the log is read from there; when a queue has come to the
// end, its fetch waits for the next commit and is answered from memory. One actor does both, so
// nothing falls between reading and waiting. Who else appends to the log tells the actor with
// `poll`; then waiting fetches are answered from the log.
#pragma once

#include <memory>

#include "actors/inbox.hpp"
#include "actors/protocol.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "wal/log.hpp"

namespace nexus::actors {

struct wal_actor_options {
  std::shared_ptr<wal::log> log;
  core::logger_ptr logger;
  core::histogram* append_seconds =
      nullptr;  ///< From submission to the answer; outlives the actor.
  std::shared_ptr<inbox> submissions = std::make_shared<inbox>();  ///< closed when the actor ends
};

/// Hands a submission in. `at`: the inbox of the actor. Any thread. Nobody is called back from
/// within, where the caller keeps the submission until then.
void append(const wal_actor& to, inbox& at, const submission_ptr& value);

/// Blocks in the log's system calls: run it detached. It lives on after failed writes.
wal_actor spawn_wal_actor(caf::actor_system& system, wal_actor_options options);

}  // namespace nexus::actors
