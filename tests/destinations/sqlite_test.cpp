#include "destinations/sqlite.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "destinations/sqlite_handle.hpp"
#include "tests/destinations/sqlite_support.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus::destinations;
using namespace std::chrono_literals;
using nexus::core::entry_ptr;
using nexus::test::connection_spy;
using nexus::test::early_table;
using nexus::test::entry_named;
using nexus::test::entry_of;
using nexus::test::entry_with;
using nexus::test::raw_database;
using nexus::test::record_named;
using nexus::test::temp_dir;

namespace {

std::vector<outcome_kind> kinds(const std::vector<outcome>& outcomes) {
  std::vector<outcome_kind> all;
  for (const auto& each : outcomes) all.push_back(each.kind);
  return all;
}

std::vector<outcome_kind> deliver(destination& to, const std::vector<entry_ptr>& batch) {
  return kinds(to.deliver(batch));
}

std::vector<entry_ptr> entries(const std::string& prefix, int count) {
  std::vector<entry_ptr> batch;
  for (int i = 0; i < count; ++i) batch.push_back(entry_named(prefix + std::to_string(i)));
  return batch;
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return status.st_mode & 07777U;
}

/// The umask for the time of a test: modes must not depend on it.
struct with_umask {
  explicit with_umask(mode_t mask) : before(::umask(mask)) {}
  ~with_umask() { ::umask(before); }
  with_umask(const with_umask&) = delete;
  with_umask& operator=(const with_umask&) = delete;
  const mode_t before;
};

const std::vector<outcome_kind> one_delivered{outcome_kind::delivered};
const std::vector<outcome_kind> one_config_fault{outcome_kind::config_fault};

}  // namespace

TEST_CASE("an entry delivered twice leaves one row") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  auto store = make_sqlite({path});
  CHECK(deliver(*store, {entry_named("p1")}) == one_delivered);
  CHECK(deliver(*store, {entry_named("p1")}) == one_delivered);
  const auto both = deliver(*store, {entry_named("p1"), entry_named("p2"), entry_named("p2")});
  CHECK(both == std::vector<outcome_kind>(3, outcome_kind::delivered));
  raw_database db(path);
  CHECK(db.rows("SELECT payload_id FROM memories ORDER BY 1") ==
        std::vector<std::string>{"p1", "p2"});
}

TEST_CASE("the table and its indexes are those of the reference") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  REQUIRE(deliver(*make_sqlite({path}), {entry_named("p1")}) == one_delivered);
  raw_database db(path);
  const auto text = [](const std::string& name) { return name + "|TEXT|1|''|0"; };
  std::vector<std::string> expected{"payload_id|TEXT|0|NULL|1"};
  for (const char* name :
       {"request_id", "source", "subject", "namespace", "destination", "collection", "content",
        "model", "role", "timestamp", "idempotency_key"}) {
    expected.push_back(text(name));
  }
  expected.push_back("schema_version|INTEGER|1|0|0");
  for (const char* name : {"transform_version", "actor_type", "actor_id"}) {
    expected.push_back(text(name));
  }
  expected.push_back("metadata|TEXT|1|'{}'|0");
  expected.push_back("created_at|TEXT|1|strftime('%Y-%m-%dT%H:%M:%fZ', 'now')|0");
  expected.push_back("embedding|BLOB|0|NULL|0");
  expected.push_back(text("sensitivity_labels"));
  expected.push_back("classification_tier|TEXT|1|'public'|0");
  CHECK(db.rows(
            "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('memories')") ==
        expected);
  CHECK(db.rows("SELECT i.name, i.\"unique\", group_concat(x.name || ' ' || x.\"desc\")"
                " FROM pragma_index_list('memories') i, pragma_index_xinfo(i.name) x"
                " WHERE i.origin = 'c' AND x.key GROUP BY i.name ORDER BY i.name") ==
        std::vector<std::string>{"idx_memories_classification|0|classification_tier 0",
                                 "idx_memories_idempotency_key|0|idempotency_key 0",
                                 "idx_memories_query|0|namespace 0,destination 0,timestamp 1",
                                 "idx_memories_subject|0|subject 0,timestamp 1"});
}

