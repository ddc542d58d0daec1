// The power goes at every single operation of a small workload, and every acknowledged entry must
// be there afterwards.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/proof/proof_size.hpp"
#include "tests/wal/failing_directory.hpp"
#include "tests/wal/reference_reader.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

/// What the caller has been told. A mark counts from the call on, also where it could not be
/// written yet.
struct promises {
  std::set<std::string> acknowledged, attempted, marked, durable_marks;
};

void append(wal::log& log, promises& told, const std::string& id, std::size_t bytes = 10) {
  auto value = make_entry(id, "key of " + id);
  value.payload = "\"" + std::string(bytes, 'z') + "\"";
  told.attempted.insert(id);
  if (log.append(value)) {
    told.acknowledged.insert(id);
    told.durable_marks = told.marked;  // an append syncs all marks before it
  }
}

void mark(wal::log& log, promises& told, const std::string& id) {
  if (told.acknowledged.count(id) == 0) return;
  told.marked.insert(id);
  (void)log.mark_delivered(id).ok();
}

/// Two openings: appends, marks, rotations, settling, a close in the middle.
void run_workload(const wal::options& how, promises& told) {
  for (std::string prefix : {"a", "b"}) {
    auto opened = wal::log::open(how);
    if (!opened) return;
    auto& log = **opened;
    append(log, told, prefix + "0");
    append(log, told, prefix + "1");
    mark(log, told, prefix + "0");
    append(log, told, prefix + "2", 1 << 20);  // rotates
    append(log, told, prefix + "3");
    mark(log, told, prefix + "2");
    if (log.sync()) told.durable_marks = told.marked;
    (void)log.settle().ok();
    append(log, told, prefix + "4");
    mark(log, told, prefix + "1");
    mark(log, told, prefix + "4");
    (void)log.maintain().ok();
    append(log, told, prefix + "5");
    (void)log.close().ok();
  }
}

void check_promises(const std::vector<std::string>& pending, const promises& told) {
  std::set<std::string> distinct(pending.begin(), pending.end());
  CHECK(distinct.size() == pending.size());
  for (const auto& id : pending) {
    CHECK(told.attempted.count(id) == 1);
    CHECK(told.durable_marks.count(id) == 0);
  }
  for (const auto& id : told.acknowledged)
    if (told.marked.count(id) == 0) {
      INFO("acknowledged: " << id);
      CHECK(distinct.count(id) == 1);
    }
}

std::uint64_t operations_of_workload() {
  failing_directory at;
  at.files->heal();
  promises told;
  run_workload(at.how, told);
  CHECK(told.acknowledged.size() == 12);
  return at.files->operations();
}

}  // namespace

TEST_CASE("a power cut at any operation loses no acknowledged entry and hands none on twice") {
  auto total = operations_of_workload();
  REQUIRE(total > 40);
  for (auto left : {survival::nothing, survival::everything, survival::torn})
    for (std::uint64_t n = 1; n <= total;
         n += proof_divisor() * (left == survival::everything ? 3 : 1)) {
      failing_directory at;
      promises told;
      at.files->cut_power_at(n);
      run_workload(at.how, told);
      at.files->crash(left);
      INFO("power cut at operation " << n << " of " << total
                                     << ", left: " << static_cast<int>(left));
      auto first = ids_after_reopen(at.how);
      check_promises(first, told);
      auto bytes = bytes_of(at.dir / "wal");
      CHECK(ids_after_reopen(at.how) == first);
      CHECK((bytes_of(at.dir / "wal") == bytes));
      auto view = read_as_reference(at.dir / "wal");
      CHECK(view.pending == first);
      CHECK(view.leftovers.empty());
    }
}

TEST_CASE(
    "a power cut at any operation of the repair that follows a power cut loses nothing either") {
  auto total = operations_of_workload();
  for (std::uint64_t n = 5; n <= total; n += 13 * proof_divisor())
    for (std::uint64_t m = 1; m <= 10; ++m) {
      failing_directory at;
      promises told;
      at.files->cut_power_at(n);
      run_workload(at.how, told);
      at.files->crash(survival::torn);
      at.files->cut_power_at(m);
      if (auto opened = wal::log::open(at.how)) (void)(*opened)->close().ok();
      at.files->crash(survival::nothing);
      INFO("power cuts at operations " << n << " and " << m);
      check_promises(ids_after_reopen(at.how), told);
    }
}

TEST_CASE("a single failing operation anywhere loses no acknowledged entry") {
  auto total = operations_of_workload();
  for (std::uint64_t n = 1; n <= total; n += proof_divisor()) {
    failing_directory at;
    promises told;
    at.files->fail({std::nullopt, n, false, 5, 40});
    run_workload(at.how, told);
    at.files->heal();
    INFO("failure at operation " << n << " of " << total);
    auto pending = ids_after_reopen(at.how);
    check_promises(pending, told);
    CHECK(read_as_reference(at.dir / "wal").pending == pending);
  }
}
