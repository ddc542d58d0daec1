#include "destinations/postgres_schema.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "destinations/postgres_rows.hpp"

namespace nexus::destinations {

namespace {

struct column {
  std::string_view name;
  std::string_view definition;
  bool later;  ///< A table of an early version lacks it.
};

constexpr std::string_view text_definition = "text NOT NULL DEFAULT ''";

/// In the order of a table that we create. The type of `embedding` depends on the database.
constexpr std::array<column, 21> columns{{
    {"payload_id", "text PRIMARY KEY", false},
    {"request_id", text_definition, false},
    {"source", text_definition, false},
    {"subject", text_definition, false},
    {"namespace", text_definition, false},
    {"destination", text_definition, false},
    {"collection", text_definition, false},
    {"content", text_definition, false},
    {"model", text_definition, false},
    {"role", text_definition, false},
    {"timestamp", "timestamptz NOT NULL DEFAULT now()", false},
    {"idempotency_key", text_definition, false},
    {"schema_version", "integer NOT NULL DEFAULT 0", false},
    {"transform_version", text_definition, false},
    {"actor_type", text_definition, false},
    {"actor_id", text_definition, false},
    {"metadata", "jsonb NOT NULL DEFAULT '{}'", false},
    {"created_at", "timestamptz NOT NULL DEFAULT now()", false},
    {"embedding", "", true},
    {"sensitivity_labels", "text[] NOT NULL DEFAULT '{}'", true},
    {"classification_tier", "text NOT NULL DEFAULT 'public'", true},
}};

constexpr std::array<std::string_view, 5> indexes{
    "(idempotency_key)", "(classification_tier)", "USING gin (sensitivity_labels)",
    "(namespace, destination, timestamp DESC)", "(subject, timestamp DESC)"};

/// Connections that create or complete a table take turns by this lock of the database: CREATE ...
/// IF NOT EXISTS alone fails where two run at the same time.
constexpr std::string_view take_turn = "SELECT pg_advisory_xact_lock(7955998170729676)";

std::string quote(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

core::error bad_table_name() {
  return {core::errc::bad_config,
          "table is neither a name nor schema.name; a name is of letters, digits and _, does not"
          " begin with a digit, and has at most 63 characters"};
}

bool is_identifier(std::string_view text) {
  constexpr std::size_t size_max = 63;  // NAMEDATALEN - 1
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && text.size() <= size_max && !digit(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || digit(c); });
}

std::string definition_of(const column& one, const std::string& embedding_type) {
  return one.name == "embedding" ? embedding_type : std::string(one.definition);
}

std::string create_statement(const table_plan& plan, const std::string& embedding_type) {
  std::string sql = "CREATE TABLE " + plan.name.quoted() + " (";
  for (const column& one : columns) {
    if (&one != columns.begin()) sql += ", ";
    sql.append(one.name).append(" ").append(definition_of(one, embedding_type));
  }
  return sql + ")";
}

std::string add_statement(const table_plan& plan, const std::vector<column>& missing,
                          const std::string& embedding_type) {
  std::string sql = "ALTER TABLE " + plan.name.quoted();
  for (const column& one : missing) {
    if (&one != &missing.front()) sql += ',';
    sql.append(" ADD COLUMN ").append(one.name).append(" ");
    sql += definition_of(one, embedding_type);
  }
  return sql;
}

/// Everything that decides whether we can write.
struct findings {
  bool read_only = false;
  std::string user;
  std::string schema;  ///< Where the table is or would be; empty: nowhere.
  bool schema_usable = false;
  bool schema_creatable = false;
  std::string table_oid;  ///< Empty: there is none.
  bool owner = false;
  bool unique_id = false;
  bool has_vector = false;
  std::vector<column> missing;
  std::vector<std::string> not_insertable;
  std::string without_default;  ///< A column that is none of ours and must be given a value.
  bool id_readable = false;
  std::string embedding_type;
};

constexpr const char* place_query = R"(
SELECT current_setting('transaction_read_only') = 'on', current_user, s.nspname,
  has_schema_privilege(s.oid, 'USAGE'), has_schema_privilege(s.oid, 'CREATE'),
  t.oid, pg_has_role(t.relowner, 'USAGE'),
  EXISTS (SELECT FROM pg_index i JOIN pg_attribute a
          ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
          WHERE i.indrelid = t.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
            AND i.indpred IS NULL AND i.indnkeyatts = 1 AND a.attname = 'payload_id'),
  to_regtype('vector') IS NOT NULL
FROM (SELECT) one
LEFT JOIN (SELECT c.oid, c.relowner, n.nspname
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relname = $2 AND c.relkind IN ('r', 'p')
             AND CASE WHEN $1 = '' THEN pg_table_is_visible(c.oid) ELSE n.nspname = $1 END) t
  ON true
LEFT JOIN pg_namespace s ON s.nspname = coalesce(t.nspname, nullif($1, ''), current_schema()))";

constexpr const char* columns_query = R"(
SELECT attname, format_type(atttypid, -1), has_column_privilege(attrelid, attnum, 'INSERT'),
  has_column_privilege(attrelid, attnum, 'SELECT'),
  attnotnull AND NOT atthasdef AND attidentity = ''
FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)";

