#include <filesystem>
#include <limits>

#include "tests/destinations/sqlite_support.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus::destinations;
using nexus::test::connection_spy;
using nexus::test::entry_of;
using nexus::test::entry_with;
using nexus::test::json_of;
using nexus::test::raw_database;
using nexus::test::record_named;
using nexus::test::temp_dir;

namespace {

/// A database with a destination and a reader on it.
struct store {
  temp_dir dir;
  std::string path = dir / "memories.db";
  std::unique_ptr<destination> writes = make_sqlite({path});
  std::unique_ptr<reader> reads = make_sqlite_reader({path});

  void put(const memory_record& record) {
    const std::vector<nexus::core::entry_ptr> batch{entry_of(record)};
    REQUIRE(writes->deliver(batch).at(0).kind == outcome_kind::delivered);
  }

  query_page find(const query& what) {
    auto page = reads->find(what);
    if (!page) FAIL(page.reason().text);
    return *page;
  }

  /// The payload ids of a page, in its order.
  std::vector<std::string> ids(const query& what) {
    std::vector<std::string> all;
    for (const auto& json : find(what).records) {
      auto record = parse_record(json);
      REQUIRE(record.ok());
      all.push_back(record->payload_id);
    }
    return all;
  }
};

/// All rows of the namespace and destination of `record_named`.
query everything() {
  query what;
  what.name_space = "home";
  what.destination = "store";
  return what;
}

query with_text(const std::string& text) {
  query what = everything();
  what.text = text;
  return what;
}

using id_list = std::vector<std::string>;

/// The text of the last SELECT over memories that a connection ran.
int remember(unsigned, void* into, void* statement, void*) {
  const std::string sql = sqlite3_sql(static_cast<sqlite3_stmt*>(statement));
  if (sql.find("ORDER BY") != std::string::npos) *static_cast<std::string*>(into) = sql;
  return 0;
}

/// How SQLite goes about what the reader runs for `what`.
std::string plan_of(store& in, const query& what) {
  const connection_spy spy;
  in.reads = make_sqlite_reader({in.path});
  REQUIRE(in.reads->count().ok());
  std::string sql;
  sqlite3_trace_v2(spy.last(), SQLITE_TRACE_STMT, &remember, &sql);
  in.find(what);
  REQUIRE_FALSE(sql.empty());
  std::string plan;
  for (const auto& row : raw_database(in.path).rows("EXPLAIN QUERY PLAN " + sql)) plan += row;
  return plan;
}

}  // namespace

TEST_CASE("what was delivered is read back as the same JSON") {
  store one;
  auto record = record_named("p1");
  record.metadata = {{"z", "1"}, {"a", "<2>"}};
  record.embedding = {1.0F, -2.5F, 1e-7F};
  record.sensitivity_labels = {"pii", "health"};
  one.put(record);
  CHECK(one.find(everything()).records == id_list{json_of(record)});
}

TEST_CASE("characters that are hard to store survive, broken ones are replaced") {
  store one;
  auto record = record_named("p1");
  record.content = std::string("a\0b \xf0\x9f\x98\x80 \"'\\ %_ \n", 17);
  one.put(record);
  const std::string broken =
      "{\"payload_id\":\"p2\",\"namespace\":\"home\",\"destination\":\"store\","
      "\"content\":\"x\\udc00y\xffz\"}";
  const std::vector<nexus::core::entry_ptr> batch{entry_with("p2", broken)};
  REQUIRE(one.writes->deliver(batch).at(0).kind == outcome_kind::delivered);
  const auto records = one.find(everything()).records;
  REQUIRE(records.size() == 2);
  CHECK(records[0] == json_of(record));
  CHECK(parse_record(records[1])->content == "x\xef\xbf\xbdy\xef\xbf\xbdz");
  CHECK(raw_database(one.path).value("SELECT content FROM memories WHERE payload_id = 'p2'") ==
        "x\xef\xbf\xbdy\xef\xbf\xbdz");
}

TEST_CASE("rows come newest first, also within a second where fractions are trimmed") {
  store one;
  const id_list oldest_first{"04.999", "05", "05.000000001", "05.1", "05.12", "05.9", "06"};
  for (const std::size_t i : {3U, 0U, 6U, 1U, 5U, 2U, 4U}) {
    auto record = record_named(oldest_first[i]);
    record.timestamp = "2026-01-01T00:00:" + oldest_first[i] + "Z";
    one.put(record);
  }
  const id_list newest_first(oldest_first.rbegin(), oldest_first.rend());
  CHECK(one.ids(everything()) == newest_first);

  SECTION("and pages of every size put together are the whole list") {
    for (std::size_t limit = 1; limit <= newest_first.size() + 1; ++limit) {
      id_list joined;
      query what = everything();
      what.limit = limit;
      bool more = true;
      while (more) {
        what.offset = joined.size();
        const auto part = one.ids(what);
        more = one.find(what).has_more;
        CHECK(part.size() == std::min(limit, newest_first.size() - joined.size()));
        CHECK(more == (joined.size() + part.size() < newest_first.size()));
        if (part.empty()) break;
        joined.insert(joined.end(), part.begin(), part.end());
      }
      CHECK(joined == newest_first);
    }
  }
}

TEST_CASE("of rows of the same time the one inserted last comes first") {
  store one;
  for (const char* id : {"b", "c", "a"}) one.put(record_named(id));
  CHECK(one.ids(everything()) == id_list{"a", "c", "b"});
}

TEST_CASE("a page beyond the end, or of no rows, is empty") {
  store one;
  one.put(record_named("p1"));
  query what = everything();
  what.offset = 1;
  CHECK(one.find(what).records.empty());
  CHECK_FALSE(one.find(what).has_more);
  what = everything();
  what.limit = 0;
  CHECK(one.find(what).records.empty());
  CHECK(one.find(what).has_more);
  what.limit = std::numeric_limits<std::size_t>::max();
  CHECK(one.find(what).records.size() == 1);
}

