#include "destinations/postgres_schema.hpp"

#include <thread>

#include "tests/destinations/postgres_support.hpp"

using namespace nexus::destinations;
using namespace nexus::test;
using nexus::core::errc;

namespace {

const auto delivered = outcome_kind::delivered;
const auto config_fault = outcome_kind::config_fault;

/// The table as the first versions of the reference made it, without `without`.
std::string early_postgres_table(const std::string& without = "") {
  std::string sql = "CREATE TABLE memories (payload_id TEXT PRIMARY KEY";
  for (const std::string name :
       {"request_id", "source", "subject", "namespace", "destination", "collection", "content",
        "model", "role", "idempotency_key", "transform_version", "actor_type", "actor_id"}) {
    if (name != without) sql += ", " + name + " TEXT NOT NULL DEFAULT ''";
  }
  return sql +
         ", timestamp TIMESTAMPTZ NOT NULL DEFAULT now(), schema_version INTEGER NOT NULL DEFAULT "
         "0,"
         " metadata JSONB NOT NULL DEFAULT '{}', created_at TIMESTAMPTZ NOT NULL DEFAULT now())";
}

std::string embedding_type(fresh_database& database) {
  return database->value(
      "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid ="
      " 'memories'::regclass AND attname = 'embedding'");
}

/// What stands after "run: ", which must mend the fault.
std::string advice(const std::string& reason) {
  const auto at = reason.find("run: ");
  REQUIRE(at != std::string::npos);
  return reason.substr(at + 5, reason.find(" (or run: ", at) - at - 5);
}

}  // namespace

TEST_CASE("the table and its indexes are those of the reference, the embedding without extension") {
  fresh_database database;
  if (database->value("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") !=
      "0") {
    return;  // the next but one speaks of that
  }
  REQUIRE(deliver(*database.store(), {entry_named("p1")}) == all_of(delivered, 1));
  const auto text = [](const std::string& name) { return name + "|text|t|''::text"; };
  std::vector<std::string> expected{"payload_id|text|t|NULL"};
  for (const char* name : {"request_id", "source", "subject", "namespace", "destination",
                           "collection", "content", "model", "role"}) {
    expected.push_back(text(name));
  }
  expected.push_back("timestamp|timestamp with time zone|t|now()");
  expected.push_back(text("idempotency_key"));
  expected.push_back("schema_version|integer|t|0");
  for (const char* name : {"transform_version", "actor_type", "actor_id"}) {
    expected.push_back(text(name));
  }
  expected.push_back("metadata|jsonb|t|'{}'::jsonb");
  expected.push_back("created_at|timestamp with time zone|t|now()");
  expected.push_back("embedding|real[]|f|NULL");
  expected.push_back("sensitivity_labels|text[]|t|'{}'::text[]");
  expected.push_back("classification_tier|text|t|'public'::text");
  CHECK(database->rows("SELECT attname, format_type(atttypid, atttypmod), attnotnull,"
                       " pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef ON"
                       " adrelid = attrelid AND adnum = attnum WHERE attrelid ="
                       " 'memories'::regclass AND attnum > 0 ORDER BY attnum") == expected);
  CHECK(database->rows("SELECT substring(pg_get_indexdef(indexrelid) FROM 'USING.*'), indisunique"
                       " FROM pg_index WHERE indrelid = 'memories'::regclass ORDER BY 1") ==
        std::vector<std::string>{
            "USING btree (classification_tier)|f", "USING btree (idempotency_key)|f",
            "USING btree (namespace, destination, \"timestamp\" DESC)|f",
            "USING btree (payload_id)|t", "USING btree (subject, \"timestamp\" DESC)|f",
            "USING gin (sensitivity_labels)|f"});
}