std::optional<postgres_fault> find_columns(findings& into, postgres_connection& connection,
                                           postgres_deadline until) {
  postgres_rows rows;
  const std::array<postgres_parameter, 1> parameters{{{into.table_oid}}};
  auto refused = connection.run(rows, columns_query, parameters, "look at the table", until);
  if (refused) return refused;
  std::map<std::string_view, std::size_t> present;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::string_view name = rows.text(row, 0);
    present.emplace(name, row);
    const bool ours = std::any_of(columns.begin(), columns.end(),
                                  [&](const column& one) { return one.name == name; });
    if (!ours && rows.flag(row, 4)) into.without_default = name;
  }
  for (const column& one : columns) {
    const auto found = present.find(one.name);
    if (found == present.end() && one.name != "created_at") into.missing.push_back(one);
    if (found == present.end() || one.name == "created_at") continue;
    if (!rows.flag(found->second, 2)) into.not_insertable.emplace_back(one.name);
    if (one.name == "payload_id") into.id_readable = rows.flag(found->second, 3);
    if (one.name == "embedding") into.embedding_type = rows.text(found->second, 1);
  }
  return std::nullopt;
}

std::optional<postgres_fault> find(findings& into, postgres_connection& connection,
                                   const table_plan& plan, postgres_deadline until) {
  postgres_rows rows;
  const std::array<postgres_parameter, 2> parameters{{{plan.name.schema}, {plan.name.table}}};
  auto refused = connection.run(rows, place_query, parameters, "look at the table", until);
  if (refused) return refused;
  into.read_only = rows.flag(0, 0);
  into.user = rows.text(0, 1);
  into.schema = rows.text(0, 2);
  into.schema_usable = rows.flag(0, 3);
  into.schema_creatable = rows.flag(0, 4);
  into.table_oid = rows.text(0, 5);
  into.owner = rows.flag(0, 6);
  into.unique_id = rows.flag(0, 7);
  into.has_vector = rows.flag(0, 8);
  if (into.table_oid.empty()) return std::nullopt;
  return find_columns(into, connection, until);
}

/// Without the extension the embedding is kept as it is, in a type that PostgreSQL converts into a
/// vector later.
std::string embedding_type_for(bool has_vector, const table_plan& plan) {
  return has_vector ? "vector(" + std::to_string(plan.vector_dimensions) + ")" : "real[]";
}

/// Why a table that is not there cannot be created; empty: it can.
std::string why_not_creatable(const findings& found, const table_plan& plan) {
  const std::string table = plan.name.quoted();
  if (found.schema.empty()) {
    return plan.name.schema.empty()
               ? "no schema of the search path exists; run: CREATE SCHEMA " + quote(found.user)
               : "the schema does not exist; run: CREATE SCHEMA " + quote(plan.name.schema);
  }
  const std::string create = create_statement(plan, embedding_type_for(found.has_vector, plan));
  if (!plan.create) {
    return "the table " + table + " does not exist, and create_table is off; run: " + create;
  }
  if (found.schema_creatable && found.schema_usable) return {};
  return "the table " + table + " does not exist, and must not be created by " + found.user +
         "; run: GRANT USAGE, CREATE ON SCHEMA " + quote(found.schema) + " TO " +
         quote(found.user) + " (or run: " + create + ")";
}

/// Why a table cannot be written to; empty: it can.
std::string why_not_writable(const findings& found, const table_plan& plan) {
  const std::string table = plan.name.quoted();
  const std::string to_user = " TO " + quote(found.user);
  if (!found.schema_usable) {
    return "no right to use the schema; run: GRANT USAGE ON SCHEMA " + quote(found.schema) +
           to_user;
  }
  const bool only_later = std::all_of(found.missing.begin(), found.missing.end(),
                                      [](const column& one) { return one.later; });
  if (!found.missing.empty() && !(only_later && plan.create && found.owner)) {
    const std::string type = embedding_type_for(found.has_vector, plan);
    return "the table " + table + " has no column " + std::string(found.missing.front().name) +
           "; run: " + add_statement(plan, found.missing, type);
  }
  if (!found.unique_id) {
    return "payload_id is not unique; run: CREATE UNIQUE INDEX ON " + table + " (payload_id)";
  }
  if (!found.not_insertable.empty()) {
    return "no right to insert; run: GRANT INSERT, SELECT ON " + table + to_user;
  }
  if (!found.id_readable) {
    return "no right to read payload_id, which finds repeated entries; run: GRANT SELECT ON " +
           table + to_user;
  }
  if (!found.without_default.empty()) {
    const std::string name = quote(found.without_default);
    return "the column " + name + " has no default; run: ALTER TABLE " + table + " ALTER COLUMN " +
           name + " DROP NOT NULL";
  }
  return {};
}