TEST_CASE("a page of large rows ends early and says that there are more") {
  store one;
  auto record = record_named("p");
  record.content = std::string(9'000'000, 'x');
  for (int i = 0; i < 6; ++i) {
    record.payload_id = "p" + std::to_string(i);
    one.put(record);
  }
  query what = everything();
  const auto first = one.find(what);
  CHECK(first.records.size() == 4);
  CHECK(first.has_more);
  what.offset = first.records.size();
  CHECK(one.ids(what) == id_list{"p1", "p0"});
  CHECK_FALSE(one.find(what).has_more);
}

TEST_CASE("rows of other namespaces and destinations are never seen") {
  store one;
  one.put(record_named("mine"));
  auto other = record_named("other namespace");
  other.name_space = "office";
  one.put(other);
  other = record_named("other destination");
  other.destination = "archive";
  one.put(other);
  for (const auto& subject : {"", "ann"}) {
    query what = everything();
    what.subject = subject;
    CHECK(one.ids(what) == id_list{"mine"});
    what.name_space = "";
    CHECK(one.ids(what).empty());
    what.name_space = "home' OR '1'='1";
    CHECK(one.ids(what).empty());
  }
}

TEST_CASE("subject and actor type narrow the result") {
  store one;
  one.put(record_named("p1"));
  auto other = record_named("p2");
  other.subject = "bob";
  other.actor_type = "agent";
  one.put(other);
  query what = everything();
  what.subject = "bob";
  CHECK(one.ids(what) == id_list{"p2"});
  what.actor_type = "user";
  CHECK(one.ids(what).empty());
  what.subject.clear();
  CHECK(one.ids(what) == id_list{"p1"});
}

TEST_CASE("a text is matched as it stands: % _ and the backslash are plain characters") {
  store one;
  int n = 0;
  for (const char* content : {"100% sure", "100 sure", "snake_case", "snakeXcase", R"(a\b)"}) {
    auto record = record_named(std::to_string(n++));
    record.content = content;
    one.put(record);
  }
  CHECK(one.ids(with_text("100%")) == id_list{"0"});
  CHECK(one.ids(with_text("%")) == id_list{"0"});
  CHECK(one.ids(with_text("e_c")) == id_list{"2"});
  CHECK(one.ids(with_text("\\")) == id_list{"4"});
  CHECK(one.ids(with_text("0 sure")) == id_list{"1"});
  CHECK(one.ids(with_text("SURE")) == id_list{"1", "0"});
  CHECK(one.ids(with_text("' OR 1=1 --")).empty());
}

TEST_CASE("the indexes for queries and subjects are used, and nothing is sorted by SQLite") {
  store one;
  one.put(record_named("p1"));
  const std::string by_namespace = plan_of(one, everything());
  INFO(by_namespace);
  CHECK(by_namespace.find("idx_memories_query (namespace=? AND destination=?)") !=
        std::string::npos);
  CHECK(by_namespace.find("TEMP B-TREE") == std::string::npos);

  query what = everything();
  what.subject = "ann";
  what.text = "content";
  what.actor_type = "user";
  const std::string by_subject = plan_of(one, what);
  INFO(by_subject);
  CHECK(by_subject.find("idx_memories_subject (subject=?)") != std::string::npos);
  CHECK(by_subject.find("TEMP B-TREE") == std::string::npos);
}

TEST_CASE("a database that does not exist yet is empty, and is seen once it does") {
  store one;
  CHECK(one.find(everything()).records.empty());
  CHECK(*one.reads->count() == 0);
  nexus::test::write_file(one.path, "");  // created, no table yet
  CHECK(one.find(everything()).records.empty());
  CHECK(*one.reads->count() == 0);
  one.put(record_named("p1"));
  CHECK(one.ids(everything()) == id_list{"p1"});
  CHECK(*one.reads->count() == 1);
}

TEST_CASE("the reader sees rows after the writer has gone, and cannot write itself") {
  store one;
  one.put(record_named("p1"));
  one.writes.reset();
  const connection_spy spy;
  CHECK(one.ids(everything()) == id_list{"p1"});
  REQUIRE(spy.last() != nullptr);
  CHECK(sqlite3_db_readonly(spy.last(), "main") == 1);
}

TEST_CASE("the reader follows when the database file is replaced") {
  store one;
  one.put(record_named("p1"));
  REQUIRE(*one.reads->count() == 1);
  one.writes.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(one.path + suffix);
  CHECK(*one.reads->count() == 0);
  one.writes = make_sqlite({one.path});
  one.put(record_named("p2"));
  CHECK(one.ids(everything()) == id_list{"p2"});
}

TEST_CASE("a file that is no database is reported, and read again once it is mended") {
  store one;
  nexus::test::write_file(one.path, std::string(8192, 'x'));
  auto rows = one.reads->count();
  REQUIRE_FALSE(rows.ok());
  CHECK(rows.reason().code == nexus::core::errc::bad_config);
  CHECK(rows.reason().text.find(one.path) != std::string::npos);
  std::filesystem::remove(one.path);
  one.put(record_named("p1"));
  CHECK(*one.reads->count() == 1);
}

TEST_CASE("rows that somebody else damaged are still shown, without the damaged part") {
  store one;
  one.put(record_named("p1"));
  raw_database(one.path).rows(
      "UPDATE memories SET metadata = 'not json', embedding = x'0000C07F'");  // NaN
  CHECK(one.find(everything()).records == id_list{json_of(record_named("p1"))});
}
