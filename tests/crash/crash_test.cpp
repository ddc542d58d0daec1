// Kills a server under load, again and again on the same home, whose entries go to five
// destinations of different kinds. The kills come at a random moment, while it opens its log, at a
// call that it makes on its files (rotation and settling among them), while it stops, and while it
// takes over a new configuration. The judge stands outside the process: the clients' own book, and
// what each destination has.
//
// NEXUS_CRASH_ROUNDS: how many kills; where it is not set 20, and one at each kind of moment with
// NEXUS_PROOF_SIZE=small. NEXUS_CRASH_SEED repeats a run.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/crash/five_destinations.hpp"
#include "tests/proof/clients.hpp"
#include "tests/proof/proof_size.hpp"
#include "tests/proof/syscalls/start_with.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/proof_count.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

enum class moment : unsigned { any, opening, file_call, stopping, reloading };
constexpr unsigned moments = 5;

const proof::fault_kind kill_at_call{"SIGKILL", proof::fault::kill_before, 0, true};

unsigned rounds_wanted() {
  const char* text = std::getenv("NEXUS_CRASH_ROUNDS");
  if (text != nullptr) return static_cast<unsigned>(std::stoul(text));
  return std::max(moments, static_cast<unsigned>(20 / proof_divisor()));
}

/// One home, its clients, and the kills.
class crash_run {
 public:
  explicit crash_run(std::uint64_t seed) : random_(seed), clients_(seed) {}

  void kill_once(unsigned round) {
    const auto when = static_cast<moment>(round % moments);
    const auto first_call = when == moment::opening ? between(1, 40) : UINT64_MAX;
    proof::fault_file faults(home_.path() + "/", kill_at_call, first_call);
    const auto server = proof::start_with(faults, home_);
    if (!server) {
      REQUIRE(faults.has_fired());  // or else it does not start
      ++killed_[when];
      return;
    }
    clients_.begin(*server, between(1, 12));
    const bool all = clients_.wait_for(between(0, 150));
    if (when != moment::opening) REQUIRE(all);
    bring_about(when, *server, faults, round);
    const int status = server->wait();
    clients_.finish();
    CHECK((status == -SIGKILL || (when == moment::stopping && status == 0)));
    if (status == -SIGKILL) ++killed_[when];
  }

  /// A server that nobody kills: everything is sent, delivered, and judged.
  void judge() {
    const auto server = home_.start();
    INFO(home_.log_end());
    CHECK(clients_.settle(*server));
    http_client fresh(server->port());
    const std::string last = "after all faults";
    auto book = clients_.book();
    book.sent.insert(last);
    book.acknowledged[payload_id(write_content(fresh, last))] = last;
    wait_until_delivered(*server);
    CHECK(stop(*server) == 0);
    const auto stored = home_.stored();
    for (const auto& [name, rows] : stored) judge(name, book, rows);
    // A kill can come while the lines of one write are half written. Then some destinations have an
    // entry that was not answered, and its repetition is a new one; where all of them have it, the
    // repetition is folded into it.
    for (const auto& [id, destinations] : cut_) {
      INFO(id);
      CHECK(destinations < stored.size());
    }
  }

  std::uint64_t kills() const {
    std::uint64_t sum = 0;
    for (const auto& [when, count] : killed_) sum += count;
    return sum;
  }
  std::uint64_t kills(moment when) const {
    const auto found = killed_.find(when);
    return found == killed_.end() ? 0 : found->second;
  }
  std::uint64_t judged() const { return judged_; }

  /// Entries that a request stored without being answered, and that its repetition found.
  std::uint64_t folded() const {
    const auto stored_by = home_.actors();
    std::uint64_t count = 0;
    for (const auto& [id, attempt] : clients_.accepted_late()) {
      if (stored_by.at(id) != attempt) ++count;
    }
    return count;
  }
  /// Writes that a kill has cut in two.
  std::size_t cut() const { return cut_.size(); }
  const proof::clients& writers() const { return clients_; }
  const five_destinations& home() const { return home_; }

 private:
  unsigned between(unsigned least, unsigned most) {
    return std::uniform_int_distribution<unsigned>(least, most)(random_);
  }

  void bring_about(moment when, cli::child_server& server, proof::fault_file& faults,
                   unsigned round) {
    switch (when) {
      case moment::any:
        server.signal(SIGKILL);
        break;
      case moment::opening:  // It was open before its call came; the call does come.
      case moment::file_call:
        faults.arm(between(1, 200));
        clients_.wait_for_end();
        break;
      case moment::stopping:
        server.signal(SIGTERM);
        faults.arm(between(1, 60));
        break;
      case moment::reloading: {
        home_.change_settings(round);
        http_client client(server.port());
        REQUIRE(
            client.send("POST /api/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                        "Authorization: Bearer " +
                        std::string(server_home::admin_token) + "\r\n\r\n"));
        faults.arm(between(1, 60));
        clients_.wait_for_end();
        break;
      }
    }
  }

  void judge(const std::string& name, const cli::ledger& book, std::vector<cli::stored_row> rows) {
    std::erase_if(rows, [&](const cli::stored_row& row) {
      if (book.acknowledged.contains(row.payload_id)) return false;
      INFO(name << " has " << row.payload_id << ", which was never promised");
      CHECK(book.sent.contains(row.content));
      ++cut_[row.payload_id];
      return true;
    });
    const auto found = cli::compare(book, rows);
    INFO(name << ": " << found.acknowledged << " acknowledged, " << found.missing << " missing, "
              << found.changed << " changed, " << found.repeated << " repeated, " << found.unknown
              << " unknown, " << found.unanswered << " unanswered");
    CHECK(found.holds());
    CHECK(found.acknowledged == book.sent.size());
    CHECK(rows.size() == book.acknowledged.size());
    judged_ += rows.size();
  }

  std::mt19937 random_;
  five_destinations home_;
  proof::clients clients_;
  std::map<moment, std::uint64_t> killed_;
  /// In how many destinations an id is that nobody was promised.
  std::map<std::string, std::size_t> cut_;
  std::uint64_t judged_ = 0;
};

}  // namespace

TEST_CASE("No kill loses an acknowledged entry, or repeats it in any destination") {
  const unsigned rounds = rounds_wanted();
  const auto seed = proof_seed("NEXUS_CRASH_SEED");
  std::cout << "NEXUS_CRASH_ROUNDS=" << rounds << std::endl;
  INFO("seed " << seed);
  crash_run run(seed);
  for (unsigned round = 0; round < rounds; ++round) {
    INFO("round " << round << ": " << run.home().log_end());
    run.kill_once(round);
  }
  run.judge();

  for (const auto& complaint : run.writers().complaints()) FAIL_CHECK(complaint);
  if (rounds >= 4 * moments) {
    for (unsigned when = 0; when < moments; ++when) CHECK(run.kills(moment{when}) > 0);
    CHECK(run.folded() > 0);
    CHECK(run.writers().repeated() > 0);
    CHECK(run.home().received_again() > 0);
  }
  std::cout << run.folded() << " entries folded, " << run.writers().repeated()
            << " accepted requests sent again, " << run.home().received_again()
            << " received again over HTTP, " << run.cut() << " writes cut in two" << std::endl;
  count_proof("kill -9 rounds", run.kills());
  count_proof("entries judged after kills", run.judged());
}