/// Nothing here is worth failing for: without the type there is the array, and without the index a
/// search by similarity is slower.
std::optional<postgres_fault> attempt(postgres_connection& connection, const std::string& sql,
                                      postgres_deadline until) {
  auto refused = connection.run("SAVEPOINT attempt", "set a savepoint", until);
  if (refused) return refused;
  refused = connection.run(sql, "use the extension vector", until);
  if (refused && refused->kind == outcome_kind::unreachable) return refused;
  if (refused) return connection.run("ROLLBACK TO SAVEPOINT attempt", "roll back", until);
  return connection.run("RELEASE SAVEPOINT attempt", "release a savepoint", until);
}

std::optional<postgres_fault> add_extension(bool& has_vector, postgres_connection& connection,
                                            postgres_deadline until) {
  if (has_vector) return std::nullopt;
  postgres_rows rows;
  const std::string_view doing = "look for the extension vector";
  auto refused = connection.run(
      rows,
      "SELECT FROM pg_available_extensions WHERE name = 'vector' AND installed_version IS NULL", {},
      doing, until);
  if (refused || rows.size() == 0) return refused;
  refused = attempt(connection, "CREATE EXTENSION vector", until);
  if (refused) return refused;
  refused = connection.run(rows, "SELECT to_regtype('vector') IS NOT NULL", {}, doing, until);
  has_vector = !refused && rows.flag(0, 0);
  return refused;
}

std::optional<postgres_fault> create(const findings& found, postgres_connection& connection,
                                     const table_plan& plan, postgres_deadline until) {
  bool has_vector = found.has_vector;
  if (auto refused = add_extension(has_vector, connection, until)) return refused;
  const std::string type = embedding_type_for(has_vector, plan);
  const std::string table = plan.name.quoted();
  if (!found.table_oid.empty()) {
    return connection.run(add_statement(plan, found.missing, type), "add columns", until);
  }
  auto refused = connection.run(create_statement(plan, type), "create the table", until);
  for (const std::string_view index : indexes) {
    if (refused) return refused;
    refused = connection.run("CREATE INDEX ON " + table + " " + std::string(index),
                             "create an index", until);
  }
  if (refused || !has_vector) return refused;
  return attempt(connection,
                 "CREATE INDEX ON " + table +
                     " USING ivfflat (embedding vector_cosine_ops) WITH (lists = 100)",
                 until);
}

std::optional<postgres_fault> look(table_state& into, findings& found,
                                   postgres_connection& connection, const table_plan& plan,
                                   postgres_deadline until) {
  found = {};
  if (auto refused = find(found, connection, plan, until)) return refused;
  if (found.read_only) {
    return connection.fault(outcome_kind::config_fault,
                            "the server, or this user's transactions, are read-only");
  }
  into.exists = !found.table_oid.empty();
  const std::string why =
      into.exists ? why_not_writable(found, plan) : why_not_creatable(found, plan);
  if (!why.empty()) return connection.fault(outcome_kind::config_fault, why);
  into.needs_columns = !found.missing.empty();
  into.embedding_type = found.embedding_type;
  return std::nullopt;
}

}  // namespace

std::string table_name::quoted() const {
  return schema.empty() ? quote(table) : quote(schema) + "." + quote(table);
}

core::result<table_name> parse_table_name(std::string_view text) {
  table_name name;
  const std::size_t dot = text.find('.');
  if (dot != std::string_view::npos) {
    name.schema = text.substr(0, dot);
    if (!is_identifier(name.schema)) return bad_table_name();
    text.remove_prefix(dot + 1);
  }
  if (!is_identifier(text)) return bad_table_name();
  name.table = text;
  return name;
}

std::optional<postgres_fault> look_at_table(table_state& into, postgres_connection& connection,
                                            const table_plan& plan, postgres_deadline until) {
  findings found;
  return look(into, found, connection, plan, until);
}

std::optional<postgres_fault> make_table(table_state& into, postgres_connection& connection,
                                         const table_plan& plan, postgres_deadline until) {
  findings found;
  auto refused = look(into, found, connection, plan, until);
  if (refused || (into.exists && !into.needs_columns)) return refused;
  // Any failure from here on ends in the connection being closed, which rolls back.
  refused = connection.run("BEGIN ISOLATION LEVEL READ COMMITTED", "begin", until);
  if (!refused) refused = connection.run(std::string(take_turn), "wait for others", until);
  // Another connection may have done it while we waited.
  if (!refused) refused = look(into, found, connection, plan, until);
  const bool needed = !into.exists || into.needs_columns;
  if (!refused && needed) refused = create(found, connection, plan, until);
  if (!refused) refused = connection.run("COMMIT", "commit", until);
  if (!refused && needed) refused = look(into, found, connection, plan, until);
  return refused;
}

}  // namespace nexus::destinations
