// Every kind of fault at every operation, one after the other, through the log's public functions.
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/proof/proof_size.hpp"
#include "tests/wal/fault_support.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct kind_of_fault {
  operation which;
  std::vector<int> errors;
  std::vector<std::size_t> short_writes = {0};
};

const std::vector<kind_of_fault> all_faults = {
    {operation::create, {EIO, ENOSPC, EDQUOT, EROFS, EMFILE}},
    {operation::write, {EIO, ENOSPC, EDQUOT, EROFS}, {0, 40}},
    {operation::sync, {EIO, ENOSPC, EDQUOT, EROFS}},
    {operation::allocate, {EIO, ENOSPC, EDQUOT, EROFS}},
    {operation::truncate, {EIO, ENOSPC, EROFS}},
    {operation::rename, {EIO, ENOSPC, EDQUOT, EROFS}},
    {operation::remove, {EIO, EROFS}},
    {operation::sync_directory, {EIO, ENOSPC, EMFILE}},
    {operation::open_read, {EIO, EMFILE}},
    {operation::open_write, {EIO, EROFS, EMFILE}},
    {operation::read, {EIO}},
    {operation::list, {EIO, EMFILE}},
    {operation::check_in_place, {EIO}},
};

/// One fault after the other, until a workload has none left to fail. Returns how many have fired.
std::uint64_t try_all(const kind_of_fault& kind, duration how_long,
                      protection lines = protection::crc) {
  std::uint64_t total = 0;
  for (auto error : kind.errors)
    for (auto written : kind.short_writes)
      for (std::uint64_t n = 1;; n += proof_divisor()) {
        faulty_log at(lines);
        at.error = error;
        at.files->fail({kind.which, n, how_long != duration::once, error, written});
        const auto last =
            (n + static_cast<std::uint64_t>(error)) % 2 == 0 ? ending::close : ending::power_cut;
        INFO("operation " << static_cast<int>(kind.which) << " number " << n << ", errno " << error
                          << ", written " << written << ", ending " << static_cast<int>(last));
        at.run_workload(how_long);
        const auto fired = at.files->faults_fired();
        at.check(last);
        if (fired == 0) break;
        total += fired;
        REQUIRE(n < 1000);
      }
  return total;
}

}  // namespace

TEST_CASE("one fault at any operation costs only what was refused, and the same log goes on") {
  std::uint64_t fired = 0;
  for (const auto& kind : all_faults) {
    auto of_kind = try_all(kind, duration::once);
    INFO("operation " << static_cast<int>(kind.which));
    CHECK(of_kind > 0);
    fired += of_kind;
  }
  CHECK(fired > 250 / proof_divisor());
}

TEST_CASE("one fault at any operation does no more harm to signed and encrypted lines") {
  std::uint64_t fired = 0;
  for (auto kind : all_faults) {
    kind.errors = {kind.errors.front()};
    fired += try_all(kind, duration::once, protection::encrypted_mac);
  }
  CHECK(fired > 100 / proof_divisor());
}

TEST_CASE("faults that stay from any operation on cost only what was refused, until they end") {
  for (auto lines : {protection::crc, protection::mac}) {
    std::uint64_t fired = 0;
    for (auto kind : all_faults) {
      kind.errors = {kind.errors.front(), kind.errors.back()};
      fired += try_all(kind, duration::first_log, lines);
    }
    CHECK(fired > 500 / proof_divisor());
  }
}

TEST_CASE("a log that is closed and opened on a failing disk loses marks at most") {
  for (auto lines : {protection::crc, protection::encrypted_mac}) {
    std::uint64_t fired = 0;
    for (auto kind : all_faults) {
      kind.errors = {kind.errors.front()};
      fired += try_all(kind, duration::always, lines);
    }
    CHECK(fired > 250 / proof_divisor());
  }
}

TEST_CASE("a power cut after a dead letter was copied and before its segment is gone leaves one") {
  for (auto lines : {protection::crc, protection::mac, protection::encrypted_mac}) {
    faulty_log at(lines);
    at.open();
    at.append({"a0"});
    at.append({"b0"}, mib);  // rotates
    at.append({"c0"});
    at.fail("a0");
    at.deliver("b0");
    REQUIRE(at.log->sync().ok());
    at.error = EIO;
    at.files->fail({operation::remove, 1, true, EIO});
    CHECK_FALSE(at.log->maintain().ok());
    at.files->cut_power_at(1);
    at.log.reset();
    at.files->crash(survival::nothing);
    REQUIRE(std::filesystem::exists(at.dir / "wal/dead-letter.jsonl"));
    at.open();
    CHECK(at.log->stats().dead_letters == 1);
    at.check(ending::close);
  }
}