TEST_CASE("each column holds what the payload says") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  auto record = record_named("p1");
  record.metadata = {{"z", "1"}, {"a", "<2>"}};
  record.embedding = {1.0F, -2.5F};
  record.sensitivity_labels = {"pii", "health"};
  record.classification_tier = "secret";
  auto plain = record_named("p2");
  plain.classification_tier.clear();
  auto store = make_sqlite({path});
  CHECK(deliver(*store, {entry_of(record), entry_of(plain)}) ==
        std::vector<outcome_kind>(2, outcome_kind::delivered));

  raw_database db(path);
  const std::string common =
      "SELECT request_id, source, subject, namespace, destination, collection, content, model,"
      " role, timestamp, idempotency_key, schema_version, transform_version, actor_type, actor_id"
      " FROM memories WHERE payload_id = ";
  CHECK(db.value(common + "'p1'") ==
        "req|src|ann|home|store|notes|content of p1|m1|user|2026-01-02T03:04:05.6Z|key|1|1.0|user|"
        "a7");
  const std::string tail =
      "SELECT metadata, hex(embedding), sensitivity_labels, classification_tier FROM memories"
      " WHERE payload_id = ";
  CHECK(db.value(tail + "'p1'") ==
        R"({"a":"\u003c2\u003e","z":"1"}|0000803F000020C0|pii,health|secret)");
  CHECK(db.value(tail + "'p2'") == "{}|||public");
  CHECK(db.value("SELECT embedding IS NULL FROM memories WHERE payload_id = 'p2'") == "1");
  CHECK(db.value("SELECT created_at GLOB '20[0-9][0-9]-*T*.[0-9][0-9][0-9]Z' FROM memories") ==
        "1");
}

TEST_CASE("commits are synced to a write-ahead journal, and locks are waited for") {
  const temp_dir dir;
  const connection_spy spy;
  auto store = make_sqlite({dir / "memories.db"});
  REQUIRE(deliver(*store, {entry_named("p1")}) == one_delivered);
  const auto pragma = [&](const std::string& name) {
    return raw_database::rows(spy.last(), "PRAGMA " + name).at(0);
  };
  CHECK(pragma("journal_mode") == "wal");
  CHECK(pragma("synchronous") == "2");  // FULL
  CHECK(pragma("busy_timeout") == "5000");
  CHECK(raw_database(dir / "memories.db").value("PRAGMA journal_mode") == "wal");
}

TEST_CASE("a batch is one transaction") {
  const temp_dir dir;
  const connection_spy spy;
  auto store = make_sqlite({dir / "memories.db"});
  REQUIRE(deliver(*store, {entry_named("first")}) == one_delivered);
  int commits = 0;
  sqlite3_commit_hook(
      spy.last(), [](void* count) { return ++*static_cast<int*>(count), 0; }, &commits);
  CHECK(deliver(*store, entries("p", 100)) ==
        std::vector<outcome_kind>(100, outcome_kind::delivered));
  CHECK(commits == 1);
}

TEST_CASE("the database and its side files are for their owner only, whatever the umask") {
  const temp_dir dir;
  const with_umask open_to_all(0);
  const std::string path = dir / "a/b/memories.db";
  auto store = make_sqlite({path});
  REQUIRE(deliver(*store, {entry_named("p1")}) == one_delivered);
  CHECK(mode_of(dir / "a") == 0700);
  CHECK(mode_of(dir / "a/b") == 0700);
  CHECK(mode_of(path) == 0600);
  CHECK(mode_of(path + "-wal") == 0600);
  CHECK(mode_of(path + "-shm") == 0600);
}

TEST_CASE("a database that others can read is closed to them, its directory is left alone") {
  const temp_dir dir;
  const std::string path = dir / "shared/memories.db";
  REQUIRE(deliver(*make_sqlite({path}), {entry_named("p0")}) == one_delivered);
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  REQUIRE(::chmod((dir / "shared").c_str(), 0755) == 0);
  auto store = make_sqlite({path});
  REQUIRE(deliver(*store, {entry_named("p1")}) == one_delivered);
  CHECK(mode_of(path) == 0600);
  CHECK(mode_of(path + "-wal") == 0600);
  CHECK(mode_of(dir / "shared") == 0755);
}

