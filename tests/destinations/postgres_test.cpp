#include "destinations/postgres.hpp"

#include "tests/destinations/postgres_support.hpp"

using namespace nexus::destinations;
using namespace nexus::test;
using nexus::core::entry_ptr;

namespace {

const auto delivered = outcome_kind::delivered;

/// What stays the same in both stores, spelled as SQLite has it.
constexpr const char* common_columns =
    "SELECT payload_id, request_id, source, subject, namespace, destination, collection, content,"
    " model, role, idempotency_key, schema_version, transform_version, actor_type, actor_id,"
    " classification_tier, ";

std::string count(fresh_database& database) {
  return database->value("SELECT count(*) FROM memories");
}

}  // namespace

TEST_CASE("an entry delivered twice leaves one row, in a batch and after it") {
  fresh_database database;
  auto store = database.store();
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
  CHECK(deliver(*store, {entry_named("p1"), entry_named("p2"), entry_named("p2")}) ==
        all_of(delivered, 3));
  auto changed = record_named("p2");
  changed.content = "another";
  CHECK(deliver(*database.store(), {entry_of(changed)}) == all_of(delivered, 1));
  CHECK(database->rows("SELECT payload_id, content FROM memories ORDER BY 1") ==
        std::vector<std::string>{"p1|content of p1", "p2|content of p2"});
}

TEST_CASE("the rows are those that sqlite stores for the same payloads") {
  fresh_database database;
  const temp_dir dir;
  auto full = record_named("p1");
  full.metadata = {{"z", "1"}, {"a", "<2>"}, {"\"q\\", "Grüße\n\t'"}};
  full.embedding = {1.0F, -2.5F, 1e-7F, 3.4e38F};
  full.sensitivity_labels = {"pii", "he\"al\\th", "", "NULL", "{x}"};
  full.content = "a 'quoted' \"text\" \\ with\nlines, {braces}, \xF0\x9F\x8C\x8D and \x01";
  full.timestamp = "2026-01-02T03:04:05.123456Z";
  auto plain = record_named("p2");
  plain.classification_tier.clear();
  plain.timestamp = "0001-01-01T00:00:00Z";
  const std::vector<entry_ptr> batch{entry_of(full), entry_of(plain), entry_with("p3", "{}")};
  auto store = database.store();
  REQUIRE(deliver(*store, batch) == all_of(delivered, 3));
  REQUIRE(deliver(*make_sqlite({dir / "memories.db"}), batch) == all_of(delivered, 3));

  raw_database other(dir / "memories.db");
  const std::string common = common_columns;
  CHECK(database->rows(common + "to_char(timestamp AT TIME ZONE 'UTC',"
                                " 'YYYY-MM-DD\"T\"HH24:MI:SS') FROM memories ORDER BY 1") ==
        other.rows(common + "substr(timestamp, 1, 19) FROM memories ORDER BY 1"));
  CHECK(database->value("SELECT extract(microseconds FROM timestamp) FROM memories"
                        " WHERE payload_id = 'p1'") == "5123456");
  // The metadata as SQLite has it is the same JSON.
  const std::string json = other.value("SELECT metadata FROM memories WHERE payload_id = 'p1'");
  CHECK(database->value("SELECT metadata = $json$" + json +
                        "$json$::jsonb FROM memories"
                        " WHERE payload_id = 'p1'") == "t");
  CHECK(database->value("SELECT metadata->>'a' FROM memories WHERE payload_id = 'p1'") == "<2>");
  const std::string tail =
      "SELECT metadata, embedding, sensitivity_labels FROM memories WHERE"
      " payload_id = ";
  CHECK(database->value("SELECT embedding, array_to_string(sensitivity_labels, ';') FROM memories"
                        " WHERE payload_id = 'p1'") ==
        "{1,-2.5,1e-07,3.4e+38}|pii;he\"al\\th;;NULL;{x}");
  CHECK(database->value(tail + "'p2'") == "{}|NULL|{}");
  CHECK(database->value(tail + "'p3'") == "{}|NULL|{}");
  CHECK(database->value("SELECT bool_and(now() - created_at < interval '1 hour') FROM memories") ==
        "t");
}