TEST_CASE("where there is a type vector the embedding has it, and its index may fail") {
  fresh_database database;
  // A stand-in for the extension's type: it takes a dimension and keeps the text, but has no index.
  database->rows("CREATE TYPE vector");
  database->rows(
      "CREATE FUNCTION vector_in(cstring) RETURNS vector LANGUAGE internal STRICT"
      " IMMUTABLE AS 'textin'");
  database->rows(
      "CREATE FUNCTION vector_out(vector) RETURNS cstring LANGUAGE internal STRICT"
      " IMMUTABLE AS 'textout'");
  database->rows(
      "CREATE FUNCTION vector_typmod(cstring[]) RETURNS integer LANGUAGE internal STRICT"
      " IMMUTABLE AS 'varchartypmodin'");
  database->rows(
      "CREATE TYPE vector (INPUT = vector_in, OUTPUT = vector_out, TYPMOD_IN ="
      " vector_typmod, LIKE = text)");
  database->rows("CREATE CAST (text AS vector) WITH INOUT");
  auto options = database.options();
  options.vector_dimensions = 3;
  auto record = record_named("p1");
  record.embedding = {1.0F, -2.5F, 0.125F};
  auto store = fresh_database::made(options);
  REQUIRE(deliver(*store, {entry_of(record), entry_named("p2")}) == all_of(delivered, 2));
  CHECK(database->value("SELECT atttypid::regtype, atttypmod - 4 FROM pg_attribute WHERE attrelid ="
                        " 'memories'::regclass AND attname = 'embedding'") == "vector|3");
  CHECK(database->rows("SELECT embedding FROM memories ORDER BY payload_id") ==
        std::vector<std::string>{"[1,-2.5,0.125]", "NULL"});
}

TEST_CASE("where the extension vector may be created it is, with its index") {
  fresh_database database;
  if (database->value("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") ==
      "0") {
    return;  // not installed here
  }
  auto options = database.options();
  options.vector_dimensions = 3;
  auto record = record_named("p1");
  record.embedding = {1.0F, -2.5F, 0.125F};
  auto wrong = record_named("p2");
  wrong.embedding = {1.0F};
  auto store = fresh_database::made(options);
  CHECK(deliver(*store, {entry_of(record), entry_of(wrong), entry_named("p3")}) ==
        std::vector<outcome_kind>{delivered, outcome_kind::permanent, delivered});
  CHECK(embedding_type(database) == "vector(3)");
  CHECK(database->value("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%ivfflat%'") == "1");
}

TEST_CASE("a ping creates nothing, and accepts a table that may be created") {
  fresh_database database;
  auto store = database.store();
  CHECK(store->ping().ok());
  CHECK(database->value("SELECT to_regclass('memories') IS NULL") == "t");
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
  CHECK(store->ping().ok());
  CHECK(database->value("SELECT count(*) FROM memories") == "1");
}

TEST_CASE("an early table gets the later columns and keeps its rows") {
  fresh_database database;
  database->rows(early_postgres_table());
  database->rows("INSERT INTO memories (payload_id) VALUES ('old')");
  auto store = database.store();
  CHECK(store->ping().ok());
  CHECK(database->value("SELECT count(*) FROM pg_attribute WHERE attname = 'embedding'") == "0");
  auto record = record_named("new");
  record.sensitivity_labels = {"pii"};
  CHECK(deliver(*store, {entry_of(record), entry_named("old")}) == all_of(delivered, 2));
  CHECK(database->rows("SELECT payload_id, embedding, sensitivity_labels, classification_tier FROM"
                       " memories ORDER BY 1") ==
        std::vector<std::string>{"new|NULL|{pii}|public", "old|NULL|{}|public"});
}

TEST_CASE("a table without a needed column is left alone, and the statement that mends it named") {
  const bool create = GENERATE(true, false);
  fresh_database database;
  database->rows(early_postgres_table("role"));
  auto options = database.options();
  options.create_table = create;
  auto store = fresh_database::made(options);
  const std::string reason = ping_reason(*store, errc::bad_config);
  CHECK(contains(reason, "no column role"));
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(config_fault, 1));
  database->rows(advice(reason));
  CHECK(store->ping().ok());
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
}

TEST_CASE("a missing table that must not be created is named with the statement that creates it") {
  fresh_database database;
  auto options = database.options();
  options.create_table = false;
  auto store = fresh_database::made(options);
  const std::string reason = ping_reason(*store, errc::bad_config);
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(config_fault, 1));
  database->rows(advice(reason));
  CHECK(store->ping().ok());
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
}

