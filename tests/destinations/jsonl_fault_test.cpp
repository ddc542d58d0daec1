// The JSON Lines destination on a disk that fails, and after a power cut.
#include <cerrno>
#include <set>

#include "destinations/jsonl.hpp"
#include "tests/destinations/jsonl_support.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/failing_files.hpp"

using namespace nexus::destinations;
using namespace nexus::test;

namespace {

using kinds = std::vector<outcome_kind>;

const kinds one_delivered{outcome_kind::delivered};
const kinds one_unreachable{outcome_kind::unreachable};

struct house {
  house() { how.path = dir / "events.jsonl"; }
  std::unique_ptr<destination> make() { return make_jsonl(how, files); }

  const temp_dir dir;
  failing_files files{dir.path()};
  jsonl_options how;
};

}  // namespace

TEST_CASE("jsonl: a full disk keeps every entry out, leaves no torn line, and is over when it is") {
  house in;
  auto to = in.make();
  REQUIRE(deliver_ids(*to, {"1"}) == one_delivered);
  in.files.set_capacity(line_of_id("1").size() + 10);
  for (int i = 0; i < 3; ++i) {
    CHECK(deliver_ids(*to, {"2", "3"}) == kinds(2, outcome_kind::unreachable));
    CHECK(lines_in(in.how.path) == lines_of_ids({"1"}));
  }
  in.files.set_capacity({});
  CHECK(deliver_ids(*to, {"2", "3"}) == kinds(2, outcome_kind::delivered));
  CHECK(lines_in(in.how.path) == lines_of_ids({"1", "2", "3"}));
}

TEST_CASE("jsonl: each failure of a delivery leaves the file as it was, and passes") {
  // The operations of a delivery that opens the file, rotates it and removes an old one.
  for (std::uint64_t nth = 1; nth <= 9; ++nth) {
    for (const bool lasting : {false, true}) {
      house in;
      in.how.rotate_bytes = 1;
      in.how.keep_files = 1;
      for (const char* id : {"1", "2"}) REQUIRE(deliver_ids(*in.make(), {id}) == one_delivered);
      auto to = in.make();
      in.files.fail(
          {.which = {}, .nth = nth, .all_after = lasting, .error = EIO, .short_write = 7});
      const auto kind = deliver_ids(*to, {"3"});
      const bool struck = in.files.faults_fired() > 0;
      if (struck) CHECK(kind == one_unreachable);
      in.files.heal();
      CHECK(deliver_ids(*to, {"3"}) == one_delivered);
      auto lines = all_lines(in.dir.path());
      // The removal of the oldest file may be what failed: the next rotation does it.
      if (lines.size() == 3) lines.erase(lines.begin());
      CHECK(lines == lines_of_ids({"2", "3"}));
      CHECK(in.files.uses_after_failed_sync() == 0);
    }
  }
}

TEST_CASE("jsonl: what is wrong with rights or the path waits for a person") {
  for (const int number : {EACCES, EPERM, EROFS, EISDIR, ENOTDIR, ELOOP, ENAMETOOLONG}) {
    house in;
    auto to = in.make();
    REQUIRE(deliver_ids(*to, {"1"}) == one_delivered);
    to.reset();
    in.files.fail({.which = operation::open_write, .all_after = true, .error = number});
    to = in.make();
    CHECK(deliver_ids(*to, {"2"}) == kinds{outcome_kind::config_fault});
    CHECK(to->ping().reason().code == nexus::core::errc::bad_config);
  }
  for (const int number : {ENOSPC, EDQUOT, EIO, EMFILE, ENFILE, ENOMEM}) {
    house in;
    in.files.fail({.which = operation::create, .all_after = true, .error = number});
    CHECK(deliver_ids(*in.make(), {"1"}) == one_unreachable);
  }
}

TEST_CASE("jsonl: nothing is synced where that is switched off") {
  house in;
  in.how.sync = false;
  CHECK(deliver_ids(*in.make(), {"1"}) == one_delivered);
  CHECK(in.files.count(operation::sync) == 0);
  in.how.sync = true;
  CHECK(deliver_ids(*in.make(), {"1"}) == one_delivered);
  // It had not been synced, and counts as delivered now.
  CHECK(in.files.count(operation::sync) == 1);
}

TEST_CASE("jsonl: wherever the power fails, what was delivered is there, and once") {
  for (const auto survives : {survival::nothing, survival::everything, survival::torn}) {
    bool finished = false;
    for (std::uint64_t nth = 1; !finished; ++nth) {
      house in;
      in.how.rotate_bytes = 3 * line_of_id("1").size();
      const texts ids{"1", "2", "3", "4", "5", "6", "7", "8", "9"};
      texts delivered;
      in.files.cut_power_at(nth);
      auto to = in.make();
      for (const auto& id : ids) {
        if (deliver_ids(*to, {id}) == one_delivered) delivered.push_back(id);
      }
      finished = delivered.size() == ids.size();
      to.reset();
      in.files.crash(survives);
      const auto survived = all_lines(in.dir.path());
      const std::set<std::string> there(survived.begin(), survived.end());
      for (const auto& id : delivered) REQUIRE(there.contains(line_of_id(id)));
      to = in.make();
      REQUIRE(deliver_ids(*to, ids) == kinds(ids.size(), outcome_kind::delivered));
      auto lines = all_lines(in.dir.path());
      std::ranges::sort(lines);
      REQUIRE(lines == lines_of_ids(ids));
    }
  }
}