TEST_CASE("NUL characters become replacement characters, but not in a payload id") {
  fresh_database database;
  const std::string with_nul("a\0b", 3);
  auto record = record_named("p1");
  record.content = with_nul;
  record.sensitivity_labels = {with_nul};
  record.metadata = {{with_nul, with_nul}};
  auto nul_id = record_named(with_nul);
  auto store = database.store();
  CHECK(deliver(*store, {entry_of(record), entry_of(nul_id), entry_named("p2")}) ==
        std::vector<outcome_kind>{delivered, outcome_kind::permanent, delivered});
  CHECK(database->rows("SELECT content, sensitivity_labels[1], metadata FROM memories"
                       " WHERE payload_id = 'p1'") ==
        std::vector<std::string>{"a\uFFFDb|a\uFFFDb|{\"a\uFFFDb\": \"a\uFFFDb\"}"});
  CHECK(count(database) == "2");
  const std::vector<std::string> ids{with_nul, "p2"};
  const auto there = store->exists(ids);
  REQUIRE(there.ok());
  CHECK(*there == std::vector<bool>{false, true});
}

TEST_CASE("a batch of five hundred is one transaction, in its order") {
  fresh_database database;
  auto store = database.store();
  CHECK(deliver(*store, entries("p", 500)) == all_of(delivered, 500));
  CHECK(database->value("SELECT count(*), count(DISTINCT xmin::text) FROM memories") == "500|1");
  CHECK(database->value("SELECT array_agg(payload_id ORDER BY ctid) = array_agg(payload_id ORDER BY"
                        " substr(payload_id, 2)::int) FROM memories") == "t");
}

TEST_CASE("rows too large for one statement go into several, in their order") {
  fresh_database database;
  auto store = database.store();
  std::vector<entry_ptr> batch;
  for (int i = 0; i < 5; ++i) {
    auto record = record_named("p" + std::to_string(i));
    record.content = std::string(9 * 1024 * 1024, static_cast<char>('a' + i));
    batch.push_back(entry_of(record));
  }
  CHECK(deliver(*store, batch) == all_of(delivered, 5));
  CHECK(database->value("SELECT count(*), count(DISTINCT xmin::text), min(length(content)) FROM"
                        " memories") == "5|5|9437184");
}

TEST_CASE("of a batch only the rows that the database refuses fail") {
  fresh_database database;
  auto store = database.store();
  REQUIRE(deliver(*store, {entry_named("first")}) == all_of(delivered, 1));
  database->rows("ALTER TABLE memories ADD CHECK (payload_id NOT IN ('p0', 'p3', 'p4', 'p99'))");
  auto batch = entries("p", 100);
  auto out_of_range = record_named("wide");
  out_of_range.schema_version = std::int64_t{1} << 40;
  batch.push_back(entry_of(out_of_range));
  auto too_wide_a_key = record_named("key");
  for (int i = 0; i < 5000; ++i) too_wide_a_key.idempotency_key += std::to_string(i * 7919 % 4999);
  batch.push_back(entry_of(too_wide_a_key));
  batch.push_back(entry_with("broken", R"({"content":7})"));
  batch.push_back(entry_named("last"));
  const auto outcomes = store->deliver(batch);
  const auto what = kinds(outcomes);
  for (std::size_t i = 0; i < what.size(); ++i) {
    INFO(i << " " << outcomes[i].reason);
    const bool refused = i == 0 || i == 3 || i == 4 || i == 99 || (i >= 100 && i <= 102);
    CHECK(what[i] == (refused ? outcome_kind::permanent : delivered));
  }
  CHECK(contains(outcomes[3].reason, "23514"));
  CHECK(contains(outcomes[3].reason, "constraint memories_payload_id_check"));
  CHECK(contains(outcomes[100].reason, "22003"));
  CHECK(contains(outcomes[101].reason, "54000"));
  CHECK(count(database) == "98");
  CHECK(deliver(*store, {entry_named("later")}) == all_of(delivered, 1));
}

TEST_CASE("a whole batch that is refused fails row by row") {
  fresh_database database;
  auto store = database.store();
  REQUIRE(store->ping().ok());
  REQUIRE(deliver(*store, {entry_named("first")}) == all_of(delivered, 1));
  database->rows("ALTER TABLE memories ADD CHECK (payload_id NOT LIKE 'p%')");
  CHECK(deliver(*store, entries("p", 256)) == all_of(outcome_kind::permanent, 256));
  CHECK(count(database) == "1");
}