TEST_CASE("of a batch only the row that the database refuses fails") {
  // ABORT undoes one statement, ROLLBACK the whole transaction.
  const std::string reaction = GENERATE("ABORT", "ROLLBACK");
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  auto store = make_sqlite({path});
  REQUIRE(deliver(*store, {entry_named("o")}) == one_delivered);
  raw_database db(path);
  db.rows("DELETE FROM memories");
  db.rows(
      "CREATE TRIGGER guard BEFORE INSERT ON memories WHEN NEW.payload_id = 'p2'"
      " BEGIN SELECT RAISE(" +
      reaction + ", 'not this\none'); END");
  const auto outcomes = store->deliver(entries("p", 5));
  REQUIRE(outcomes.size() == 5);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    CHECK(outcomes[i].kind == (i == 2 ? outcome_kind::permanent : outcome_kind::delivered));
  }
  CHECK(outcomes[2].reason.find("not this one") != std::string::npos);
  CHECK(db.rows("SELECT payload_id FROM memories ORDER BY 1") ==
        std::vector<std::string>{"p0", "p1", "p3", "p4"});
  CHECK(deliver(*store, {entry_named("later")}) == one_delivered);
}

TEST_CASE(
    "a fault of the schema in the middle of a batch pauses the destination and stores nothing") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  auto store = make_sqlite({path});
  REQUIRE(deliver(*store, {entry_named("o")}) == one_delivered);
  raw_database db(path);
  db.rows("DELETE FROM memories");
  db.rows(
      "CREATE TRIGGER faulty BEFORE INSERT ON memories WHEN NEW.payload_id = 'p2'"
      " BEGIN SELECT json('not json'); END");
  CHECK(deliver(*store, entries("p", 5)) ==
        std::vector<outcome_kind>(5, outcome_kind::config_fault));
  CHECK(db.value("SELECT COUNT(*) FROM memories") == "0");
  db.rows("DROP TRIGGER faulty");
  CHECK(deliver(*store, entries("p", 5)) == std::vector<outcome_kind>(5, outcome_kind::delivered));
}

TEST_CASE("a violated constraint is not taken for a repeated entry") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  raw_database db(path);
  db.rows(early_table(", CHECK (content <> 'bad')"));
  auto bad = record_named("p1");
  bad.content = "bad";
  auto store = make_sqlite({path});
  CHECK(deliver(*store, {entry_of(bad), entry_named("p2")}) ==
        std::vector<outcome_kind>{outcome_kind::permanent, outcome_kind::delivered});
  CHECK(db.rows("SELECT payload_id FROM memories") == std::vector<std::string>{"p2"});
}

TEST_CASE("a payload that is no record fails alone and for good") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  auto store = make_sqlite({path});
  const auto outcomes = store->deliver(
      std::vector<entry_ptr>{entry_named("p1"), entry_with("p2", "null"),
                             entry_with("p3", R"({"content":7})"), entry_named("p4")});
  CHECK(kinds(outcomes) ==
        std::vector<outcome_kind>{outcome_kind::delivered, outcome_kind::permanent,
                                  outcome_kind::permanent, outcome_kind::delivered});
  CHECK(outcomes[2].reason.find("content") != std::string::npos);
  CHECK(raw_database(path).value("SELECT COUNT(*) FROM memories") == "2");
}

TEST_CASE("a payload without an id is stored under its entry's, and refused without either") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  auto store = make_sqlite({path});
  const std::string payload = R"({"content":"c"})";
  CHECK(deliver(*store,
                {entry_with("p1", payload), entry_with("p2", payload), entry_with("", payload)}) ==
        std::vector<outcome_kind>{outcome_kind::delivered, outcome_kind::delivered,
                                  outcome_kind::permanent});
  CHECK(raw_database(path).rows("SELECT payload_id FROM memories ORDER BY 1") ==
        std::vector<std::string>{"p1", "p2"});
}

