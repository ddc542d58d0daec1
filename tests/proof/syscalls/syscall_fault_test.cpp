// Every system call that a server makes on its files fails once, or from then on, or is the last
// one before a SIGKILL. After each of these runs a server starts on what was left, and everything
// that was ever acknowledged is in both destinations, once and as it was sent. What a server
// answers while its disk fails is 200 or 5xx; after a single fault it serves again by itself.
//
// Quick: for each fault and each place some calls, equally far apart, the first one at random.
// Small (NEXUS_PROOF_SIZE=small): one call. NEXUS_PROOF_SEED repeats them. Long
// (NEXUS_PROOF_SIZE=long): every call, until a run has none left to fail.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>

#include "tests/proof/proof_size.hpp"
#include "tests/proof/syscalls/start_with.hpp"
#include "tests/proof/syscalls/workload.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/proof_count.hpp"

using namespace nexus;
using namespace nexus::proof;

namespace {

const fault_kind kinds[] = {
    {"EIO", fault::error, EIO},
    {"ENOSPC", fault::error, ENOSPC},
    {"EDQUOT", fault::error, EDQUOT},
    {"EINTR", fault::error, EINTR},
    {"EMFILE", fault::error, EMFILE},
    {"a short write", fault::cut_short},
    {"EIO from then on", fault::error, EIO, true},
    {"ENOSPC from then on", fault::error, ENOSPC, true},
    {"SIGKILL before", fault::kill_before},
    {"SIGKILL after", fault::kill_after},
};

struct place {
  const char* name;
  const char* paths;  ///< below the home directory
  workload_options how;
  std::uint64_t samples;     ///< of the quick size, for each kind of fault
  bool changes_all = false;  ///< uses every kind of call
};

/// What a run has seen.
struct outcome {
  bool happened = false;    ///< the fault
  std::uint64_t calls = 0;  ///< that it could happen to
  std::array<std::uint64_t, call_kinds> of_kind{};
  std::size_t refused = 0;  ///< requests
};

/// A home with entries that wait, made once: each run begins with a copy of its log.
class beginning {
 public:
  explicit beginning(const workload_options& how) : home_(how) { home_.leave_pending(); }

  void copy_to(workload& to) const {
    std::filesystem::copy(home_.wal(), to.wal(), std::filesystem::copy_options::recursive);
    to.remember(home_.book());
  }

 private:
  workload home_;
};

/// Nothing waits any more, or what was to happen has happened.
void wait_until_done(const cli::child_server& server, const fault_file& faults,
                     const fault_kind& kind) {
  const bool may_stop = kind.kills() || kind.lasting;
  cli::http_client client(server.host(), server.port());
  const bool done = test::comes([&] {
    if (may_stop && faults.has_fired()) return true;
    const auto answer = client.send({"GET", "/api/status", test::server_home::admin_token, {}, ""});
    return answer && answer->body.find("\"pending_entries\":0,") != std::string::npos;
  });
  CHECK(done);
}

/// The server with the fault in it, from its start to its end.
answers run_with_fault(workload& home, const fault_file& faults, const fault_kind& kind,
                       outcome& seen) {
  auto server = start_with(faults, home);
  if (!server) {
    // It says why it does not start, and leaves; it does not crash.
    CHECK(faults.has_fired());
    CHECK(faults.plan().ended == !kind.kills());
    return {{}, home.requests("new")};
  }
  auto found = home.send(*server, home.requests("new"));
  seen.refused = found.refused.size();
  if (!kind.kills()) CHECK(found.lost.empty());
  if (kind.is_harmless()) CHECK(found.refused.empty());
  if (!kind.kills() && !kind.lasting) {
    found = home.send(*server, found.refused);
    CHECK(found.refused.empty());
    CHECK(found.lost.empty());
  }
  wait_until_done(*server, faults, kind);
  const int status = test::stop(*server);
  if (kind.kills() && faults.has_fired()) {
    CHECK(status == -SIGKILL);
  } else if (kind.lasting) {
    CHECK(status >= 0);
  } else {
    CHECK(status == 0);
  }
  return found;
}

outcome run(const beginning& from, const place& where, const fault_kind& kind, std::uint64_t at) {
  workload home(where.how);
  from.copy_to(home);
  const fault_file faults(home.path() + where.paths, kind, at);
  INFO(kind.name << " at call " << at << " on " << where.name);
  outcome seen;
  const auto open = run_with_fault(home, faults, kind, seen);
  seen.happened = faults.has_fired();
  seen.calls = faults.plan().calls;
  std::copy(faults.plan().of_kind.begin(), faults.plan().of_kind.end(), seen.of_kind.begin());
  INFO("fired " << faults.plan().fired << " times, first in "
                << call_names[faults.plan().fired_in]);

  const auto server = home.start();
  INFO(home.log_end());
  auto again = home.requests("afterwards");
  if (!where.how.removes_segments) {
    for (const auto& list : {open.refused, open.lost}) {
      again.insert(again.end(), list.begin(), list.end());
    }
  }
  const auto answered = home.send(*server, again);
  CHECK(answered.refused.empty());
  CHECK(answered.lost.empty());
  test::wait_until_delivered(*server);
  CHECK(test::stop(*server) == 0);
  home.judge();
  return seen;
}

/// What the runs of one place have seen.
struct tally {
  std::uint64_t faults = 0;
  std::uint64_t refused = 0;