TEST_CASE("what a trigger raises is the row's own fault, what breaks in it is the schema's") {
  fresh_database database;
  auto store = database.store();
  REQUIRE(deliver(*store, {entry_named("first")}) == all_of(delivered, 1));
  const auto trigger = [&](const std::string& body) {
    database->rows(
        "CREATE OR REPLACE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.payload_id = 'p2' THEN " +
        body + "; END IF; RETURN NEW; END $$");
  };
  trigger("RAISE EXCEPTION E'not this\\none'");
  database->rows(
      "CREATE TRIGGER guard BEFORE INSERT ON memories FOR EACH ROW EXECUTE FUNCTION"
      " guard()");
  const auto outcomes = store->deliver(entries("p", 4));
  CHECK(kinds(outcomes) ==
        std::vector<outcome_kind>{delivered, delivered, outcome_kind::permanent, delivered});
  CHECK(contains(outcomes[2].reason, "not this one"));

  trigger("PERFORM * FROM nowhere");
  CHECK(deliver(*store, {entry_named("q1"), entry_named("p2"), entry_named("q2")}) ==
        all_of(outcome_kind::config_fault, 3));
  trigger("RAISE EXCEPTION 'later' USING ERRCODE = '40001'");
  CHECK(deliver(*store, {entry_named("q1"), entry_named("p2"), entry_named("q2")}) ==
        all_of(outcome_kind::transient, 3));
  CHECK(count(database) == "4");  // none that follows one that may still come
}

TEST_CASE("a violated constraint is not taken for a repeated entry") {
  fresh_database database;
  auto store = database.store();
  REQUIRE(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
  database->rows("CREATE UNIQUE INDEX ON memories (request_id)");
  CHECK(deliver(*store, {entry_named("p2")}) == all_of(outcome_kind::permanent, 1));
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
}

TEST_CASE("a constraint that is checked at the commit fails its row alone") {
  fresh_database database;
  auto store = database.store();
  REQUIRE(deliver(*store, {entry_named("p0")}) == all_of(delivered, 1));
  database->rows("CREATE TABLE subjects (name text PRIMARY KEY)");
  database->rows("INSERT INTO subjects VALUES ('ann')");
  database->rows(
      "ALTER TABLE memories ADD FOREIGN KEY (subject) REFERENCES subjects DEFERRABLE"
      " INITIALLY DEFERRED");
  auto stranger = record_named("p2");
  stranger.subject = "bob";
  CHECK(deliver(*store, {entry_named("p1"), entry_of(stranger), entry_named("p3")}) ==
        std::vector<outcome_kind>{delivered, outcome_kind::permanent, delivered});
  CHECK(count(database) == "3");
}

TEST_CASE("exists says which ids are there, and creates nothing") {
  fresh_database database;
  auto store = database.store();
  const std::vector<std::string> ids{"p1", "nope", "p0", "it's", "{,}"};
  const auto before = store->exists(ids);
  REQUIRE(before.ok());
  CHECK(*before == std::vector<bool>(5, false));
  CHECK(database->value("SELECT to_regclass('memories') IS NULL") == "t");
  REQUIRE(deliver(*store, {entry_named("p0"), entry_named("p1"), entry_named("it's")}) ==
          all_of(delivered, 3));
  const auto after = store->exists(ids);
  REQUIRE(after.ok());
  CHECK(*after == std::vector<bool>{true, false, true, true, false});
  CHECK(store->exists({}).ok());
}

TEST_CASE("commits are durable even where the database says otherwise") {
  fresh_database database;
  const std::string name = database->value("SELECT current_database()");
  database->rows("ALTER DATABASE " + name + " SET synchronous_commit = off");
  auto store = database.store();
  REQUIRE(deliver(*store, {entry_named("p0")}) == all_of(delivered, 1));
  database->rows(
      "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.content ="
      " current_setting('synchronous_commit'); RETURN NEW; END $$");
  database->rows(
      "CREATE TRIGGER tell BEFORE INSERT ON memories FOR EACH ROW EXECUTE FUNCTION"
      " tell()");
  REQUIRE(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
  CHECK(database->value("SELECT content FROM memories WHERE payload_id = 'p1'") == "on");
}