TEST_CASE("a database of an early version gets the later columns and keeps its rows") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  raw_database db(path);
  db.rows(early_table(""));
  db.rows(
      "INSERT INTO memories (payload_id, content, namespace, destination, timestamp)"
      " VALUES ('old', 'kept', 'home', 'store', '2025-01-01T00:00:00Z')");
  auto store = make_sqlite({path});
  CHECK(deliver(*store, {entry_named("old"), entry_named("new")}) ==
        std::vector<outcome_kind>(2, outcome_kind::delivered));
  CHECK(db.rows("SELECT payload_id, content, embedding, sensitivity_labels, classification_tier"
                " FROM memories ORDER BY rowid") ==
        std::vector<std::string>{"old|kept|NULL||public", "new|content of new|NULL||public"});
  store = make_sqlite({path});
  CHECK(store->ping().ok());
}

TEST_CASE("a table of the same name with another shape pauses the destination") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  raw_database(path).rows("CREATE TABLE memories (id TEXT)");
  auto store = make_sqlite({path});
  CHECK(deliver(*store, {entry_named("p1")}) == one_config_fault);
  auto answer = store->ping();
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.reason().code == nexus::core::errc::bad_config);
  CHECK(answer.reason().text.find(path) != std::string::npos);
}

TEST_CASE("while another connection holds the lock entries are refused for now, then taken") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  auto store = make_sqlite({path, 1ms});
  REQUIRE(deliver(*store, {entry_named("p0")}) == one_delivered);
  raw_database other(path);
  other.rows("BEGIN IMMEDIATE");
  CHECK(deliver(*store, entries("p", 3)) ==
        std::vector<outcome_kind>(3, outcome_kind::unreachable));
  CHECK(other.value("SELECT COUNT(*) FROM memories") == "1");
  other.rows("COMMIT");
  CHECK(deliver(*store, entries("p", 3)) == std::vector<outcome_kind>(3, outcome_kind::delivered));
  CHECK(other.value("SELECT COUNT(*) FROM memories") == "3");
}

TEST_CASE("when the disk is full no row of the batch is taken, and all are when there is room") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  const connection_spy spy;
  auto store = make_sqlite({path});
  REQUIRE(deliver(*store, {entry_named("p0")}) == one_delivered);
  raw_database::rows(spy.last(), "DELETE FROM memories");
  raw_database::rows(spy.last(), "PRAGMA max_page_count = 1");  // cut to the present size
  auto large = record_named("large");
  large.content.assign(1'000'000, 'x');
  const std::vector<entry_ptr> batch{entry_named("p1"), entry_of(large), entry_named("p2")};
  CHECK(deliver(*store, batch) == std::vector<outcome_kind>(3, outcome_kind::unreachable));
  CHECK(raw_database(path).value("SELECT COUNT(*) FROM memories") == "0");
  CHECK(deliver(*store, batch) == std::vector<outcome_kind>(3, outcome_kind::delivered));
  CHECK(raw_database(path).value("SELECT COUNT(*) FROM memories") == "3");
}

TEST_CASE("a batch whose commit fails is not delivered") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  const connection_spy spy;
  auto store = make_sqlite({path});
  REQUIRE(deliver(*store, {entry_named("p0")}) == one_delivered);
  sqlite3_commit_hook(spy.last(), [](void*) { return 1; }, nullptr);  // a COMMIT becomes a ROLLBACK
  for (const auto kind : deliver(*store, entries("p", 3)))
    CHECK(kind != outcome_kind::delivered);
  CHECK(raw_database(path).value("SELECT COUNT(*) FROM memories") == "1");
}

TEST_CASE("a path that cannot be opened pauses the destination until it can") {
  const temp_dir dir;
  nexus::test::write_file(dir / "data", "a file where the directory should be");
  auto store = make_sqlite({dir / "data/memories.db"});
  const auto outcomes = store->deliver(std::vector<entry_ptr>{entry_named("p1")});
  CHECK(kinds(outcomes) == one_config_fault);
  CHECK(outcomes[0].reason.find(dir / "data") != std::string::npos);
  CHECK_FALSE(store->ping().ok());
  std::filesystem::remove(dir / "data");
  CHECK(store->ping().ok());
  CHECK(deliver(*store, {entry_named("p1")}) == one_delivered);
}