  bool add(const outcome& seen) {
    faults += seen.happened ? 1 : 0;
    refused += seen.refused;
    return seen.happened;
  }
};

void run_kind(const beginning& from, const place& where, const fault_kind& kind,
              std::mt19937_64& random, tally& sum) {
  if (test::is_long_proof()) {
    for (std::uint64_t at = 1; sum.add(run(from, where, kind, at)); ++at) {
    }
    return;
  }
  // Counts the calls that the fault can happen to: this one is never reached.
  const auto calls = run(from, where, kind, UINT64_MAX).calls;
  CHECK(calls > 0);
  const auto samples = std::max<std::uint64_t>(1, where.samples / test::proof_divisor());
  const auto step = std::max<std::uint64_t>(1, calls / samples);
  for (auto at = 1 + random() % step; at <= calls; at += step) {
    sum.add(run(from, where, kind, at));
  }
}

}  // namespace

TEST_CASE("Whatever system call fails, nothing acknowledged is lost or repeated") {
  const place where = GENERATE(place{"the log", "/wal", {true, false}, 3},
                               place{"the log", "/wal", {false, true}, 2, true},
                               place{"the database", "/memories.db", {false, false}, 2},
                               place{"the lines", "/lines", {true, false}, 2});
  const auto begins_with = test::proof_seed();
  INFO("seed " << begins_with);
  std::mt19937_64 random(begins_with);
  const beginning from(where.how);

  const auto without = run(from, where, {"no fault"}, 1);
  for (std::size_t kind = 0; kind < call_kinds; ++kind) {
    std::cout << where.name << ": " << without.of_kind[kind] << " of " << call_names[kind]
              << std::endl;
    // A kind of call that was never seen was never made to fail.
    if (where.changes_all) CHECK(without.of_kind[kind] > 0);
  }
  tally sum;
  for (const auto& kind : kinds) {
    const auto before = sum.faults;
    run_kind(from, where, kind, random, sum);
    std::cout << where.name << ": " << sum.faults - before << " of " << kind.name << std::endl;
  }
  CHECK(sum.faults > 0);
  // With one call of each kind it is a matter of luck whether a write of entries is among them.
  const bool is_sure = test::proof_divisor() == 1;
  if (is_sure && where.paths == std::string_view("/wal")) CHECK(sum.refused > 0);
  test::count_proof("system call faults", sum.faults);
}