TEST_CASE("each missing right is named with the grant that gives it") {
  fresh_database database;
  database->rows("REVOKE ALL ON SCHEMA public FROM PUBLIC");
  const std::string password = database.add_user("ann");
  auto store = fresh_database::made(database.options("ann", password));
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(config_fault, 1));
  database->rows("GRANT USAGE ON SCHEMA public TO ann");
  const std::string create = ping_reason(*store, errc::bad_config);
  CHECK(contains(create, "GRANT USAGE, CREATE ON SCHEMA \"public\" TO \"ann\""));
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(config_fault, 1));

  REQUIRE(deliver(*database.store(), {entry_named("p0")}) == all_of(delivered, 1));
  database->rows("GRANT INSERT (payload_id) ON memories TO ann");
  const std::string insert = ping_reason(*store, errc::bad_config);
  CHECK(contains(insert, "no right to insert"));
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(config_fault, 1));
  database->rows("GRANT INSERT ON memories TO ann");
  const std::string select = ping_reason(*store, errc::bad_config);
  CHECK(contains(select, "no right to read payload_id"));
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(config_fault, 1));
  database->rows(advice(select));
  CHECK(store->ping().ok());
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));

  database->rows("REVOKE INSERT ON memories FROM ann");
  CHECK(deliver(*store, {entry_named("p2")}) == all_of(config_fault, 1));
  database->rows(advice(insert));
  CHECK(deliver(*store, {entry_named("p2")}) == all_of(delivered, 1));
  database->rows("REVOKE USAGE ON SCHEMA public FROM ann");
  auto qualified = database.options("ann", password);
  qualified.table = "public.memories";
  auto other = fresh_database::made(qualified);
  const std::string usage = ping_reason(*other, errc::bad_config);
  database->rows(advice(usage));
  CHECK(other->ping().ok());
  database->rows("DROP OWNED BY ann");
  database->rows("DROP ROLE ann");
}

TEST_CASE("what keeps every row out is found by the ping, with the statement that mends it") {
  fresh_database database;
  auto store = database.store();
  REQUIRE(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
  const std::string damage = GENERATE("ALTER TABLE memories DROP CONSTRAINT memories_pkey",
                                      "ALTER TABLE memories ADD COLUMN more text DEFAULT ''",
                                      "ALTER TABLE memories RENAME COLUMN content TO text");
  database->rows(damage);
  if (contains(damage, "more")) {
    database->rows("ALTER TABLE memories ALTER COLUMN more SET NOT NULL");
    database->rows("ALTER TABLE memories ALTER COLUMN more DROP DEFAULT");
  }
  const std::string reason = ping_reason(*store, errc::bad_config);
  CHECK(deliver(*store, {entry_named("p2")}) == all_of(config_fault, 1));
  CHECK(database->value("SELECT count(*) FROM memories") == "1");
  database->rows(advice(reason));
  CHECK(store->ping().ok());
  CHECK(deliver(*store, {entry_named("p2")}) == all_of(delivered, 1));
}

TEST_CASE("a schema that does not exist is named, one that does is used") {
  fresh_database database;
  auto options = database.options();
  options.table = "Ours.Notes";
  auto store = fresh_database::made(options);
  const std::string reason = ping_reason(*store, errc::bad_config);
  CHECK(advice(reason) == "CREATE SCHEMA \"Ours\"");
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(config_fault, 1));
  database->rows(advice(reason));
  CHECK(store->ping().ok());
  CHECK(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
  CHECK(database->value("SELECT payload_id FROM \"Ours\".\"Notes\"") == "p1");
}

TEST_CASE("a table that is dropped is made again with the next batch but one") {
  fresh_database database;
  auto store = database.store();
  REQUIRE(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
  database->rows("DROP TABLE memories");
  CHECK(deliver(*store, {entry_named("p2")}) == all_of(config_fault, 1));
  CHECK(deliver(*store, {entry_named("p2")}) == all_of(delivered, 1));
}

TEST_CASE("a read-only database is a fault of the configuration") {
  fresh_database database;
  auto store = database.store();
  REQUIRE(deliver(*store, {entry_named("p1")}) == all_of(delivered, 1));
  const std::string name = database->value("SELECT current_database()");
  database->rows("ALTER DATABASE " + name + " SET default_transaction_read_only = on");
  auto later = database.store();
  CHECK(contains(ping_reason(*later, errc::bad_config), "read-only"));
  CHECK(deliver(*later, {entry_named("p2")}) == all_of(config_fault, 1));
}

TEST_CASE("four instances that create the table at the same time all deliver") {
  for (int round = 0; round < 5; ++round) {
    fresh_database database;
    std::vector<std::vector<outcome>> outcomes(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      threads.emplace_back([&, i] {
        outcomes[i] = database.store()->deliver(entries("p" + std::to_string(i) + "-", 3));
      });
    }
    for (auto& thread : threads) thread.join();
    for (const auto& each : outcomes) CHECK(kinds(each) == all_of(delivered, 3));
    CHECK(database->value("SELECT count(*) FROM memories") == "12");
    CHECK(database->value("SELECT count(*) FROM pg_index WHERE indrelid = 'memories'::regclass AND"
                          " NOT indisunique") == "5");
  }
}