TEST_CASE("a file that is no database pauses the destination until it is gone") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  nexus::test::write_file(path, std::string(8192, 'x'));
  auto store = make_sqlite({path});
  CHECK(deliver(*store, {entry_named("p1")}) == one_config_fault);
  CHECK(nexus::test::read_file(path) == std::string(8192, 'x'));
  std::filesystem::remove(path);
  CHECK(deliver(*store, {entry_named("p1")}) == one_delivered);
}

TEST_CASE("entries do not go into a database file that has been deleted") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  auto store = make_sqlite({path});
  REQUIRE(deliver(*store, {entry_named("p1")}) == one_delivered);
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  REQUIRE(deliver(*store, {entry_named("p2")}) == one_delivered);
  CHECK(raw_database(path).rows("SELECT payload_id FROM memories") ==
        std::vector<std::string>{"p2"});
}

TEST_CASE("two instances for one file take turns instead of refusing each other") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  const auto write = [&](const std::string& prefix, std::vector<outcome_kind>& outcomes) {
    auto store = make_sqlite({path, 0ms});
    for (int n = 0; n < 30; ++n) {
      const auto batch = deliver(*store, entries(prefix + std::to_string(n) + "-", 10));
      outcomes.insert(outcomes.end(), batch.begin(), batch.end());
    }
  };
  std::vector<outcome_kind> first;
  std::vector<outcome_kind> second;
  std::thread other([&] { write("b", second); });
  write("a", first);
  other.join();
  CHECK(first == std::vector<outcome_kind>(300, outcome_kind::delivered));
  CHECK(second == std::vector<outcome_kind>(300, outcome_kind::delivered));
  raw_database db(path);
  CHECK(db.value("SELECT COUNT(*) FROM memories") == "600");
  CHECK(db.value("PRAGMA integrity_check") == "ok");
}

TEST_CASE("it says which payload ids it holds") {
  const temp_dir dir;
  auto store = make_sqlite({dir / "memories.db"});
  REQUIRE(deliver(*store, entries("p", 3)) ==
          std::vector<outcome_kind>(3, outcome_kind::delivered));
  std::vector<std::string> ids{"p2", "missing", "p0", "", "p2"};
  auto found = store->exists(ids);
  REQUIRE(found.ok());
  CHECK(*found == std::vector<bool>{true, false, true, false, true});
  ids.assign(40'000, "p1");  // more than a statement may have parameters
  found = store->exists(ids);
  REQUIRE(found.ok());
  CHECK(*found == std::vector<bool>(40'000, true));
}

TEST_CASE("an empty batch has no outcomes") {
  const temp_dir dir;
  CHECK(make_sqlite({dir / "memories.db"})->deliver({}).empty());
}

TEST_CASE("results of SQLite become the outcome that fits the reaction") {
  CHECK(outcome_of_sqlite(SQLITE_DONE) == outcome_kind::delivered);
  for (const int code : {SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT, SQLITE_LOCKED, SQLITE_FULL,
                         SQLITE_IOERR, SQLITE_IOERR_FSYNC, SQLITE_NOMEM, SQLITE_PROTOCOL}) {
    INFO(code);
    CHECK(outcome_of_sqlite(code) == outcome_kind::unreachable);
  }
  for (const int code :
       {SQLITE_INTERRUPT, SQLITE_SCHEMA, SQLITE_ABORT_ROLLBACK, SQLITE_READONLY_DBMOVED}) {
    INFO(code);
    CHECK(outcome_of_sqlite(code) == outcome_kind::transient);
  }
  for (const int code :
       {SQLITE_CANTOPEN, SQLITE_CANTOPEN_ISDIR, SQLITE_NOTADB, SQLITE_CORRUPT, SQLITE_PERM,
        SQLITE_READONLY, SQLITE_AUTH, SQLITE_ERROR, SQLITE_FORMAT, SQLITE_MISUSE, 250}) {
    INFO(code);
    CHECK(outcome_of_sqlite(code) == outcome_kind::config_fault);
  }
  for (const int code : {SQLITE_CONSTRAINT, SQLITE_CONSTRAINT_NOTNULL, SQLITE_CONSTRAINT_TRIGGER,
                         SQLITE_TOOBIG, SQLITE_MISMATCH}) {
    INFO(code);
    CHECK(outcome_of_sqlite(code) == outcome_kind::permanent);
  }
}
